metadata name = 'Meshplane'
metadata description = 'Meshplane in one subscription: the function app and all it needs, hubs, rights, events, alerts. Other subscriptions join with subscription.bicep.'

targetScope = 'subscription'

import { holderType, hubType, meshOptionsType, sinkType } from 'modules/types.bicep'

// --- what it is called, and where

@description('The mesh\'s name: it marks what Meshplane owns, and is in the names of everything here.')
@minLength(2)
@maxLength(24)
param name string = 'meshplane'

@description('The region of everything here.')
param location string = deployment().location

@description('The resource group that is made for Meshplane.')
param resourceGroupName string = 'rg-${name}'

@description('Tags of everything that is made.')
param tags object = {}

// --- what it looks after

@description('Ids of the subscriptions that the mesh looks after. This one is joined here, the others with subscription.bicep.')
param subscriptions string[] = [subscription().subscriptionId]

@description('The hubs. One without a network is made, with zones.')
param hubs hubType[] = [
  {
    id: location
    addressPrefix: '10.100.0.0/22'
    pools: ['10.101.0.0/16']
  }
]

@description('Destinations of telemetry besides the hubs\' workspaces and the Event Hub that is made here.')
param sinks sinkType[] = []

@description('Names of further private DNS zones in hubs that are made, privatelink.…')
param moreZones string[] = []

// --- who it is, and who calls

@description('Whose identity the app has. A user-assigned one outlives the app, and keeps its rights when that is made anew.')
@allowed(['UserAssigned', 'SystemAssigned'])
param identityType string = 'UserAssigned'

@description('How callers of the HTTP API are known. create: a Microsoft Entra application is made here. existing: authenticationClientId. key: whoever has a function key may do everything.')
@allowed(['create', 'existing', 'key'])
param authentication string = 'create'

@description('The client id of an application that is there already.')
param authenticationClientId string = ''

@description('Who gets which role of an application that is made here.')
param roleHolders holderType[] = []

@description('Whether whoever deploys gets Mesh.Operator of an application that is made here: else nobody may call before somebody is named.')
param deployerOperates bool = true

@description('Prefixes of addresses that may call the HTTP API, such as 203.0.113.7/32. Empty: none but by a private endpoint.')
param allowedAddresses string[] = []

@description('Prefixes of addresses that may deploy. Empty: every address, with a token of somebody who may.')
param deployAddresses string[] = []

// --- the network that the app lies in

@description('The address space of the app\'s own network, /25 or larger. It is peered with nothing, unless you make its group a node.')
param appAddressPrefix string = '10.255.255.0/24'

@description('Whether storage and Event Hubs are reached by private endpoints instead of service endpoints, and the HTTP API by one as well.')
param privateEndpoints bool = false

@description('The resource id of a subnet for the API\'s private endpoint, such as a hub\'s. Empty: the app\'s own network.')
param apiSubnetId string = ''

@description('The resource id of the zone privatelink.azurewebsites.net that has the API\'s name. Empty: one is made for the app\'s own network.')
param apiZoneId string = ''

@description('Whether the app gets a NAT gateway: a fixed outbound address, and a way out where policies make subnets private.')
param natGateway bool = false

// --- telemetry and what is kept

@description('Whether Azure Monitor streams into Event Hubs here, for nodes that ask for it. Then the namespace accepts keys, from Azure Monitor alone.')
param streaming bool = true

@description('The resource id of a Log Analytics workspace that is there already. Empty: one is made.')
param workspaceId string = ''

@description('How many days a workspace that is made keeps what it takes in.')
param retentionDays int = 30

@description('The most gigabytes a day that a workspace that is made takes in; -1 is no limit.')
param dailyGigabytes int = -1

@description('Whether this subscription\'s activity log is sent to the workspace and the Event Hub. Not where a setting of somebody else\'s sends it to the same workspace: Azure refuses two.')
param sendActivityLog bool = true

@description('Partitions of the telemetry hub.')
param partitions int = 8

@description('How many days telemetry is kept in the Event Hub.')
param telemetryDays int = 3

@description('The most throughput units of the Event Hubs namespace.')
param maximumThroughputUnits int = 10

@description('Consumer groups for readers of the mesh\'s events.')
param eventsConsumerGroups string[] = []

@description('Redundancy of the storage account.')
@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_GZRS'])
param storageRedundancy string = 'Standard_ZRS'

@description('How many days events that could not be delivered are kept.')
param deadLetterDays int = 30

// --- how it runs

@description('Memory of an instance in MB.')
@allowed([512, 2048, 4096])
param instanceMemory int = 2048

@description('The most instances.')
param maximumInstances int = 100

@description('How many instances of the HTTP API are kept warm.')
param alwaysReadyHttp int = 0

@description('What happens to instances when the code or a setting changes. Azure calls rolling updates a preview; with the other one, work that is cut off is taken up again by its lease.')
@allowed(['Recreate', 'RollingUpdate'])
param updateStrategy string = 'Recreate'

@description('Settings of the mesh whose defaults do not fit.')
param meshOptions meshOptionsType = {}

@description('Who is told of alerts about Meshplane itself.')
param alertEmails string[] = []

@description('Action groups that are told besides.')
param alertActionGroupIds string[] = []

@description('How many minutes a key may be overdue before that is an alert.')
@allowed([5, 15, 60])
param overdueMinutes int = 15

// --- the backstop

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

// --- the code, and what needs it

@description('Where the app\'s package is, for who deploys without azd. May hold a signature.')
@secure()
param packageUri string = ''

@description('Whether Azure installs requirements.txt of that package.')
param remoteBuild bool = true

@description('Whether the app\'s code is there already, so that events can be subscribed to. With packageUri it is by then.')
param codeIsDeployed bool = !empty(packageUri)

@description('The name of the subscription\'s Event Grid system topic: there is one at most.')
param topicName string = 'evgt-${name}'

@description('The resource group of a system topic that is there already. Empty: Meshplane\'s.')
param topicResourceGroup string = ''

var cloud = loadJsonContent('clouds.json')[environment().name]
var suffix = uniqueString(subscription().id, name, location)
var telemetryHub = 'telemetry'
var telemetryConsumerGroup = 'meshplane'
var replayConsumerGroup = 'replay'
var eventsHub = 'mesh-events'
var packageContainer = 'packages'
var deadLetterContainer = 'undelivered-events'
var storageName = 'st${take(replace(name, '-', ''), 9)}${suffix}'
var eventHubsName = 'evhns-${name}-${suffix}'
var insightsName = 'appi-${name}'
var inGroup = '${subscription().id}/resourceGroups/${resourceGroupName}/providers'
var theWorkspaceId = empty(workspaceId) ? '${inGroup}/Microsoft.OperationalInsights/workspaces/log-${name}' : workspaceId

var zoneNames = concat([
  'privatelink.blob.${environment().suffixes.storage}'
  'privatelink.dfs.${environment().suffixes.storage}'
  'privatelink.file.${environment().suffixes.storage}'
  'privatelink.queue.${environment().suffixes.storage}'
  'privatelink.table.${environment().suffixes.storage}'
  'privatelink${environment().suffixes.sqlServerHostname}'
  'privatelink.sql.${cloud.synapse}'
  'privatelink.dev.${cloud.synapse}'
  'privatelink.${cloud.events}'
  'privatelink.${cloud.vault}'
], moreZones)

// --- hubs: those that are made have names that are known beforehand

var newHubs = filter(hubs, hub => empty(hub.?network ?? ''))
// azd takes every group with its tag for the one to deploy to, and deletes them all: hubs outlive it.
var hubTags = toObject(filter(items(tags), tag => tag.key != 'azd-env-name'), tag => tag.key, tag => tag.value)
var hubSettings = map(hubs, hub => {
  id: hub.id
  network: hub.?network ?? '${subscription().id}/resourceGroups/rg-${name}-hub-${hub.id}/providers/Microsoft.Network/virtualNetworks/vnet-${name}-hub-${hub.id}'
  workspace: hub.?workspace ?? theWorkspaceId
  region: hub.?region ?? ''
  gateway: hub.?gateway ?? false
  allow_forwarded_traffic: hub.?allowForwardedTraffic ?? true
  capacity: hub.?capacity ?? 500
  zones: hub.?zones ?? map(empty(hub.?network ?? '') ? zoneNames : [], zone => '${subscription().id}/resourceGroups/rg-${name}-hub-${hub.id}/providers/Microsoft.Network/privateDnsZones/${zone}')
  pools: hub.?pools ?? []
  peers: hub.?peers ?? []
})

var allSinks = concat(sinks, streaming ? [
  {
    kind: 'event-hub'
    id: '${inGroup}/Microsoft.EventHub/namespaces/${eventHubsName}/authorizationRules/diagnostics'
    hub: telemetryHub
    region: location
  }
] : [])

// --- what in this subscription Meshplane gets roles at

var here = toLower('${subscription().id}/')
var hubThings = concat(map(hubSettings, hub => hub.network), flatten(map(hubSettings, hub => hub.zones)))
var hubGroups = union(filter(map(hubThings, id => toLower(join(take(split(id, '/'), 5), '/'))), id => startsWith(id, here)), [])
var workspaces = union(filter(map(hubSettings, hub => toLower(hub.workspace)), id => startsWith(id, here)), [])
// Of an authorization rule, its namespace.
var sinkThings = concat(workspaces, map(allSinks, sink => join(take(split(toLower(sink.id), '/'), 9), '/')))
var sinkIds = union(filter(sinkThings, id => startsWith(id, here)), [])

var meshDefaults = {
  telemetryPolicy: []
  approvalRules: '[]'
  webhooks: '[]'
  rates: ''
  rules: ''
  policies: ''
  anyoneAsks: false
  teardown: false
  edgeLeaseDays: 365
  edgeWarningDays: 7
  fullMesh: 10
  resyncSchedule: '0 * * * * *'
  discoverySchedule: '30 */5 * * * *'
  judgeSchedule: '20 * * * * *'
  eventDelaySeconds: 3
  leaseSeconds: 30
  resyncSeconds: 3600
  auditSeconds: 86400
  logs: cloud.logs
  logsScope: cloud.logsScope
  metricsEndpoint: empty(cloud.metrics) ? '' : 'https://${location}.${cloud.metrics}'
}
var meshFixed = {
  name: name
  subscriptions: subscriptions
  hubs: hubSettings
  sinks: allSinks
  telemetryHub: telemetryHub
  telemetryConsumerGroup: telemetryConsumerGroup
  replayConsumerGroup: replayConsumerGroup
  eventsHub: eventsHub
}

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: resourceGroupName
  location: location
  tags: tags
}

resource newHubGroups 'Microsoft.Resources/resourceGroups@2024-03-01' = [
  for hub in newHubs: {
    name: 'rg-${name}-hub-${hub.id}'
    location: hub.?region ?? location
    tags: hubTags
  }
]

module identity 'modules/identity.bicep' = if (identityType == 'UserAssigned') {
  name: '${name}-identity'
  scope: group
  params: {
    name: 'id-${name}'
    location: location
    tags: tags
  }
}

module network 'modules/network.bicep' = {
  name: '${name}-network'
  scope: group
  params: {
    name: 'vnet-${name}'
    location: location
    tags: tags
    addressPrefix: appAddressPrefix
    natGateway: natGateway
  }
}

module storage 'modules/storage.bicep' = {
  name: '${name}-storage'
  scope: group
  params: {
    name: storageName
    location: location
    tags: tags
    redundancy: storageRedundancy
    appSubnetId: network.outputs.appSubnetId
    privateOnly: privateEndpoints
    deadLetterDays: deadLetterDays
    packageContainer: packageContainer
    deadLetterContainer: deadLetterContainer
  }
}

module eventHubs 'modules/eventhubs.bicep' = {
  name: '${name}-event-hubs'
  scope: group
  params: {
    name: eventHubsName
    location: location
    tags: tags
    streaming: streaming
    appSubnetId: network.outputs.appSubnetId
    telemetryHub: telemetryHub
    eventsHub: eventsHub
    telemetryConsumerGroups: [telemetryConsumerGroup, replayConsumerGroup]
    eventsConsumerGroups: eventsConsumerGroups
    partitions: partitions
    retentionDays: telemetryDays
    maximumThroughputUnits: maximumThroughputUnits
    allowedAddresses: allowedAddresses
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: '${name}-monitoring'
  scope: group
  params: {
    workspaceName: 'log-${name}'
    existingWorkspaceId: workspaceId
    insightsName: insightsName
    location: location
    tags: tags
    retentionDays: retentionDays
    dailyGigabytes: dailyGigabytes
  }
}

module newHub 'modules/hub.bicep' = [
  for (hub, index) in newHubs: {
    name: '${name}-hub-${hub.id}'
    scope: resourceGroup('rg-${name}-hub-${hub.id}')
    params: {
      name: 'vnet-${name}-hub-${hub.id}'
      location: hub.?region ?? location
      tags: hubTags
      addressPrefix: hub.?addressPrefix ?? '10.100.0.0/22'
      gateway: hub.?gateway ?? false
      zoneNames: contains(hub, 'zones') ? [] : zoneNames
    }
    dependsOn: [
      newHubGroups[index]
    ]
  }
]

module entra 'modules/entra.bicep' = if (authentication == 'create') {
  name: '${name}-entra'
  scope: group
  params: {
    uniqueName: '${name}-${suffix}'
    displayName: 'Meshplane (${name})'
    holders: union(roleHolders, deployerOperates ? [{ principalId: deployer().objectId, role: 'Mesh.Operator' }] : [])
  }
}

module app 'modules/functionapp.bicep' = {
  name: '${name}-app'
  scope: group
  params: {
    name: 'func-${name}-${suffix}'
    planName: 'plan-${name}'
    location: location
    tags: tags
    identityId: identityType == 'UserAssigned' ? identity!.outputs.id : ''
    identityClientId: identityType == 'UserAssigned' ? identity!.outputs.clientId : ''
    identityPrincipalId: identityType == 'UserAssigned' ? identity!.outputs.principalId : ''
    subnetId: network.outputs.appSubnetId
    allowedAddresses: allowedAddresses
    deployAddresses: deployAddresses
    instanceMemory: instanceMemory
    maximumInstances: maximumInstances
    alwaysReadyHttp: alwaysReadyHttp
    updateStrategy: updateStrategy
    blobEndpoint: storage.outputs.blobEndpoint
    queueEndpoint: storage.outputs.queueEndpoint
    tableEndpoint: storage.outputs.tableEndpoint
    packageContainer: packageContainer
    insightsName: monitoring.outputs.insightsName
    eventHubsHostName: eventHubs.outputs.hostName
    mesh: any(union(meshDefaults, meshOptions, meshFixed))
    authenticationClientId: authentication == 'create' ? entra!.outputs.clientId : authentication == 'existing' ? authenticationClientId : ''
    authenticationAudiences: authentication == 'create' ? [entra!.outputs.identifierUri] : []
    authenticationIssuer: '${cloud.?login ?? environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
  }
}

// --- rights

module dataRoles 'modules/dataroles.bicep' = {
  name: '${name}-data-roles'
  scope: group
  params: {
    principalId: app.outputs.principalId
    storageName: storageName
    eventHubsName: eventHubsName
    telemetryHub: telemetryHub
    eventsHub: eventsHub
    insightsName: insightsName
    functionAppName: app.outputs.name
  }
  dependsOn: [
    storage
    eventHubs
    monitoring
  ]
}

module roles 'modules/roles.bicep' = {
  name: '${name}-roles'
  params: {
    meshName: name
    principalId: app.outputs.principalId
    member: contains(map(subscriptions, id => toLower(id)), toLower(subscription().subscriptionId))
    hasHub: !empty(hubGroups)
  }
}

module hubRoles 'modules/hubrole.bicep' = [
  for id in hubGroups: {
    name: '${name}-hub-role-${uniqueString(id)}'
    scope: resourceGroup(last(split(id, '/')))
    params: {
      meshName: name
      principalId: app.outputs.principalId
    }
    dependsOn: [
      roles
      newHub
    ]
  }
]

module sinkRoles 'modules/sinkrole.bicep' = [
  for id in sinkIds: {
    name: '${name}-sink-role-${uniqueString(id)}'
    scope: resourceGroup(split(id, '/')[4])
    params: {
      meshName: name
      principalId: app.outputs.principalId
      targetId: id
    }
    dependsOn: [
      roles
      monitoring
      eventHubs
    ]
  }
]

module queryRoles 'modules/workspacerole.bicep' = [
  for id in workspaces: {
    name: '${name}-query-role-${uniqueString(id)}'
    scope: resourceGroup(split(id, '/')[4])
    params: {
      workspaceName: last(split(id, '/'))
      principalId: app.outputs.principalId
    }
    dependsOn: [
      monitoring
    ]
  }
]

// --- private endpoints

var endpoints = !privateEndpoints ? [] : [
  {
    name: 'blob'
    target: '${inGroup}/Microsoft.Storage/storageAccounts/${storageName}'
    zone: 'privatelink.blob.${environment().suffixes.storage}'
  }
  {
    name: 'queue'
    target: '${inGroup}/Microsoft.Storage/storageAccounts/${storageName}'
    zone: 'privatelink.queue.${environment().suffixes.storage}'
  }
  {
    name: 'table'
    target: '${inGroup}/Microsoft.Storage/storageAccounts/${storageName}'
    zone: 'privatelink.table.${environment().suffixes.storage}'
  }
  {
    name: 'namespace'
    target: '${inGroup}/Microsoft.EventHub/namespaces/${eventHubsName}'
    zone: 'privatelink.${cloud.events}'
  }
]

module dataEndpoints 'modules/endpoint.bicep' = [
  for endpoint in endpoints: {
    name: '${name}-endpoint-${endpoint.name}'
    scope: group
    params: {
      name: 'pep-${name}-${endpoint.name}'
      location: location
      tags: tags
      targetId: endpoint.target
      part: endpoint.name
      subnetId: network.outputs.endpointSubnetId
      zoneName: endpoint.zone
      networkId: network.outputs.id
    }
    dependsOn: [
      storage
      eventHubs
    ]
  }
]

module apiEndpoint 'modules/endpoint.bicep' = if (privateEndpoints) {
  name: '${name}-endpoint-api'
  scope: group
  params: {
    name: 'pep-${name}-api'
    location: location
    tags: tags
    targetId: app.outputs.id
    part: 'sites'
    subnetId: empty(apiSubnetId) ? network.outputs.endpointSubnetId : apiSubnetId
    zoneName: 'privatelink.${cloud.sites}'
    existingZoneId: apiZoneId
    networkId: network.outputs.id
  }
}

// --- the code, and the events that it is to get

module package 'modules/package.bicep' = if (!empty(packageUri)) {
  name: '${name}-package'
  scope: group
  params: {
    functionAppName: app.outputs.name
    packageUri: packageUri
    remoteBuild: remoteBuild
  }
  dependsOn: [
    dataRoles
    dataEndpoints
  ]
}

module events 'modules/events.bicep' = if (codeIsDeployed) {
  name: '${name}-events'
  scope: resourceGroup(empty(topicResourceGroup) ? resourceGroupName : topicResourceGroup)
  params: {
    topicName: topicName
    name: '${name}-events'
    tags: tags
    functionAppId: app.outputs.id
    storageId: storage.outputs.id
    deadLetterContainer: deadLetterContainer
  }
  dependsOn: [
    package
  ]
}

module activityLog 'modules/activitylog.bicep' = if (sendActivityLog) {
  name: '${name}-activity-log'
  params: {
    name: name
    workspaceId: monitoring.outputs.workspaceId
    eventHubRuleId: eventHubs.outputs.diagnosticsRuleId
    telemetryHub: telemetryHub
  }
}

module alerts 'modules/alerts.bicep' = {
  name: '${name}-alerts'
  scope: group
  params: {
    name: name
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    functionAppName: app.outputs.name
    eventHubsId: eventHubs.outputs.id
    topicId: codeIsDeployed ? events!.outputs.topicId : ''
    emails: alertEmails
    actionGroupIds: alertActionGroupIds
    overdueMinutes: overdueMinutes
  }
}

module dashboards 'modules/dashboards.bicep' = {
  name: '${name}-dashboards'
  scope: group
  params: {
    name: name
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
  }
}

module policies 'modules/policies.bicep' = if (backstop) {
  name: '${name}-policies'
  params: {
    name: name
    location: location
    workspaceId: monitoring.outputs.workspaceId
    diagnosticsEffect: diagnosticsEffect
    untaggedEffect: untaggedEffect
    removalEffect: removalEffect
  }
}

@description('The resource group of Meshplane.')
output MESH_RESOURCE_GROUP string = group.name

@description('The resource group that azd deploys the code to, whatever else carries its tag.')
output AZURE_RESOURCE_GROUP string = group.name

@description('The name of the function app.')
output MESH_FUNCTION_APP string = app.outputs.name

@description('The resource id of the function app: subscription.bicep takes it.')
output MESH_FUNCTION_APP_ID string = app.outputs.id

@description('The address of the HTTP API.')
output MESH_ENDPOINT string = 'https://${app.outputs.hostName}'

@description('The object id of Meshplane\'s identity: subscription.bicep takes it.')
output MESH_IDENTITY string = app.outputs.principalId

@description('The resource id of the storage account: subscription.bicep takes it.')
output MESH_STORAGE_ID string = storage.outputs.id

@description('The client id that callers ask tokens for; empty where a function key is all.')
output MESH_CLIENT_ID string = authentication == 'create' ? entra!.outputs.clientId : authentication == 'existing' ? authenticationClientId : ''

@description('The resource id of the authorization rule that diagnostic settings name: subscription.bicep takes it. Empty without streaming.')
output MESH_STREAM_RULE_ID string = eventHubs.outputs.diagnosticsRuleId

@description('The resource id of the workspace: subscription.bicep takes it.')
output MESH_WORKSPACE_ID string = monitoring.outputs.workspaceId
