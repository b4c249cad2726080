metadata description = 'Assigns Meshplane\'s role for sinks at one workspace, Event Hubs namespace or storage account. The role is defined in its subscription by roles.bicep.'

@description('The mesh\'s name.')
param meshName string

@description('The object id of Meshplane\'s identity.')
param principalId string

@description('The resource id of the sink, which lies in this group.')
param targetId string

var provider = toLower(split(targetId, '/')[6])
var targetName = split(targetId, '/')[8]
var roleDefinitionId = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', guid(subscription().id, meshName, 'sink'))

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-02-01' existing = if (provider == 'microsoft.operationalinsights') {
  name: targetName
}

resource namespace 'Microsoft.EventHub/namespaces@2024-01-01' existing = if (provider == 'microsoft.eventhub') {
  name: targetName
}

resource account 'Microsoft.Storage/storageAccounts@2024-01-01' existing = if (provider == 'microsoft.storage') {
  name: targetName
}

resource onWorkspace 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (provider == 'microsoft.operationalinsights') {
  name: guid(toLower(targetId), meshName, 'sink', principalId)
  scope: workspace
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: roleDefinitionId
  }
}

resource onNamespace 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (provider == 'microsoft.eventhub') {
  name: guid(toLower(targetId), meshName, 'sink', principalId)
  scope: namespace
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: roleDefinitionId
  }
}

resource onAccount 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (provider == 'microsoft.storage') {
  name: guid(toLower(targetId), meshName, 'sink', principalId)
  scope: account
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: roleDefinitionId
  }
}
