metadata description = 'Event Grid on a subscription: its system topic, and the subscription of the function resource_events. The app\'s code has to be there: Event Grid asks it for consent.'

@description('The name of the system topic. A subscription has one at most: give the name of one that is there already, in this group.')
param topicName string

@description('The name of the event subscription.')
param name string

@description('Tags of the topic.')
param tags object

@description('The resource id of the function app, which may lie in another subscription of the tenant.')
param functionAppId string

@description('The resource id of Meshplane\'s storage account.')
param storageId string

@description('Its container of events that could not be delivered.')
param deadLetterContainer string

@description('Operations that change nothing a node is made of, by how their names begin. At most 25 values in all filters.')
param ignoredOperations string[] = [
  'Microsoft.Advisor/'
  'Microsoft.Consumption/'
  'Microsoft.CostManagement/'
  'Microsoft.PolicyInsights/'
  'Microsoft.ResourceHealth/'
  'Microsoft.Resources/deployments/'
  'Microsoft.Security/'
]

@description('Actions that only read, by how their names end.')
param ignoredActions string[] = [
  '/listAccountSas/action'
  '/listCallbackUrl/action'
  '/listClusterAdminCredential/action'
  '/listClusterUserCredential/action'
  '/listConnectionStrings/action'
  '/listCredentials/action'
  '/listKeys/action'
  '/listSecrets/action'
  '/listServiceSas/action'
  '/listQueryKeys/action'
  '/list/action'
  '/sharedKeys/action'
  '/syncfunctiontriggers/action'
  '/validate/action'
  '/whatIf/action'
]

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: topicName
  location: 'global'
  tags: tags
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    source: subscription().id
    topicType: 'Microsoft.Resources.Subscriptions'
  }
}

var storageParts = split(storageId, '/')

module deadLetterRole 'containerrole.bicep' = {
  name: '${name}-dead-letters-${uniqueString(subscription().id)}'
  scope: resourceGroup(storageParts[2], storageParts[4])
  params: {
    storageName: last(storageParts)
    container: deadLetterContainer
    principalId: topic.identity.principalId
  }
}

resource resourceEvents 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: topic
  name: name
  properties: {
    eventDeliverySchema: 'EventGridSchema'
    destination: {
      endpointType: 'AzureFunction'
      properties: {
        resourceId: '${functionAppId}/functions/resource_events'
        maxEventsPerBatch: 1
        preferredBatchSizeInKilobytes: 64
      }
    }
    filter: {
      includedEventTypes: [
        'Microsoft.Resources.ResourceActionSuccess'
        'Microsoft.Resources.ResourceDeleteSuccess'
        'Microsoft.Resources.ResourceWriteSuccess'
      ]
      advancedFilters: [
        {
          operatorType: 'StringNotBeginsWith'
          key: 'data.operationName'
          values: ignoredOperations
        }
        {
          operatorType: 'StringNotEndsWith'
          key: 'data.operationName'
          values: ignoredActions
        }
      ]
    }
    retryPolicy: {
      eventTimeToLiveInMinutes: 1440
      maxDeliveryAttempts: 30
    }
    deadLetterWithResourceIdentity: {
      identity: {
        type: 'SystemAssigned'
      }
      deadLetterDestination: {
        endpointType: 'StorageBlob'
        properties: {
          resourceId: storageId
          blobContainerName: deadLetterContainer
        }
      }
    }
  }
  dependsOn: [
    deadLetterRole
  ]
}

@description('The topic\'s resource id.')
output topicId string = topic.id
