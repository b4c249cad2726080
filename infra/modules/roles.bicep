metadata description = 'Meshplane\'s custom roles in one subscription, from infra/roles, and what is assigned at the subscription itself.'

targetScope = 'subscription'

@description('The mesh\'s name: several meshes may share a subscription.')
param meshName string

@description('The object id of Meshplane\'s identity.')
param principalId string

@description('Whether the mesh looks after the nodes of this subscription. Else only a hub or a sink lies in it.')
param member bool

@description('Whether the rights to nodes come from a management group above.')
param inherited bool = false

@description('Whether the network of a hub lies in this subscription.')
param hasHub bool

var roles = {
  hub: loadJsonContent('../roles/hub.json')
  node: loadJsonContent('../roles/node.json')
  operations: loadJsonContent('../roles/operations.json')
  sink: loadJsonContent('../roles/sink.json')
}

// A name is taken once in a tenant, so that each subscription's has its id in it.
resource definitions 'Microsoft.Authorization/roleDefinitions@2022-04-01' = [
  for role in items(roles): {
    name: guid(subscription().id, meshName, role.key)
    properties: {
      roleName: '${role.value.name} (${meshName}, ${subscription().subscriptionId})'
      description: role.value.description
      type: 'CustomRole'
      assignableScopes: [
        subscription().id
      ]
      permissions: [
        {
          actions: role.value.actions
          notActions: role.value.notActions
          dataActions: role.value.dataActions
          notDataActions: role.value.notDataActions
        }
      ]
    }
  }
]

resource looksAfterNodes 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (member && !inherited) {
  name: guid(subscription().id, meshName, 'node', principalId)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', guid(subscription().id, meshName, 'node'))
  }
  dependsOn: [
    definitions
  ]
}

resource followsOperations 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (hasHub && !member) {
  name: guid(subscription().id, meshName, 'operations', principalId)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', guid(subscription().id, meshName, 'operations'))
  }
  dependsOn: [
    definitions
  ]
}
