metadata description = 'Event Grid on another subscription: events.bicep in a resource group, which is made unless it was there. In a file of its own, since Resource Manager looks for the group of a module even where its condition is false.'

targetScope = 'subscription'

@description('The name of the event subscription.')
param name string

@description('Where the resource group lies.')
param location string

@description('Tags of everything that is made.')
param tags object

@description('The resource group of the topic.')
param resourceGroupName string

@description('Whether that is made: one that was there keeps its region and tags.')
param makesGroup bool

@description('The name of the system topic.')
param topicName string

@description('The resource id of the function app.')
param functionAppId string

@description('The resource id of Meshplane\'s storage account.')
param storageId string

@description('Its container of events that could not be delivered.')
param deadLetterContainer string

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = if (makesGroup) {
  name: resourceGroupName
  location: location
  tags: tags
}

module events 'events.bicep' = {
  name: name
  scope: resourceGroup(resourceGroupName)
  params: {
    topicName: topicName
    name: name
    tags: tags
    functionAppId: functionAppId
    storageId: storageId
    deadLetterContainer: deadLetterContainer
  }
  dependsOn: [
    group
  ]
}
