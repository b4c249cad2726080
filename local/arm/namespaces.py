"""Which resource providers there are: a path into any other is refused before anything else of it is looked at."""

from local.arm.errors import ArmError
from local.arm.ids import ResourceId

# Microsoft's, without their common prefix; see `az provider list`.
_MICROSOFT = """
AAD AadIam Advisor AgFoodPlatform AlertsManagement AnalysisServices ApiManagement App AppConfiguration
AppPlatform Attestation Authorization Automanage Automation AutonomousDevelopmentPlatform AVS
AzureActiveDirectory AzureArcData AzureFleet AzurePlaywrightService AzureSphere AzureStack AzureStackHCI Batch
Billing Blueprint BotService Cache Capacity Cdn CertificateRegistration ChangeAnalysis Chaos ClassicCompute
ClassicInfrastructureMigrate ClassicNetwork ClassicStorage CloudTest CodeSigning CognitiveServices Commerce
Communication Community Compute ConfidentialLedger Confluent ConnectedCache ConnectedVMwarevSphere Consumption
ContainerInstance ContainerRegistry ContainerService CostManagement CustomProviders D365CustomerInsights
Dashboard DataBox DataBoxEdge Databricks DataCatalog DataFactory DataLakeAnalytics DataLakeStore DataMigration
DataProtection DataShare DBforMariaDB DBforMySQL DBforPostgreSQL DesktopVirtualization DevCenter Devices
DeviceUpdate DevOpsInfrastructure DevTestLab DigitalTwins DocumentDB DomainRegistration EdgeOrder ElasticSan
EventGrid EventHub Experimentation ExtendedLocation Fabric Features GuestConfiguration HanaOnAzure
HardwareSecurityModules HDInsight HealthBot HealthcareApis HybridCompute HybridConnectivity
HybridContainerService HybridKubernetes HybridNetwork Insights IoTCentral IoTOperations KeyVault Kubernetes
KubernetesConfiguration Kusto LabServices LoadTestService Logic MachineLearningServices Maintenance
ManagedIdentity ManagedNetworkFabric ManagedServices Management Maps Marketplace MarketplaceOrdering Media
Migrate MixedReality MobileNetwork Monitor NetApp Network NetworkAnalytics NetworkCloud NetworkFunction
NotificationHubs OffAzure OpenEnergyPlatform OperationalInsights OperationsManagement Orbital Peering
PolicyInsights Portal PowerBI PowerBIDedicated PowerPlatform ProviderHub Purview Quantum Quota
RecoveryServices RedHatOpenShift Relay ResourceConnector ResourceGraph ResourceHealth Resources SaaS Scheduler
Search Security SecurityInsights SerialConsole ServiceBus ServiceFabric ServiceLinker ServiceNetworking
SignalRService Solutions Sql SqlVirtualMachine StandbyPool Storage StorageActions StorageCache StorageMover
StorageSync StreamAnalytics Subscription Support Synapse TimeSeriesInsights VideoIndexer VirtualMachineImages
VMware VMwareCloudSimple VoiceServices Web WindowsESU WindowsIoT Workloads
"""
_VENDORS = """
ArizeAi.ObservabilityEval Astronomer.Astro Dell.Storage Dynatrace.Observability GitHub.Network
Informatica.DataManagement LambdaTest.HyperExecute MongoDB.Atlas Neon.Postgres NewRelic.Observability
NGINX.NGINXPLUS Oracle.Database PaloAltoNetworks.Cloudngfw Pinecone.VectorDb PureStorage.Block Qumulo.Storage
SolarWinds.Observability SplitIO.Experimentation Wandisco.Fusion Microsoft.Datadog Microsoft.Elastic
Microsoft.Logz
"""
_NAMESPACES = {f"microsoft.{name}".lower() for name in _MICROSOFT.split()} | set(_VENDORS.lower().split())
# Of this provider the types are known as well; of others any type is taken.
_NETWORK = """
applicationGateways applicationGatewayWebApplicationFirewallPolicies applicationSecurityGroups azureFirewalls
azureFirewallFqdnTags azureWebCategories bastionHosts bgpServiceCommunities connections customIpPrefixes
ddosCustomPolicies ddosProtectionPlans dnsForwardingRulesets dnsResolverDomainLists dnsResolverPolicies
dnsResolvers dnsZones dscpConfigurations expressRouteCircuits expressRouteCrossConnections
expressRouteGateways expressRoutePorts firewallPolicies frontDoors frontDoorWebApplicationFirewallPolicies
ipAllocations ipGroups loadBalancers localNetworkGateways natGateways networkExperimentProfiles
networkInterfaces networkManagers networkProfiles networkSecurityGroups networkSecurityPerimeters
networkVirtualAppliances networkWatchers p2sVpnGateways privateDnsZones privateEndpoints privateLinkServices
publicIPAddresses publicIPPrefixes routeFilters routeTables securityPartnerProviders serviceEndpointPolicies
trafficManagerProfiles virtualHubs virtualNetworkAppliances virtualNetworkGateways virtualNetworks
virtualNetworkTaps virtualRouters virtualWans vpnGateways vpnServerConfigurations vpnSites
"""
_NETWORK_TYPES = set(_NETWORK.lower().split())


def check(resource: ResourceId, version: str) -> None:
    """Refuse an unknown namespace, and an unknown type of the network provider."""
    if resource.provider.lower() not in _NAMESPACES:
        raise ArmError(
            404, "InvalidResourceNamespace", f"The resource namespace '{resource.provider}' is invalid."
        )
    if resource.provider.lower() == "microsoft.network" and resource.types[0].lower() not in _NETWORK_TYPES:
        raise ArmError(
            404,
            "InvalidResourceType",
            f"The resource type could not be found in the namespace '{resource.provider}' for api version "
            f"'{version}'.",
        )
