"""The hubs of the stack that tests share: one where most tests are, and regions in which tests of hubs are alone."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from demo.stack import HUB_PREFIX, REGION

GROUP = "mesh-hub"
ZONES = ("privatelink.blob.core.windows.net", "privatelink.vaultcore.azure.net")
EDGE_ZONES = (
    *ZONES,
    "privatelink.database.windows.net",
    "privatelink.servicebus.windows.net",
    "privatelink.sql.azuresynapse.net",
)


@dataclass(frozen=True, slots=True)
class Place:
    """A hub: its network carries its id, and its workspace too. `more` are settings as `MESH_HUBS` takes them."""

    id: str
    region: str
    prefix: str
    zones: tuple[str, ...] = ()
    more: Mapping[str, object] = field(default_factory=dict)


HUB = Place("hub", REGION, HUB_PREFIX, zones=ZONES)
# Options are switched here; it has a gateway, so that flags differ between the options.
NORDIC = Place("nordic", "swedencentral", "10.200.0.0/16", zones=ZONES, more={"gateway": True})
# Three nodes fit into this region, two of them into the first hub.
SMALL = (
    Place("small-1", "northeurope", "10.201.0.0/16", more={"capacity": 2}),
    Place("small-2", "northeurope", "10.202.0.0/16", more={"capacity": 1}),
)
# Nodes move between these; the first two are peers, and the last is full with one node.
PARIS = Place("paris", "francecentral", "10.203.0.0/16", more={"peers": ["lyon"]})
LYON = Place("lyon", "francecentral", "10.204.0.0/16")
NICE = Place("nice", "francecentral", "10.205.0.0/16", more={"capacity": 1})
# Edges are made here.
BERLIN = Place("berlin", "germanywestcentral", "10.207.0.0/16", zones=EDGE_ZONES)
# Nodes without a network get one here.
POOL = "10.240.0.0/20"
POOLED = Place("pooled", "uksouth", "10.206.0.0/16", more={"pools": [POOL]})
PLACES = (HUB, NORDIC, *SMALL, PARIS, LYON, NICE, BERLIN, POOLED)


def hub_id(subscription: str, place: Place = HUB) -> str:
    """The resource id of a hub's network."""
    return f"{_providers(subscription)}/Microsoft.Network/virtualNetworks/{place.id}"


def workspace_id(subscription: str, place: Place = HUB) -> str:
    """The resource id of the workspace that a hub's nodes report to."""
    return f"{_providers(subscription)}/Microsoft.OperationalInsights/workspaces/{place.id}-logs"


def zone_ids(subscription: str, zones: Sequence[str] = ZONES) -> list[str]:
    """The resource ids of private DNS zones, which the hubs that have them share."""
    return [f"{_providers(subscription)}/Microsoft.Network/privateDnsZones/{zone}" for zone in zones]


def archive_id(subscription: str) -> str:
    """The resource id of the account that nodes of most tests archive to."""
    return f"{_providers(subscription)}/Microsoft.Storage/storageAccounts/mesharchive"


def stream_id(subscription: str) -> str:
    """The resource id of the Event Hubs namespace that nodes of most tests stream to."""
    return f"{_providers(subscription)}/Microsoft.EventHub/namespaces/meshstream"


def sink_settings(subscription: str) -> str:
    """`MESH_SINKS`: an Event Hub and an account in the region of most tests, and in no other."""
    rule = f"{stream_id(subscription)}/authorizationRules/RootManageSharedAccessKey"
    return json.dumps(
        [
            {"kind": "event-hub", "id": rule, "hub": "telemetry", "region": REGION},
            {"kind": "storage", "id": archive_id(subscription), "region": REGION},
        ]
    )


def hub_settings(subscription: str) -> str:
    """`MESH_HUBS` for all of them."""
    return json.dumps(
        [
            {
                "id": place.id,
                "region": place.region,
                "network": hub_id(subscription, place),
                "workspace": workspace_id(subscription, place),
                "zones": zone_ids(subscription, place.zones),
                **place.more,
            }
            for place in PLACES
        ]
    )


def _providers(subscription: str) -> str:
    return f"/subscriptions/{subscription}/resourceGroups/{GROUP}/providers"
