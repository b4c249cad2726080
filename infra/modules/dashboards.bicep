metadata description = 'What people look at: the workbook of the mesh, and the portal dashboard that leads to it.'

@description('The mesh\'s name.')
param name string

@description('Where both lie.')
param location string

@description('Tags of both.')
param tags object

@description('The resource id of the Log Analytics workspace that both ask; in the workbook others can be picked.')
param workspaceId string

@description('The portal\'s address, for sovereign clouds.')
param portal string = environment().portal

module workbook '../dashboards/workbook.bicep' = {
  name: '${name}-workbook'
  params: {
    name: name
    location: location
    tags: tags
    workspaceId: workspaceId
  }
}

module dashboard '../dashboards/portal.bicep' = {
  name: '${name}-dashboard'
  params: {
    name: name
    location: location
    tags: tags
    workspaceId: workspaceId
    workbookId: workbook.outputs.id
    portal: portal
  }
}

@description('The workbook\'s resource id.')
output workbookId string = workbook.outputs.id

@description('The portal dashboard\'s resource id.')
output dashboardId string = dashboard.outputs.id
