@export()
@description('A hub of the mesh: one that is there already (network), or one that is made (addressPrefix).')
@sealed()
type hubType = {
  @description('What nodes, the API and other hubs call it. It names the resource group of a hub that is made.')
  @minLength(1)
  @maxLength(30)
  id: string

  @description('The region that it serves, and where it is made. Left out: the deployment\'s region is where it is made, and it serves every region.')
  region: string?

  @description('The resource id of an existing virtual network. Left out: one is made.')
  network: string?

  @description('The address space of a network that is made, /24 or larger. Default: 10.100.0.0/22.')
  addressPrefix: string?

  @description('The resource id of the Log Analytics workspace that its nodes report to. Default: Meshplane\'s own.')
  workspace: string?

  @description('Whether it has a VPN or ExpressRoute gateway that nodes are to use. In a network that is made, a VPN gateway is made.')
  gateway: bool?

  @description('Whether it forwards traffic between its nodes. Default: true.')
  allowForwardedTraffic: bool?

  @description('How many peerings its network takes. Default: 500; 1000 where Virtual Network Manager manages it.')
  capacity: int?

  @description('Resource ids of the private DNS zones that its nodes are linked to. Left out with a network that is made: the usual ones are made.')
  zones: string[]?

  @description('Prefixes out of which nodes without a network get one.')
  pools: string[]?

  @description('Ids of the hubs that it peers with.')
  peers: string[]?
}

@export()
@description('A destination of telemetry besides the hubs\' workspaces, as MESH_SINKS takes it.')
@sealed()
type sinkType = {
  @description('What it is.')
  kind: 'workspace' | 'event-hub' | 'storage'

  @description('The resource id of the workspace, of the storage account, or of an authorization rule of the Event Hubs namespace.')
  id: string

  @description('The Event Hub\'s name.')
  hub: string?

  @description('Where it lies.')
  region: string?

  @description('The only domain that it serves.')
  domain: string?
}

@export()
@description('A hub as MESH_HUBS takes it.')
@sealed()
type hubSettingType = {
  id: string
  network: string
  workspace: string
  region: string
  gateway: bool
  allow_forwarded_traffic: bool
  capacity: int
  zones: string[]
  pools: string[]
  peers: string[]
}

@export()
@secure()
@description('Settings of the mesh that have a default; docs/settings.md says more of each.')
@sealed()
type meshOptionsType = {
  @description('Rules about categories of telemetry that go nowhere, or to the archive alone.')
  telemetryPolicy: object[]?

  @description('Who may be connected without a person: a JSON array, or @ and the path of a file in the package.')
  approvalRules: string?

  @description('Where notices of alerts are posted to: a JSON array, or a Key Vault reference to one, since such addresses are secrets.')
  webhooks: string?

  @description('The path of a table of rates in the package.')
  rates: string?

  @description('Folders of rules about telemetry, by commas.')
  rules: string?

  @description('Folders of policies that nodes are judged by, by commas, or none.')
  policies: string?

  @description('Whether every requester may ask for edges of any consumer.')
  anyoneAsks: bool?

  @description('Whether the mesh lets go of every node, edge and pair of hubs, so that it can be removed.')
  teardown: bool?

  @description('The longest lease of an edge.')
  edgeLeaseDays: int?

  @description('How long before a lease ends that is announced.')
  edgeWarningDays: int?

  @description('How many nodes may choose the option mesh.')
  fullMesh: int?

  @description('When keys whose time has come are looked for, NCRONTAB.')
  resyncSchedule: string?

  @description('When groups that were tagged without an event are looked for, NCRONTAB.')
  discoverySchedule: string?

  @description('When windows that are over are judged, NCRONTAB.')
  judgeSchedule: string?

  @description('How long the events of one deployment are gathered.')
  eventDelaySeconds: int?

  @description('How long a dead instance holds a key.')
  leaseSeconds: int?

  @description('How often a healthy key is looked at.')
  resyncSeconds: int?

  @description('How often the diagnostic settings of each resource are read.')
  auditSeconds: int?

  @description('The address of Azure Monitor\'s query API; empty where there is none.')
  logs: string?

  @description('What tokens for it are asked for.')
  logsScope: string?

  @description('The address that custom metrics are written to; empty where there is none.')
  metricsEndpoint: string?
}

@export()
@secure()
@description('All that the app is told of the mesh, with every option decided.')
@sealed()
type meshType = {
  name: string
  subscriptions: string[]
  hubs: hubSettingType[]
  sinks: sinkType[]
  telemetryHub: string
  telemetryConsumerGroup: string
  replayConsumerGroup: string
  eventsHub: string
  telemetryPolicy: object[]
  approvalRules: string
  webhooks: string
  rates: string
  rules: string
  policies: string
  anyoneAsks: bool
  teardown: bool
  edgeLeaseDays: int
  edgeWarningDays: int
  fullMesh: int
  resyncSchedule: string
  discoverySchedule: string
  judgeSchedule: string
  eventDelaySeconds: int
  leaseSeconds: int
  resyncSeconds: int
  auditSeconds: int
  logs: string
  logsScope: string
  metricsEndpoint: string
}

@export()
@description('Who has which role in the HTTP API.')
@sealed()
type holderType = {
  @description('The object id of a group, a person or a service principal.')
  principalId: string

  role: 'Mesh.Reader' | 'Mesh.Requester' | 'Mesh.Approver' | 'Mesh.Operator'
}
