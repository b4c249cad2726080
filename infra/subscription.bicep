metadata name = 'Another subscription joins Meshplane'
metadata description = 'Rights, the system topic and its event subscription in a subscription that the mesh is to look after, or in which a hub or a sink lies. Name it in the parameter subscriptions of main.bicep as well.'

targetScope = 'subscription'

@description('The mesh\'s name, as in main.bicep.')
@minLength(2)
@maxLength(24)
param name string = 'meshplane'

@description('The region of the resource group that is made for the topic.')
param location string = deployment().location

@description('Tags of everything that is made.')
param tags object = {}

@description('The object id of Meshplane\'s identity: MESH_IDENTITY of main.bicep.')
param principalId string

@description('Whether the mesh looks after nodes of this subscription. Else only a hub or a sink lies in it.')
param member bool = true

@description('Whether the rights to nodes come from a management group above: managementgroup.bicep.')
param inherited bool = false

@description('Names of the resource groups here in which the network of a hub, or a private DNS zone of one, lies.')
param hubGroups string[] = []

@description('Resource ids of the workspaces, Event Hubs namespaces and storage accounts here that telemetry goes to.')
param sinkIds string[] = []

@description('Resource ids of hubs\' workspaces here, which the named queries ask.')
param workspaceIds string[] = []

@description('The resource id of the function app: MESH_FUNCTION_APP_ID of main.bicep.')
param functionAppId string

@description('The resource id of Meshplane\'s storage account: MESH_STORAGE_ID of main.bicep.')
param storageId string

@description('The resource id of the workspace that gets the activity log and that the backstop names: MESH_WORKSPACE_ID of main.bicep. Empty: neither here.')
param workspaceId string = ''

@description('Whether the activity log is sent. Not where a setting of somebody else\'s sends it to the same workspace: Azure refuses two.')
param sendActivityLog bool = true

@description('The resource id of the rule by which the activity log is streamed: MESH_STREAM_RULE_ID of main.bicep. Empty: it is not.')
param streamRuleId string = ''

@description('The name of the subscription\'s Event Grid system topic: there is one at most.')
param topicName string = 'evgt-${name}'

@description('The resource group of the topic. The default one is made; one by another name is there already.')
param resourceGroupName string = 'rg-${name}-events'

@description('Whether Azure Policy looks after what events do not: docs/backstop.md.')
param backstop bool = true

@description('What the backstop does about resources of nodes that report nowhere.')
@allowed(['AuditIfNotExists', 'DeployIfNotExists', 'Disabled'])
param diagnosticsEffect string = 'AuditIfNotExists'

@description('What the backstop does about data in groups that are no nodes.')
@allowed(['Audit', 'Disabled'])
param untaggedEffect string = 'Audit'

@description('What the backstop does about whoever deletes the mesh\'s diagnostic settings. DenyAction holds Meshplane up as well.')
@allowed(['DenyAction', 'Disabled'])
param removalEffect string = 'Disabled'

var deadLetterContainer = 'undelivered-events'
var telemetryHub = 'telemetry'

module roles 'modules/roles.bicep' = {
  name: '${name}-roles'
  params: {
    meshName: name
    principalId: principalId
    member: member
    inherited: inherited
    hasHub: !empty(hubGroups)
  }
}

module hubRoles 'modules/hubrole.bicep' = [
  for groupName in hubGroups: {
    name: '${name}-hub-role-${uniqueString(groupName)}'
    scope: resourceGroup(groupName)
    params: {
      meshName: name
      principalId: principalId
    }
    dependsOn: [
      roles
    ]
  }
]

module sinkRoles 'modules/sinkrole.bicep' = [
  for id in sinkIds: {
    name: '${name}-sink-role-${uniqueString(id)}'
    scope: resourceGroup(split(id, '/')[4])
    params: {
      meshName: name
      principalId: principalId
      targetId: id
    }
    dependsOn: [
      roles
    ]
  }
]

module queryRoles 'modules/workspacerole.bicep' = [
  for id in workspaceIds: {
    name: '${name}-query-role-${uniqueString(id)}'
    scope: resourceGroup(split(id, '/')[4])
    params: {
      workspaceName: last(split(id, '/'))
      principalId: principalId
    }
  }
]

module events 'modules/subscriptionevents.bicep' = if (member) {
  name: '${name}-events'
  params: {
    name: '${name}-events'
    location: location
    tags: tags
    resourceGroupName: resourceGroupName
    makesGroup: resourceGroupName == 'rg-${name}-events'
    topicName: topicName
    functionAppId: functionAppId
    storageId: storageId
    deadLetterContainer: deadLetterContainer
  }
  dependsOn: [
    roles
  ]
}

module activityLog 'modules/activitylog.bicep' = if (member && sendActivityLog && !empty(workspaceId)) {
  name: '${name}-activity-log'
  params: {
    name: name
    workspaceId: workspaceId
    eventHubRuleId: streamRuleId
    telemetryHub: telemetryHub
  }
}

module policies 'modules/policies.bicep' = if (member && backstop && !empty(workspaceId)) {
  name: '${name}-policies'
  params: {
    name: name
    location: location
    workspaceId: workspaceId
    diagnosticsEffect: diagnosticsEffect
    untaggedEffect: untaggedEffect
    removalEffect: removalEffect
  }
}

@description('What to add to the parameter subscriptions of main.bicep.')
output MESH_SUBSCRIPTION string = subscription().subscriptionId
