"""What hubs must be like to be used side by side. Pure."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from shared.domain.ids import NodeKey, name_of, normal_id
from shared.domain.network import Hub

MOST_PEERINGS = 1000
"""Of one network, where Virtual Network Manager manages it (Azure's networking limits)."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_NETWORK = re.compile(r"/providers/microsoft\.network/virtualnetworks/[^/]+$", re.IGNORECASE)
_WORKSPACE = re.compile(r"/providers/microsoft\.operationalinsights/workspaces/[^/]+$", re.IGNORECASE)
_ZONE = re.compile(r"/providers/microsoft\.network/privatednszones/[^/]+$", re.IGNORECASE)


def hub_faults(hubs: Sequence[Hub]) -> list[str]:
    """Everything that is wrong, each in a sentence that names the hub."""
    alone = [fault for hub in hubs for fault in _faults_of(hub, {h.id for h in hubs})]
    return [*alone, *_faults_between(hubs)]


def _faults_of(hub: Hub, ids: set[str]) -> Iterator[str]:
    named = f"hub {hub.id!r}"
    if not _ID.fullmatch(hub.id):
        yield f"id of {named} must be 1 to 64 letters, digits, hyphens, underscores and periods."
    if not _is_id(_NETWORK, hub.network):
        yield f"network of {named} is no virtual network id."
    if not _is_id(_WORKSPACE, hub.workspace):
        yield f"workspace of {named} is no Log Analytics workspace id."
    if not 1 <= hub.capacity <= MOST_PEERINGS:
        yield f"capacity of {named} must be from 1 to {MOST_PEERINGS} peerings, not {hub.capacity}."
    for zone in hub.zones:
        if not _is_id(_ZONE, zone):
            yield f"zones of {named}: {zone!r} is no private DNS zone id."
    for zone in _doubled(name_of(zone).lower() for zone in hub.zones):
        yield f"zones of {named} name {zone} twice: a network can be linked to one zone of a name."
    for peer in hub.peers:
        if peer == hub.id or peer not in ids:
            yield f"peers of {named}: {peer!r} is no other hub."


def _faults_between(hubs: Sequence[Hub]) -> Iterator[str]:
    if len({hub.id for hub in hubs}) < len(hubs):
        yield "two hubs have the same id."
    for network in _doubled(normal_id(hub.network) for hub in hubs):
        yield f"two hubs have the same network, {name_of(network)}."
    pools = [pool for hub in hubs for pool in hub.pools]
    if pools:
        yield from _faults_of_pools(pools)


def _faults_of_pools(pools: Sequence[str]) -> Iterator[str]:
    from shared.domain.addresses import pool_faults  # most meshes have none, and every start reads the hubs

    for fault in pool_faults(pools):
        yield f"pools: {fault}."


def _is_id(pattern: re.Pattern[str], text: str) -> bool:
    return bool(pattern.search(text)) and NodeKey.containing(text) is not None


def _doubled(texts: Iterator[str]) -> list[str]:
    return [text for text, times in Counter(texts).items() if times > 1]
