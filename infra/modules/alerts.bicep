metadata description = 'Alerts about Meshplane itself. Those about nodes are its own business.'

@description('The start of the rules\' names.')
param name string

@description('Where they lie.')
param location string

@description('Tags of them.')
param tags object

@description('The workspace that Application Insights of the app writes to.')
param workspaceId string

@description('The name of the function app: the workspace may hold others.')
param functionAppName string

@description('The Event Hubs namespace.')
param eventHubsId string

@description('The Event Grid system topic; empty where there is none yet.')
param topicId string

@description('Who is told: addresses of people or of a team. Empty: the alerts show in the portal alone.')
param emails string[]

@description('Action groups that are told besides.')
param actionGroupIds string[]

@description('How many minutes a key may be overdue, of the steps in which the app logs that.')
@allowed([
  5
  15
  60
])
param overdueMinutes int

var actionGroups = concat(actionGroupIds, empty(emails) ? [] : [people.id])

var logRules = [
  {
    name: 'heartbeat'
    title: 'Meshplane has no heartbeat'
    description: 'The timer resync has not run well for 15 minutes: nothing that is overdue is found. Look at the function app.'
    severity: 1
    window: 'PT15M'
    query: loadTextContent('../alerts/heartbeat.kql')
  }
  {
    name: 'poison'
    title: 'Meshplane gave up a key'
    description: 'A key failed on every try and waits as a dead letter: GET /api/deadletters, then replay.'
    severity: 2
    window: 'PT15M'
    query: loadTextContent('../alerts/poison.kql')
  }
  {
    name: 'dead-letters'
    title: 'Meshplane has new dead letters'
    description: 'Events, messages or records that could not be handled were put aside: GET /api/deadletters.'
    severity: 2
    window: 'PT30M'
    query: loadTextContent('../alerts/dead-letters.kql')
  }
  {
    name: 'overdue'
    title: 'Meshplane is behind'
    description: 'A key has been due for longer than it should: the app is throttled, too small, or stuck.'
    severity: 2
    window: 'PT30M'
    query: replace(loadTextContent('../alerts/overdue.kql'), '{{seconds}}', string(overdueMinutes * 60))
  }
  {
    name: 'throttled'
    title: 'Resource Manager throttles Meshplane'
    description: 'Requests were answered with 429 again and again: nodes are attached more slowly than they are asked for.'
    severity: 3
    window: 'PT30M'
    query: loadTextContent('../alerts/throttled.kql')
  }
]

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(emails)) {
  name: 'ag-${name}'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: take(name, 12)
    emailReceivers: map(range(0, length(emails)), index => {
      name: 'receiver-${index}'
      emailAddress: emails[index]
      useCommonAlertSchema: true
    })
  }
}

resource rules 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for rule in logRules: {
    name: '${name}-${rule.name}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: rule.title
      description: rule.description
      severity: rule.severity
      enabled: true
      autoMitigate: true
      scopes: [
        workspaceId
      ]
      evaluationFrequency: 'PT5M'
      windowSize: rule.window
      // The tables come into being with the first record of the app.
      skipQueryValidation: true
      criteria: {
        allOf: [
          {
            query: replace(rule.query, '{{app}}', functionAppName)
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: 0
            failingPeriods: {
              numberOfEvaluationPeriods: 1
              minFailingPeriodsToAlert: 1
            }
          }
        ]
      }
      actions: {
        actionGroups: actionGroups
      }
    }
  }
]

resource eventHubsThrottled 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: '${name}-event-hubs-throttled'
  location: 'global'
  tags: tags
  properties: {
    description: 'The Event Hubs namespace refuses requests: telemetry comes late. Raise its throughput units.'
    severity: 3
    enabled: true
    autoMitigate: true
    scopes: [
      eventHubsId
    ]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          name: 'throttled'
          criterionType: 'StaticThresholdCriterion'
          metricName: 'ThrottledRequests'
          metricNamespace: 'Microsoft.EventHub/namespaces'
          operator: 'GreaterThan'
          threshold: 0
          timeAggregation: 'Total'
        }
      ]
    }
    actions: map(actionGroups, id => { actionGroupId: id })
  }
}

resource eventsLost 'Microsoft.Insights/metricAlerts@2018-03-01' = if (!empty(topicId)) {
  name: '${name}-events-not-delivered'
  location: 'global'
  tags: tags
  properties: {
    description: 'Event Grid gave up events for the app and put them into the dead-letter container. The timer discovery finds what they were about; find out why.'
    severity: 2
    enabled: true
    autoMitigate: true
    scopes: [
      topicId
    ]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          name: 'dead-lettered'
          criterionType: 'StaticThresholdCriterion'
          metricName: 'DeadLetteredCount'
          metricNamespace: 'Microsoft.EventGrid/systemTopics'
          operator: 'GreaterThan'
          threshold: 0
          timeAggregation: 'Total'
          skipMetricValidation: true
        }
      ]
    }
    actions: map(actionGroups, id => { actionGroupId: id })
  }
}
