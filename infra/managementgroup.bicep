metadata name = 'Meshplane\'s rights to the nodes of a whole management group'
metadata description = 'One role and one assignment for all subscriptions below, now and later. Each still needs its event subscription: subscription.bicep with inherited.'

targetScope = 'managementGroup'

@description('The mesh\'s name, as in main.bicep.')
@minLength(2)
@maxLength(24)
param name string = 'meshplane'

@description('The object id of Meshplane\'s identity: MESH_IDENTITY of main.bicep.')
param principalId string

var node = loadJsonContent('roles/node.json')

resource definition 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(managementGroup().id, name, 'node')
  properties: {
    roleName: '${node.name} (${name}, ${managementGroup().name})'
    description: node.description
    type: 'CustomRole'
    assignableScopes: [
      managementGroup().id
    ]
    permissions: [
      {
        actions: node.actions
        notActions: node.notActions
        dataActions: node.dataActions
        notDataActions: node.notDataActions
      }
    ]
  }
}

resource looksAfterNodes 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(managementGroup().id, name, 'node', principalId)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: definition.id
  }
}

@description('The role\'s id.')
output MESH_NODE_ROLE string = definition.id
