metadata description = 'The Event Hubs namespace: what Azure Monitor streams, and what the mesh tells.'

@description('Its name.')
param name string

@description('Where it lies: Azure Monitor streams from resources of this region alone.')
param location string

@description('Tags of it.')
param tags object

@description('Whether Azure Monitor is to stream into it. It authenticates with a key of an authorization rule and in no other way, so keys are accepted then; without it they are not.')
param streaming bool

@description('The subnet that is let in through its service endpoint.')
param appSubnetId string

@description('The Event Hub that Azure Monitor streams to.')
param telemetryHub string

@description('The Event Hub where the mesh tells what changed.')
param eventsHub string

@description('Consumer groups of the telemetry hub: the trigger\'s, and that of replays.')
param telemetryConsumerGroups string[]

@description('Further consumer groups of the mesh\'s events, one for each reader.')
param eventsConsumerGroups string[]

@description('Partitions of the telemetry hub: as many instances read it side by side. They cannot be changed in this tier.')
@minValue(1)
@maxValue(32)
param partitions int

@description('How many days telemetry is kept, for replays and for what was down.')
@minValue(1)
@maxValue(7)
param retentionDays int

@description('The most throughput units that it inflates to by itself.')
@minValue(1)
@maxValue(40)
param maximumThroughputUnits int

@description('Prefixes of addresses that may read the mesh\'s events from outside.')
param allowedAddresses string[]

resource namespace 'Microsoft.EventHub/namespaces@2024-01-01' = {
  name: name
  location: location
  tags: tags
  sku: {
    name: 'Standard'
    tier: 'Standard'
    capacity: 1
  }
  properties: {
    disableLocalAuth: !streaming
    isAutoInflateEnabled: maximumThroughputUnits > 1
    maximumThroughputUnits: maximumThroughputUnits > 1 ? maximumThroughputUnits : 0
    minimumTlsVersion: '1.2'
    // Azure Monitor comes as a trusted service past the rules below, which let nobody else in but the app's subnet.
    publicNetworkAccess: 'Enabled'
  }
}

resource network 'Microsoft.EventHub/namespaces/networkRuleSets@2024-01-01' = {
  parent: namespace
  name: 'default'
  properties: {
    defaultAction: 'Deny'
    publicNetworkAccess: 'Enabled'
    trustedServiceAccessEnabled: true
    ipRules: [
      for prefix in allowedAddresses: {
        action: 'Allow'
        ipMask: prefix
      }
    ]
    virtualNetworkRules: [
      {
        ignoreMissingVnetServiceEndpoint: false
        subnet: {
          id: appSubnetId
        }
      }
    ]
  }
}

resource telemetry 'Microsoft.EventHub/namespaces/eventhubs@2024-01-01' = {
  parent: namespace
  name: telemetryHub
  properties: {
    partitionCount: partitions
    retentionDescription: {
      cleanupPolicy: 'Delete'
      retentionTimeInHours: retentionDays * 24
    }
  }
}

resource telemetryReaders 'Microsoft.EventHub/namespaces/eventhubs/consumergroups@2024-01-01' = [
  for group in telemetryConsumerGroups: {
    parent: telemetry
    name: group
  }
]

resource events 'Microsoft.EventHub/namespaces/eventhubs@2024-01-01' = {
  parent: namespace
  name: eventsHub
  properties: {
    partitionCount: 4
    retentionDescription: {
      cleanupPolicy: 'Delete'
      retentionTimeInHours: 168
    }
  }
}

resource eventsReaders 'Microsoft.EventHub/namespaces/eventhubs/consumergroups@2024-01-01' = [
  for group in eventsConsumerGroups: {
    parent: events
    name: group
  }
]

// Diagnostic settings name a rule of the namespace, and Azure Monitor asks for all three rights on it.
resource diagnostics 'Microsoft.EventHub/namespaces/authorizationRules@2024-01-01' = if (streaming) {
  parent: namespace
  name: 'diagnostics'
  properties: {
    rights: [
      'Listen'
      'Manage'
      'Send'
    ]
  }
}

@description('Its resource id.')
output id string = namespace.id

@description('Its host name.')
output hostName string = first(split(skip(namespace.properties.serviceBusEndpoint, length('https:') + 2), ':'))

@description('The resource id of the authorization rule for diagnostic settings; empty without streaming.')
output diagnosticsRuleId string = streaming ? diagnostics.id : ''
