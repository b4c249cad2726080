"""Hubs: what the settings say of them, and what their last look found."""

from datetime import datetime

import msgspec

from functions.views.plans import HistoryView, PlanView, plan_view
from shared.domain.conditions import READY, Condition
from shared.domain.hub import HubRecord, HubState
from shared.domain.network import Hub
from shared.domain.node import LastRun, PeeringStatus


class HubItem(msgspec.Struct, frozen=True):
    """One hub of the list; `used` and `free` count peerings of its network, of which it takes `capacity`."""

    id: str
    region: str
    network: str
    gateway: bool
    state: HubState
    reason: str
    capacity: int
    used: int
    free: int
    peers: tuple[str, ...]
    pools: tuple[str, ...]


class HubDetail(msgspec.Struct, frozen=True, kw_only=True):
    """One hub in full. `pairs` are its sides of the pairs with other hubs that it leads, and of former ones that are
    not gone yet, `private_endpoints` those that are known in its network and in its nodes'."""

    id: str
    region: str
    network: str
    workspace: str
    gateway: bool
    allow_forwarded_traffic: bool
    state: HubState
    capacity: int
    used: int
    free: int
    private_endpoints: int
    address_prefixes: tuple[str, ...]
    peers: tuple[str, ...]
    pools: tuple[str, ...]
    zones: tuple[str, ...]
    pairs: tuple[PeeringStatus, ...]
    conditions: tuple[Condition, ...]
    attempts: int
    next_due: datetime | None
    last_run: LastRun | None
    last_plan: PlanView | None
    history: list[HistoryView]
    more_history: str


def hub_item(hub: Hub, record: HubRecord) -> HubItem:
    """A hub for the list."""
    return HubItem(
        id=hub.id,
        region=hub.region,
        network=hub.network,
        gateway=hub.gateway,
        state=record.state,
        reason=next((c.reason for c in record.conditions if c.type == READY), ""),
        capacity=hub.capacity,
        used=record.used,
        free=max(0, hub.capacity - record.used),
        peers=hub.peers,
        pools=hub.pools,
    )


def hub_detail(hub: Hub, record: HubRecord, history: list[HistoryView], more_history: str) -> HubDetail:
    """A hub in full."""
    return HubDetail(
        id=hub.id,
        region=hub.region,
        network=hub.network,
        workspace=hub.workspace,
        gateway=hub.gateway,
        allow_forwarded_traffic=hub.allow_forwarded_traffic,
        state=record.state,
        capacity=hub.capacity,
        used=record.used,
        free=max(0, hub.capacity - record.used),
        private_endpoints=record.endpoints,
        address_prefixes=record.address_prefixes,
        peers=hub.peers,
        pools=hub.pools,
        zones=hub.zones,
        pairs=record.pairs,
        conditions=record.conditions,
        attempts=record.attempts,
        next_due=record.next_due,
        last_run=record.last_run,
        last_plan=plan_view(record.plan) if record.plan else None,
        history=history,
        more_history=more_history,
    )
