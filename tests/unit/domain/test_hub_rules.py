"""Hubs that cannot be used side by side are refused, with all that is wrong at once."""

import msgspec
import pytest

from shared.domain.hub_rules import hub_faults
from shared.domain.network import Hub

GROUP = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/hub"
ZONES = f"{GROUP}/providers/Microsoft.Network/privateDnsZones"


def hub(name: str = "west", **changed: object) -> Hub:
    made = Hub(
        name,
        f"{GROUP}/providers/Microsoft.Network/virtualNetworks/{name}",
        f"{GROUP}/providers/Microsoft.OperationalInsights/workspaces/logs",
    )
    return msgspec.structs.replace(made, **changed)


def test_sound_hubs_are_accepted() -> None:
    west = hub(
        capacity=1000,
        zones=(f"{ZONES}/privatelink.blob.core.windows.net", f"{ZONES}/privatelink.database.windows.net"),
        pools=("10.64.0.0/12", "172.16.0.0/16"),
        peers=("east",),
    )
    assert hub_faults([west, hub("east", pools=("10.80.0.0/12",), capacity=1)]) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"id": ""}, "1 to 64 letters"),
        ({"id": "west/europe"}, "1 to 64 letters"),
        ({"network": f"{ZONES}/x"}, "network of hub 'west' is no virtual network id"),
        ({"network": "/providers/Microsoft.Network/virtualNetworks/west"}, "no virtual network id"),
        ({"workspace": "logs"}, "no Log Analytics workspace id"),
        ({"capacity": 0}, "from 1 to 1000 peerings, not 0"),
        ({"capacity": 1001}, "from 1 to 1000 peerings, not 1001"),
        ({"zones": ("privatelink.blob.core.windows.net",)}, "is no private DNS zone id"),
        ({"zones": (f"{ZONES}/A.b", f"{ZONES.replace('hub', 'dns')}/a.B")}, "name a.b twice"),
        ({"pools": ("10.0.0.1/8",)}, "host bits set"),
        ({"pools": ("10.0.0.0/8", "10.1.0.0/16")}, "overlap"),
        ({"peers": ("west",)}, "'west' is no other hub"),
        ({"peers": ("south",)}, "'south' is no other hub"),
    ],
)
def test_a_wrong_field_is_named_with_the_hub(changed: dict[str, object], said: str) -> None:
    assert [fault for fault in hub_faults([msgspec.structs.replace(hub(), **changed)]) if said in fault]


def test_hubs_that_stand_in_each_others_way_are_refused_with_everything_at_once() -> None:
    west, other = hub(pools=("10.0.0.0/9",)), hub(pools=("10.64.0.0/12",), capacity=0)
    faults = "\n".join(hub_faults([west, other]))
    for said in ("two hubs have the same id", "two hubs have the same network, west", "overlap", "capacity"):
        assert said in faults
