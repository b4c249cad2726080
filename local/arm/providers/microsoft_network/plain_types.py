"""The network provider's resources that are only kept, as data: what Azure adds to what was sent.

Read off the recordings of 2016 to 2025: a field has the api-versions that show it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from local.arm.documents import Json, JsonObject

LATEST = "9999-12-31"


@dataclass(frozen=True, slots=True)
class Shown:
    """A property that Azure adds, and the first and last api-version that shows it; None is added by code."""

    value: Json = None
    since: str = ""
    until: str = LATEST

    def shows(self, version: str) -> bool:
        return self.since <= version <= self.until


type Fields = Mapping[str, Shown]


@dataclass(frozen=True, slots=True)
class Part:
    """A list of named parts inside a resource, each with id, etag and type of its own.

    `addressable` parts are resources themselves: `routeTables/t/routes/r`. `located` ones are given a private address
    of the subnet that they name.
    """

    fields: Fields = field(default_factory=dict)
    addressable: bool = False
    located: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """A property that tells who refers to a resource: users of `type` that name it anywhere in `path`.

    `parts` is the list within the user whose part is named instead of the whole user; `many` lists them all.
    """

    property: str
    type: str
    path: str
    parts: str = ""
    many: bool = True


@dataclass(frozen=True, slots=True)
class InUse:
    """What a deletion is refused with while somebody refers to the resource."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainType:
    """`settled`: a PUT shows Succeeded at once, with `settled_tier` only for that tier. `tagged`: a read has an ETag
    header. `retry_after`: seconds that a PUT announces, None for nothing.
    """

    name: str
    fields: Fields = field(default_factory=dict)
    parts: Mapping[str, Part] = field(default_factory=dict)
    links: tuple[Link, ...] = ()
    sku: JsonObject | None = None
    settled: bool = False
    settled_tier: str = "-"
    tagged: bool = True
    guid: bool = True
    retry_after: int | None = 3
    in_use: InUse | None = None

    @property
    def type(self) -> str:
        return f"Microsoft.Network/{self.name}"


_DYNAMIC: Fields = {"privateIPAllocationMethod": Shown("Dynamic")}
_NIC = "Microsoft.Network/networkInterfaces"
_SUBNET = "Microsoft.Network/virtualNetworks/subnets"
_BALANCER_PART: Fields = {
    "idleTimeoutInMinutes": Shown(4),
    "enableFloatingIP": Shown(False),
    "enableDestinationServiceEndpoint": Shown(False, "2018-01-01"),
    "enableTcpReset": Shown(False, "2018-01-01"),
    "allowBackendPortConflict": Shown(False, "2018-01-01"),
}
_PUBLIC_IP = PlainType(
    name="publicIPAddresses",
    fields={
        "publicIPAddressVersion": Shown("IPv4"),
        "publicIPAllocationMethod": Shown("Dynamic"),
        "idleTimeoutInMinutes": Shown(4),
        "ipTags": Shown([], "2017-10-01"),
        "ddosSettings": Shown({"protectionMode": "VirtualNetworkInherited"}, "2022-11-01"),
    },
    links=(
        Link("ipConfiguration", _NIC, "publicIPAddress", "ipConfigurations", many=False),
        Link(
            "ipConfiguration",
            "Microsoft.Network/virtualNetworkGateways",
            "publicIPAddress",
            "ipConfigurations",
            many=False,
        ),
        Link(
            "ipConfiguration",
            "Microsoft.Network/loadBalancers",
            "publicIPAddress",
            "frontendIPConfigurations",
            many=False,
        ),
        Link(
            "ipConfiguration",
            "Microsoft.Network/bastionHosts",
            "publicIPAddress",
            "ipConfigurations",
            many=False,
        ),
        Link(
            "ipConfiguration",
            "Microsoft.Network/azureFirewalls",
            "publicIPAddress",
            "ipConfigurations",
            many=False,
        ),
        Link(
            "ipConfiguration",
            "Microsoft.Network/applicationGateways",
            "publicIPAddress",
            "frontendIPConfigurations",
            many=False,
        ),
        Link("natGateway", "Microsoft.Network/natGateways", "publicIpAddresses", many=False),
    ),
    sku={"name": "Basic", "tier": "Regional"},
    retry_after=1,
    in_use=InUse(
        "PublicIPAddressCannotBeDeleted",
        "Public IP address {id} can not be deleted since it is still allocated to resource {user}. In order to delete "
        "the public IP, disassociate/detach the Public IP address from the resource.",
    ),
)
_GATEWAY = PlainType(
    name="virtualNetworkGateways",
    fields={
        "packetCaptureDiagnosticState": Shown("None", "2019-11-01"),
        "enablePrivateIpAddress": Shown(False),
        "isMigrateToCSES": Shown(False, "2022-01-01"),
        "isMigratedLegacySKU": Shown(False, "2025-01-01"),
        "blockUpgradeOfMigratedLegacyGateways": Shown(False, "2025-01-01"),
        "ipConfigurations": Shown([]),
        "natRules": Shown([], "2020-11-01"),
        "virtualNetworkGatewayPolicyGroups": Shown([]),
        "enableBgpRouteTranslationForNat": Shown(False, "2020-11-01"),
        "disableIPSecReplayProtection": Shown(False, "2022-01-01"),
        "enableBgp": Shown(False),
        "enableHighBandwidthVpnGateway": Shown(False, "2025-01-01"),
        "activeActive": Shown(False),
        "vpnGatewayGeneration": Shown("Generation1"),
        "allowRemoteVnetTraffic": Shown(False, "2023-09-01"),
        "allowVirtualWanTraffic": Shown(False, "2023-09-01"),
        "vpnStack": Shown("IPv4Only", "2025-01-01"),
        "virtualNetworkGatewayMigrationStatus": Shown(since="2024-03-01"),
    },
    parts={"ipConfigurations": Part(_DYNAMIC)},
    tagged=False,
    retry_after=10,
)
_INTERFACE = PlainType(
    name="networkInterfaces",
    fields={
        "ipConfigurations": Shown([]),
        "dnsSettings": Shown(
            {
                "dnsServers": [],
                "appliedDnsServers": [],
                "internalDomainNameSuffix": "local.internal.cloudapp.net",
            }
        ),
        "enableAcceleratedNetworking": Shown(False, "2016-12-01"),
        "vnetEncryptionSupported": Shown(False, "2020-11-01"),
        "enableIPForwarding": Shown(False),
        "hostedWorkloads": Shown([], "2018-12-01"),
        "tapConfigurations": Shown([], "2018-12-01"),
        "nicType": Shown("Standard", "2020-03-01"),
        "allowPort25Out": Shown(True, "2022-01-01"),
        "auxiliaryMode": Shown("None", "2022-01-01"),
        "disableTcpStateTracking": Shown(False, "2022-05-01"),
    },
    parts={
        "ipConfigurations": Part(
            {**_DYNAMIC, "primary": Shown(True), "privateIPAddressVersion": Shown("IPv4")}, located=True
        )
    },
    links=(Link("privateEndpoint", "Microsoft.Network/privateEndpoints", "networkInterfaces", many=False),),
    settled=True,
    retry_after=None,
    in_use=InUse("NicInUse", "Network Interface {id} is used by existing resource {user}."),
)
_ROUTE_TABLE = PlainType(
    name="routeTables",
    fields={
        "disableBgpRoutePropagation": Shown(False),
        "disablePeeringRoute": Shown("None", "2025-01-01"),
        "routes": Shown([]),
    },
    parts={"routes": Part({"hasBgpOverride": Shown(False)}, addressable=True)},
    links=(Link("subnets", _SUBNET, "routeTable"),),
    retry_after=2,
    in_use=InUse(
        "InUseRouteTableCannotBeDeleted", "Route table {id} is in use and cannot be deleted: {user}."
    ),
)
_LOAD_BALANCER = PlainType(
    name="loadBalancers",
    fields={
        name: Shown([])
        for name in (
            "frontendIPConfigurations",
            "backendAddressPools",
            "loadBalancingRules",
            "probes",
            "inboundNatRules",
            "inboundNatPools",
        )
    }
    | {"outboundRules": Shown([], "2018-01-01"), "outboundNatRules": Shown([], until="2017-12-31")},
    parts={
        "frontendIPConfigurations": Part(
            {**_DYNAMIC, "privateIPAddressVersion": Shown("IPv4", "2019-01-01")}, located=True
        ),
        "backendAddressPools": Part({"loadBalancerBackendAddresses": Shown([], "2020-04-01")}),
        "loadBalancingRules": Part(
            {
                **_BALANCER_PART,
                "loadDistribution": Shown("Default"),
                "disableOutboundSnat": Shown(False, "2019-01-01"),
            }
        ),
        "probes": Part({"intervalInSeconds": Shown(15), "numberOfProbes": Shown(2)}),
        "inboundNatRules": Part(_BALANCER_PART),
        "inboundNatPools": Part(_BALANCER_PART),
        "outboundRules": Part({"enableTcpReset": Shown(False), "idleTimeoutInMinutes": Shown(4)}),
    },
    settled_tier="Basic",
    sku={"name": "Basic", "tier": "Regional"},
)
_NAT_GATEWAY = PlainType(
    name="natGateways",
    fields={
        "idleTimeoutInMinutes": Shown(4),
        "type": Shown("Public", "2024-01-01", "2024-12-31"),
        "scope": Shown("Public", "2025-01-01"),
        "privateIPAddresses": Shown([], "2025-01-01"),
        "privateIPAddressesV6": Shown([], "2025-01-01"),
    },
    links=(Link("subnets", _SUBNET, "natGateway"),),
    sku={"name": "Standard", "tier": "Regional"},
    in_use=InUse(
        "InUseNatGatewayCannotBeDeleted", "NAT gateway {id} is in use by {user} and cannot be deleted."
    ),
)
_DDOS_PLAN = PlainType(
    name="ddosProtectionPlans",
    links=(Link("virtualNetworks", "Microsoft.Network/virtualNetworks", "ddosProtectionPlan"),),
    settled=True,
    guid=False,
    retry_after=None,
    in_use=InUse(
        "InUseDdosProtectionPlanCannotBeDeleted",
        "DdosProtectionPlan {id} is still in use by {user} and cannot be deleted.",
    ),
)
_CONNECTION = PlainType(
    name="connections",
    fields={
        "packetCaptureDiagnosticState": Shown("None", "2019-11-01"),
        "connectionProtocol": Shown("IKEv2"),
        "routingWeight": Shown(0),
        "enableBgp": Shown(False),
        "useLocalAzureIpAddress": Shown(False),
        "usePolicyBasedTrafficSelectors": Shown(False),
        "ipsecPolicies": Shown([]),
        "trafficSelectorPolicies": Shown([]),
        "ingressBytesTransferred": Shown(0),
        "egressBytesTransferred": Shown(0),
        "expressRouteGatewayBypass": Shown(False),
        "dpdTimeoutSeconds": Shown(0),
        "connectionMode": Shown("Default", "2020-11-01"),
    },
    tagged=False,
)
_FIREWALL = PlainType(
    name="azureFirewalls",
    fields={
        "sku": Shown({"name": "AZFW_VNet", "tier": "Standard"}),
        "threatIntelMode": Shown("Alert"),
        "additionalProperties": Shown({}),
        "ipConfigurations": Shown([]),
        "networkRuleCollections": Shown([]),
        "applicationRuleCollections": Shown([]),
        "natRuleCollections": Shown([]),
    },
    parts={"ipConfigurations": Part(_DYNAMIC, located=True)},
    guid=False,
    retry_after=10,
)
_BASTION = PlainType(
    name="bastionHosts",
    fields={"scaleUnits": Shown(2), "ipConfigurations": Shown([]), "bastionShareableLinks": Shown({})},
    parts={"ipConfigurations": Part(_DYNAMIC)},
    guid=False,
)
_OTHERS = (
    PlainType(name="applicationSecurityGroups", guid=False),
    PlainType(name="localNetworkGateways"),
    PlainType(
        name="publicIPPrefixes",
        fields={"publicIPAddressVersion": Shown("IPv4"), "ipTags": Shown([])},
        links=(Link("publicIPAddresses", "Microsoft.Network/publicIPAddresses", "publicIPPrefix"),),
        sku={"name": "Standard", "tier": "Regional"},
    ),
    PlainType(
        name="serviceEndpointPolicies",
        fields={"serviceEndpointPolicyDefinitions": Shown([])},
        parts={"serviceEndpointPolicyDefinitions": Part(addressable=True)},
    ),
)
TYPES: Mapping[str, PlainType] = {
    kind.name.lower(): kind
    for kind in (
        _PUBLIC_IP,
        _GATEWAY,
        _INTERFACE,
        _ROUTE_TABLE,
        _LOAD_BALANCER,
        _NAT_GATEWAY,
        _DDOS_PLAN,
        _CONNECTION,
        _FIREWALL,
        _BASTION,
        *_OTHERS,
    )
}
