metadata description = 'What Meshplane\'s identity may do with its own data: built-in roles on its own storage account, Event Hubs, Application Insights and app, nowhere else.'

@description('The object id of Meshplane\'s identity.')
param principalId string

@description('The storage account.')
param storageName string

@description('The Event Hubs namespace.')
param eventHubsName string

@description('The Event Hub that is read.')
param telemetryHub string

@description('The Event Hub that is written.')
param eventsHub string

@description('Application Insights, which takes no telemetry without an identity.')
param insightsName string

@description('The function app, which the custom metric Alerts belongs to.')
param functionAppName string

var storageRoles = {
  'Storage Blob Data Owner': 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  'Storage Queue Data Contributor': '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  'Storage Table Data Contributor': '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
}
var eventHubsDataReceiver = 'a638d3c7-ab3a-418d-83e6-5f17a39d4fde'
var eventHubsDataSender = '2b629674-e913-4c01-ae53-ef4638d8f975'
var monitoringMetricsPublisher = '3913510d-42f4-4e42-8a64-420c390055eb'

resource account 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: storageName
}

resource namespace 'Microsoft.EventHub/namespaces@2024-01-01' existing = {
  name: eventHubsName

  resource telemetry 'eventhubs' existing = {
    name: telemetryHub
  }

  resource events 'eventhubs' existing = {
    name: eventsHub
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource site 'Microsoft.Web/sites@2024-11-01' existing = {
  name: functionAppName
}

resource onStorage 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in items(storageRoles): {
    name: guid(account.id, principalId, role.value)
    scope: account
    properties: {
      principalId: principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.value)
    }
  }
]

resource readsTelemetry 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(namespace::telemetry.id, principalId, eventHubsDataReceiver)
  scope: namespace::telemetry
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', eventHubsDataReceiver)
  }
}

resource writesEvents 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(namespace::events.id, principalId, eventHubsDataSender)
  scope: namespace::events
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', eventHubsDataSender)
  }
}

resource reportsItself 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(insights.id, principalId, monitoringMetricsPublisher)
  scope: insights
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', monitoringMetricsPublisher)
  }
}

resource countsAlerts 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(site.id, principalId, monitoringMetricsPublisher)
  scope: site
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', monitoringMetricsPublisher)
  }
}
