metadata description = 'Assigns Meshplane\'s role for hubs at the resource group of a hub\'s network or of its zones. The role is defined in its subscription by roles.bicep.'

@description('The mesh\'s name.')
param meshName string

@description('The object id of Meshplane\'s identity.')
param principalId string

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(resourceGroup().id, meshName, 'hub', principalId)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', guid(subscription().id, meshName, 'hub'))
  }
}
