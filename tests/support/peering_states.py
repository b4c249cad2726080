"""The states in which people and accidents leave the sides of a pair of peerings."""

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from shared.domain.network import PeeringFlags

OTHERWISE = PeeringFlags(allow_virtual_network_access=False)
STALE = ("192.168.0.0/24",)
"""An address space that the other network once had."""


class State(NamedTuple):
    """One side as Azure holds it; `flags` are as wanted, or somebody's: see `flags_of`."""

    state: str
    synced: bool = True
    provisioning: str = "Succeeded"
    flags: str = "wanted"
    owned: bool = True


def states() -> Iterator[State | None]:
    """Every state of one side; None where it is missing."""
    yield None
    yield from (
        State(*s)
        for s in product(
            ("Initiated", "Connected", "Disconnected"),
            (True, False),
            ("Succeeded", "Failed"),
            ("wanted", "other", "gateway"),
            (True, False),
        )
    )


def flags_of(state: State, wanted: PeeringFlags, *, on_hub: bool) -> PeeringFlags:
    """The flags that a side in some state has; with `gateway` the spoke uses the hub's, which the hub lets it."""
    gateway = PeeringFlags(allow_gateway_transit=on_hub, use_remote_gateways=not on_hub)
    return {"wanted": wanted, "other": OTHERWISE, "gateway": gateway}[state.flags]
