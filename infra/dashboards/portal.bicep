metadata description = 'The portal dashboard of the mesh: what somebody on call looks at first. Its queries are the files of infra/queries, with their defaults.'

@description('The mesh\'s name.')
param name string

@description('Where the dashboard lies.')
param location string

@description('Tags of the dashboard.')
param tags object

@description('The resource id of the Log Analytics workspace that is asked.')
param workspaceId string

@description('The resource id of the workbook that the dashboard leads to.')
param workbookId string

@description('The portal\'s address, such as https://portal.azure.com.')
param portal string

var tiles = [
  { id: 'mesh-overview', title: 'Nodes', x: 0, y: 1, wide: 9, high: 4, query: loadTextContent('../queries/mesh-overview.kql') }
  { id: 'open-alerts', title: 'Open alerts', x: 9, y: 1, wide: 9, high: 4, query: loadTextContent('../queries/open-alerts.kql') }
  { id: 'coverage', title: 'Telemetry coverage', x: 0, y: 5, wide: 9, high: 4, query: loadTextContent('../queries/coverage.kql') }
  { id: 'errors', title: 'Errors', x: 9, y: 5, wide: 9, high: 4, query: loadTextContent('../queries/errors.kql') }
  { id: 'peering-changes', title: 'Peerings', x: 0, y: 9, wide: 9, high: 4, query: loadTextContent('../queries/peering-changes.kql') }
  { id: 'data-volume', title: 'Volume that is billed', x: 9, y: 9, wide: 9, high: 4, query: loadTextContent('../queries/data-volume.kql') }
]

var heading = {
  position: { x: 0, y: 0, colSpan: 18, rowSpan: 1 }
  metadata: {
    type: 'Extension/HubsExtension/PartType/MarkdownPart'
    inputs: []
    settings: {
      content: {
        settings: {
          title: 'Mesh ${name}'
          subtitle: ''
          markdownSource: 1
          content: 'More by node and time in the [workbook](${portal}/#resource${workbookId}/workbook).'
        }
      }
    }
  }
}

var parts = map(tiles, tile => {
  position: { x: tile.x, y: tile.y, colSpan: tile.wide, rowSpan: tile.high }
  metadata: {
    type: 'Extension/Microsoft_OperationsManagementSuite_Workspace/PartType/LogsDashboardPart'
    inputs: [
      { name: 'resourceTypeMode', value: 'workspace' }
      { name: 'Scope', value: { resourceIds: [workspaceId] } }
      { name: 'PartId', value: guid(name, tile.id) }
      { name: 'Version', value: '2.0' }
      { name: 'TimeRange', value: 'P7D' }
      { name: 'Query', value: tile.query }
      { name: 'ControlType', value: 'AnalyticsGrid' }
      { name: 'PartTitle', value: tile.title }
      { name: 'PartSubTitle', value: name }
      { name: 'IsQueryContainTimeRange', value: true }
    ]
    settings: {}
  }
})

resource dashboard 'Microsoft.Portal/dashboards@2020-09-01-preview' = {
  name: '${name}-dashboard'
  location: location
  tags: union(tags, { 'hidden-title': 'Mesh ${name}' })
  properties: {
    lenses: [
      {
        order: 0
        parts: concat([heading], parts)
      }
    ]
  }
}

@description('The dashboard\'s resource id.')
output id string = dashboard.id
