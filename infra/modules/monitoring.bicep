metadata description = 'Where Meshplane and its nodes report to: a Log Analytics workspace, new or existing, and Application Insights on it.'

@description('The name of a workspace that is made.')
param workspaceName string

@description('The resource id of a workspace that is there already. Empty: one is made.')
param existingWorkspaceId string

@description('The name of the Application Insights resource.')
param insightsName string

@description('Where they lie.')
param location string

@description('Tags of them.')
param tags object

@description('How many days a workspace that is made keeps what it takes in.')
@minValue(30)
@maxValue(730)
param retentionDays int

@description('The most gigabytes a day that a workspace that is made takes in; -1 is no limit.')
param dailyGigabytes int

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-02-01' = if (empty(existingWorkspaceId)) {
  name: workspaceName
  location: location
  tags: tags
  properties: {
    sku: {
      name: 'PerGB2018'
    }
    retentionInDays: retentionDays
    workspaceCapping: {
      dailyQuotaGb: dailyGigabytes
    }
    features: {
      disableLocalAuth: true
      enableLogAccessUsingOnlyResourcePermissions: true
    }
  }
}

var workspaceId = empty(existingWorkspaceId) ? workspace.id : existingWorkspaceId

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: insightsName
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    DisableLocalAuth: true
    IngestionMode: 'LogAnalytics'
    WorkspaceResourceId: workspaceId
  }
}

@description('The workspace\'s resource id.')
output workspaceId string = workspaceId

@description('The resource id of Application Insights.')
output insightsId string = insights.id

@description('The name of Application Insights.')
output insightsName string = insights.name
