metadata description = 'Sends the subscription\'s activity log to the workspace, which the dashboards ask, and to the Event Hub, where rules and healing hear it.'

targetScope = 'subscription'

@description('The name of the diagnostic setting.')
param name string

@description('The workspace.')
param workspaceId string

@description('The authorization rule of the Event Hubs namespace. Empty: the workspace alone.')
param eventHubRuleId string

@description('The Event Hub.')
param telemetryHub string

var categories = [
  'Administrative'
  'Alert'
  'Autoscale'
  'Policy'
  'Recommendation'
  'ResourceHealth'
  'Security'
  'ServiceHealth'
]

resource activityLog 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: name
  properties: {
    workspaceId: workspaceId
    eventHubAuthorizationRuleId: empty(eventHubRuleId) ? null : eventHubRuleId
    eventHubName: empty(eventHubRuleId) ? null : telemetryHub
    logs: [
      for category in categories: {
        category: category
        enabled: true
      }
    ]
  }
}
