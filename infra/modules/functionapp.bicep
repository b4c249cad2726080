metadata description = 'The function app on Flex Consumption: its plan, its settings, who is let in, and who callers are.'

import { meshType } from 'types.bicep'

@description('Its name, which is in its address.')
param name string

@description('The name of its plan.')
param planName string

@description('Where it lies.')
param location string

@description('Tags of it.')
param tags object

@description('The resource id of a user-assigned identity. Empty: a system-assigned one.')
param identityId string

@description('The client id of that identity.')
param identityClientId string

@description('The object id of that identity.')
param identityPrincipalId string

@description('The subnet that the app is integrated with.')
param subnetId string

@description('Addresses that may call the HTTP API, as prefixes. Event Grid always may, with its key.')
param allowedAddresses string[]

@description('Addresses that may deploy, as prefixes. Empty: every address, with a token of somebody who may.')
param deployAddresses string[]

@description('Memory of an instance in MB.')
@allowed([
  512
  2048
  4096
])
param instanceMemory int

@description('The most instances.')
@minValue(40)
@maxValue(1000)
param maximumInstances int

@description('How many instances of the HTTP API are kept warm: each is billed all the time.')
@minValue(0)
@maxValue(20)
param alwaysReadyHttp int

@description('What happens to instances when the code or a setting changes: all are made anew, or one batch after the other is drained.')
@allowed([
  'Recreate'
  'RollingUpdate'
])
param updateStrategy string

@description('The storage account\'s blob endpoint.')
param blobEndpoint string

@description('The storage account\'s queue endpoint.')
param queueEndpoint string

@description('The storage account\'s table endpoint.')
param tableEndpoint string

@description('The container of the app\'s package.')
param packageContainer string

@description('The name of Application Insights in this group.')
param insightsName string

@description('The host name of the Event Hubs namespace.')
param eventHubsHostName string

@description('The settings of the mesh itself: what main.bicep\'s parameters become.')
param mesh meshType

@description('The client id of the Microsoft Entra application for callers. Empty: whoever has a function key may do everything.')
param authenticationClientId string

@description('Further audiences that callers\' tokens may have, such as the application\'s identifier URI.')
param authenticationAudiences string[]

@description('Who issues callers\' tokens.')
param authenticationIssuer string

var principalId = empty(identityId) ? (site.identity.?principalId ?? '') : identityPrincipalId

// Every setting that the code reads, and what the platform's bindings need. Those that are empty are left out, so that
// the code's own default counts.
var appSettings = {
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: empty(identityClientId) ? 'Authorization=AAD' : 'ClientId=${identityClientId};Authorization=AAD'
  APPLICATIONINSIGHTS_CONNECTION_STRING: insights.properties.ConnectionString
  AZURE_CLIENT_ID: identityClientId
  AzureWebJobsStorage__blobServiceUri: blobEndpoint
  AzureWebJobsStorage__clientId: identityClientId
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__queueServiceUri: queueEndpoint
  AzureWebJobsStorage__tableServiceUri: tableEndpoint
  MESH_ANYONE_ASKS: string(mesh.anyoneAsks)
  MESH_APPROVAL_RULES: mesh.approvalRules
  MESH_AUDIT_SECONDS: string(mesh.auditSeconds)
  MESH_DISCOVERY_SCHEDULE: mesh.discoverySchedule
  MESH_EDGE_LEASE_DAYS: string(mesh.edgeLeaseDays)
  MESH_EDGE_WARNING_DAYS: string(mesh.edgeWarningDays)
  MESH_EVENTHUB__clientId: identityClientId
  MESH_EVENTHUB__credential: 'managedidentity'
  MESH_EVENTHUB__fullyQualifiedNamespace: eventHubsHostName
  MESH_EVENTS_HUB: mesh.eventsHub
  MESH_EVENT_DELAY_SECONDS: string(mesh.eventDelaySeconds)
  MESH_FULL_MESH: string(mesh.fullMesh)
  MESH_HUBS: string(mesh.hubs)
  MESH_JUDGE_SCHEDULE: mesh.judgeSchedule
  MESH_LEASE_SECONDS: string(mesh.leaseSeconds)
  MESH_LOGS: mesh.logs
  MESH_LOGS_SCOPE: mesh.logsScope
  MESH_METRICS_ENDPOINT: mesh.metricsEndpoint
  MESH_METRICS_RESOURCE: empty(mesh.metricsEndpoint) ? '' : site.id
  MESH_NAME: mesh.name
  MESH_PLATFORM_AUTH: string(!empty(authenticationClientId))
  MESH_POLICIES: mesh.policies
  MESH_PRINCIPAL_ID: principalId
  MESH_RATES: mesh.rates
  MESH_REPLAY_CONSUMER_GROUP: mesh.replayConsumerGroup
  MESH_RESOURCE_MANAGER: environment().resourceManager
  MESH_RESOURCE_MANAGER_SCOPE: '${environment().resourceManager}.default'
  MESH_RESYNC_SCHEDULE: mesh.resyncSchedule
  MESH_RESYNC_SECONDS: string(mesh.resyncSeconds)
  MESH_RULES: mesh.rules
  MESH_SINKS: string(mesh.sinks)
  MESH_SUBSCRIPTIONS: join(mesh.subscriptions, ',')
  MESH_TEARDOWN: string(mesh.teardown)
  MESH_TELEMETRY_CONSUMER_GROUP: mesh.telemetryConsumerGroup
  MESH_TELEMETRY_HUB: mesh.telemetryHub
  MESH_TELEMETRY_POLICY: string(mesh.telemetryPolicy)
  MESH_WEBHOOKS: mesh.webhooks
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
  }
}

resource site 'Microsoft.Web/sites@2024-11-01' = {
  name: name
  location: location
  // azd finds by this tag where to deploy the service of azure.yaml.
  tags: union(tags, { 'azd-service-name': 'mesh' })
  kind: 'functionapp,linux'
  identity: {
    type: empty(identityId) ? 'SystemAssigned' : 'UserAssigned'
    userAssignedIdentities: empty(identityId) ? null : { '${identityId}': {} }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: empty(identityId) ? 'SystemAssigned' : identityId
    publicNetworkAccess: 'Enabled'
    virtualNetworkSubnetId: subnetId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${blobEndpoint}${packageContainer}'
          authentication: {
            type: empty(identityId) ? 'SystemAssignedIdentity' : 'UserAssignedIdentity'
            userAssignedIdentityResourceId: empty(identityId) ? null : identityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: '3.13'
      }
      siteUpdateStrategy: {
        type: updateStrategy
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemory
        maximumInstanceCount: maximumInstances
        alwaysReady: alwaysReadyHttp == 0 ? [] : [
          {
            name: 'http'
            instanceCount: alwaysReadyHttp
          }
        ]
      }
    }
    siteConfig: {
      http20Enabled: true
      minTlsVersion: '1.2'
      ipSecurityRestrictionsDefaultAction: 'Deny'
      // Event Grid has no private way to a function: its addresses are let in, and its key decides.
      ipSecurityRestrictions: concat([
        {
          name: 'event-grid'
          tag: 'ServiceTag'
          ipAddress: 'AzureEventGrid'
          action: 'Allow'
          priority: 100
        }
      ], map(range(0, length(allowedAddresses)), index => {
        name: 'callers-${index}'
        ipAddress: allowedAddresses[index]
        action: 'Allow'
        priority: 200 + index
      }))
      scmIpSecurityRestrictionsUseMain: false
      scmIpSecurityRestrictionsDefaultAction: empty(deployAddresses) ? 'Allow' : 'Deny'
      scmIpSecurityRestrictions: map(range(0, length(deployAddresses)), index => {
        name: 'deployments-${index}'
        ipAddress: deployAddresses[index]
        action: 'Allow'
        priority: 200 + index
      })
    }
  }
}

module settings 'appsettings.bicep' = {
  name: '${name}-settings'
  params: {
    functionAppName: site.name
    settings: appSettings
  }
}

resource noPasswords 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = [
  for kind in ['ftp', 'scm']: {
    parent: site
    name: kind
    properties: {
      allow: false
    }
  }
]

resource authentication 'Microsoft.Web/sites/config@2024-11-01' = if (!empty(authenticationClientId)) {
  parent: site
  name: 'authsettingsV2'
  properties: {
    platform: {
      enabled: true
      runtimeVersion: '~1'
    }
    globalValidation: {
      requireAuthentication: true
      unauthenticatedClientAction: 'Return401'
      // Event Grid shows the key of its extension there instead of a token.
      excludedPaths: [
        '/runtime/webhooks/EventGrid'
        '/runtime/webhooks/eventgrid'
      ]
    }
    httpSettings: {
      requireHttps: true
    }
    identityProviders: {
      azureActiveDirectory: {
        enabled: true
        registration: {
          clientId: authenticationClientId
          openIdIssuer: authenticationIssuer
        }
        validation: {
          allowedAudiences: concat([authenticationClientId], authenticationAudiences)
        }
      }
    }
    login: {
      tokenStore: {
        enabled: false
      }
    }
  }
  dependsOn: [
    settings
  ]
}

@description('Its resource id.')
output id string = site.id

@description('Its name.')
output name string = site.name

@description('Its host name.')
output hostName string = site.properties.defaultHostName

@description('The object id of its identity.')
output principalId string = principalId
