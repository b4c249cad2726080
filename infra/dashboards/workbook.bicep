metadata description = 'The workbook of the mesh: overview, node detail, alerts, telemetry coverage, network. Its queries are the files of infra/queries.'

@description('The mesh\'s name.')
param name string

@description('Where the workbook lies.')
param location string

@description('Tags of the workbook.')
param tags object

@description('The resource id of the Log Analytics workspace that it opens with; others can be picked in it.')
param workspaceId string

var queries = {
  'alert-history': loadTextContent('../queries/alert-history.kql')
  coverage: loadTextContent('../queries/coverage.kql')
  'data-volume': loadTextContent('../queries/data-volume.kql')
  errors: loadTextContent('../queries/errors.kql')
  'failed-pipelines': loadTextContent('../queries/failed-pipelines.kql')
  freshness: loadTextContent('../queries/freshness.kql')
  'key-vault-denials': loadTextContent('../queries/key-vault-denials.kql')
  'mesh-overview': loadTextContent('../queries/mesh-overview.kql')
  'network-changes': loadTextContent('../queries/network-changes.kql')
  nodes: loadTextContent('../queries/nodes.kql')
  'open-alerts': loadTextContent('../queries/open-alerts.kql')
  'peering-changes': loadTextContent('../queries/peering-changes.kql')
  'slow-queries': loadTextContent('../queries/slow-queries.kql')
  'throttled-storage': loadTextContent('../queries/throttled-storage.kql')
}

// A named query with one of its `let _…` lines bound to what the reader of the workbook chose.
func bound(query string, parameter string, literal string) string => '${split(query, 'let _${parameter} = ')[0]}let _${parameter} = ${literal};${join(skip(split(split(query, 'let _${parameter} = ')[1], ';'), 1), ';')}'

var chosenTime = '(now() - datetime({TimeRange:startISO})) / 1h'
var chosenNode = '\'{Node}\''

var pages = [
  {
    id: 'overview'
    label: 'Mesh'
    items: [
      { query: 'mesh-overview', title: 'Nodes: what they report, and what went wrong', shape: 'table' }
      { query: 'open-alerts', title: 'Open alerts', shape: 'table' }
      { query: 'errors', title: 'Errors by hour', shape: 'barchart' }
      { query: 'data-volume', title: 'Volume that is billed', shape: 'barchart' }
    ]
  }
  {
    id: 'node'
    label: 'Node'
    items: [
      { query: 'mesh-overview', title: 'The node', shape: 'table' }
      { query: 'open-alerts', title: 'Open alerts', shape: 'table' }
      { query: 'errors', title: 'Errors', shape: 'table' }
      { query: 'coverage', title: 'Its resources', shape: 'table' }
      { query: 'failed-pipelines', title: 'Failed pipelines', shape: 'table' }
      { query: 'slow-queries', title: 'Slow queries', shape: 'table' }
      { query: 'throttled-storage', title: 'Throttled storage', shape: 'table' }
      { query: 'key-vault-denials', title: 'Refused at key vaults', shape: 'table' }
      { query: 'network-changes', title: 'Changes of its network', shape: 'table' }
    ]
  }
  {
    id: 'alerts'
    label: 'Alerts'
    items: [
      { query: 'open-alerts', title: 'Open', shape: 'table' }
      { query: 'alert-history', title: 'History', shape: 'table' }
    ]
  }
  {
    id: 'coverage'
    label: 'Telemetry coverage'
    items: [
      { query: 'coverage', title: 'Resources that report, and those that fell silent', shape: 'table' }
      { query: 'freshness', title: 'When each category was last heard of', shape: 'table' }
      { query: 'data-volume', title: 'Volume by day and table', shape: 'table' }
    ]
  }
  {
    id: 'network'
    label: 'Network'
    items: [
      { query: 'peering-changes', title: 'Peerings that were written or deleted', shape: 'table' }
      { query: 'network-changes', title: 'All changes of networks by hour', shape: 'table' }
    ]
  }
]
var workspaceType = 'microsoft.operationalinsights/workspaces'

var hour = 3600000
var parameters = {
  type: 9
  name: 'parameters'
  content: {
    version: 'KqlParameterItem/1.0'
    style: 'pills'
    queryType: 0
    resourceType: workspaceType
    crossComponentResources: ['{Workspace}']
    parameters: [
      {
        id: guid(name, 'TimeRange')
        version: 'KqlParameterItem/1.0'
        name: 'TimeRange'
        label: 'Time'
        type: 4
        isRequired: true
        value: { durationMs: 24 * hour }
        typeSettings: {
          selectableValues: map([1, 6, 24, 72, 168, 720], hours => { durationMs: hours * hour })
        }
      }
      {
        id: guid(name, 'Workspace')
        version: 'KqlParameterItem/1.0'
        name: 'Workspace'
        label: 'Workspaces'
        type: 5
        isRequired: true
        multiSelect: true
        quote: '\''
        delimiter: ','
        value: [workspaceId]
        typeSettings: {
          resourceTypeFilter: {
            '${workspaceType}': true
          }
        }
      }
      {
        id: guid(name, 'Page')
        version: 'KqlParameterItem/1.0'
        name: 'Page'
        type: 1
        isHiddenWhenLocked: true
        value: 'overview'
      }
    ]
  }
}
var tabs = {
  type: 11
  name: 'pages'
  content: {
    version: 'LinkItem/1.0'
    style: 'tabs'
    links: map(pages, page => {
      id: guid(name, page.id)
      cellValue: 'Page'
      linkTarget: 'parameter'
      linkLabel: page.label
      subTarget: page.id
      style: 'link'
    })
  }
}
var nodePicker = {
  type: 9
  name: 'node picker'
  conditionalVisibility: {
    parameterName: 'Page'
    comparison: 'isEqualTo'
    value: 'node'
  }
  content: {
    version: 'KqlParameterItem/1.0'
    style: 'pills'
    queryType: 0
    resourceType: workspaceType
    crossComponentResources: ['{Workspace}']
    parameters: [
      {
        id: guid(name, 'Node')
        version: 'KqlParameterItem/1.0'
        name: 'Node'
        type: 2
        isRequired: true
        query: bound(queries.nodes, 'hours', chosenTime)
        queryType: 0
        resourceType: workspaceType
        crossComponentResources: ['{Workspace}']
        timeContextFromParameter: 'TimeRange'
        value: 'value::1'
        typeSettings: {
          additionalResourceOptions: ['value::1']
          showDefault: false
        }
      }
    ]
  }
}
var groups = map(pages, page => {
  type: 12
  name: page.id
  conditionalVisibility: {
    parameterName: 'Page'
    comparison: 'isEqualTo'
    value: page.id
  }
  content: {
    version: 'NotebookGroup/1.0'
    groupType: 'editable'
    items: map(page.items, item => {
      type: 3
      name: '${page.id} ${item.query}'
      content: {
        version: 'KqlItem/1.0'
        title: item.title
        query: bound(page.id == 'node' ? bound(queries[item.query], 'node', chosenNode) : queries[item.query], 'hours', chosenTime)
        size: 0
        noDataMessage: 'Nothing in this time.'
        showExportToExcel: true
        queryType: 0
        resourceType: workspaceType
        crossComponentResources: ['{Workspace}']
        timeContextFromParameter: 'TimeRange'
        visualization: item.shape
        gridSettings: {
          rowLimit: 1000
          filter: true
        }
      }
    })
  }
})

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, name, 'workbook')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Mesh ${name}'
    category: 'workbook'
    version: 'Notebook/1.0'
    sourceId: workspaceId
    serializedData: string({
      version: 'Notebook/1.0'
      items: concat([parameters, tabs, nodePicker], groups)
      fallbackResourceIds: [workspaceId]
      '$schema': 'https://github.com/Microsoft/Application-Insights-Workbooks/blob/master/schema/workbook.json'
    })
  }
}

@description('The workbook\'s resource id.')
output id string = workbook.id
