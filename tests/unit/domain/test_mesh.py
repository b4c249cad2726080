"""Which hubs may serve a node."""

import pytest

from shared.domain.mesh import Mesh
from shared.domain.network import Hub


def hub(name: str, region: str = "") -> Hub:
    return Hub(name, f"/{name}/network", f"/{name}/workspace", region=region)


MESH = Mesh(
    "m",
    (hub("everywhere"), hub("west", "westeurope"), hub("east", "eastus"), hub("west2", "West Europe")),
    (),
)


@pytest.mark.parametrize(
    ("location", "hubs"),
    [
        ("westeurope", ["west", "west2", "everywhere"]),
        ("eastus", ["east", "everywhere"]),
        ("north", ["everywhere"]),
    ],
)
def test_hubs_of_the_nodes_region_come_first_then_those_that_serve_every_region(
    location: str, hubs: list[str]
) -> None:
    assert [h.id for h in MESH.hubs_for(location)] == hubs


def test_a_node_keeps_its_hub_and_gets_another_where_that_is_no_longer_configured() -> None:
    assert [getattr(MESH.hub_for(h, "eastus"), "id", None) for h in ("west", "gone", "")] == [
        "west",
        "east",
        "east",
    ]
