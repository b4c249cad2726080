"""The network options that a node may choose, as a table: what each asks for, and what has to be read for it."""

from collections.abc import Callable
from typing import Literal

import msgspec

from shared.domain.conditions import CONNECTED, Finding
from shared.reconcile.options.attached import hub_pairs, sandbox_pairs
from shared.reconcile.options.full_mesh import mesh_pairs
from shared.reconcile.options.scene import Scene, Wanted


class Option(msgspec.Struct, frozen=True):
    """`wants` is a pure function. `attaches` says that it stands on the hub's network, `networked` that the node needs
    a network of its own, `zones` when that has to resolve private names: always, where private endpoints are in use,
    or never.
    """

    wants: Callable[[Scene], Wanted]
    attaches: bool = False
    networked: bool = True
    zones: Literal["always", "with endpoints", "never"] = "with endpoints"


def _public(scene: Scene) -> Wanted:
    del scene
    message = "Its tag accepts public endpoints: nothing is peered and no private name resolves."
    return Wanted(findings=(Finding(CONNECTED, "PublicEndpoints", message, "info"),))


def _floating(scene: Scene) -> Wanted:
    del scene
    message = "Nothing is peered: edges alone connect it, by private or service endpoints."
    return Wanted(findings=(Finding(CONNECTED, "EndpointsOnly", message, "info"),))


OPTIONS: dict[str, Option] = {
    "hub": Option(hub_pairs, attaches=True),
    "mesh": Option(mesh_pairs),
    "endpoints": Option(_floating, zones="always"),
    "sandbox": Option(sandbox_pairs, attaches=True, zones="always"),
    "none": Option(_public, networked=False, zones="never"),
}
