metadata description = 'Assigns one of Meshplane\'s custom roles at a resource group. The role is defined in its subscription by roles.bicep.'

@description('The mesh\'s name.')
param meshName string

@description('The object id of Meshplane\'s identity.')
param principalId string

@description('Which of the files in infra/roles.')
@allowed([
  'hub'
  'sink'
])
param role string

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(resourceGroup().id, meshName, role, principalId)
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', guid(subscription().id, meshName, role))
  }
}
