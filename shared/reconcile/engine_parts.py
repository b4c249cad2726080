"""What the engines of all kinds of keys are given alike."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from shared.domain.mesh import Timing
from shared.ports import Clock, DeadLetters, EventStream, History, Leases, NodeStore, WorkQueue
from shared.ports.mesh import EdgeStore, HubStore


@dataclass(frozen=True, slots=True)
class Stores:
    """The mesh's own records, and the ways by which others are told of them."""

    nodes: NodeStore
    edges: EdgeStore
    hubs: HubStore
    history: History
    leases: Leases
    dead_letters: DeadLetters
    queue: WorkQueue
    events: EventStream


@dataclass(frozen=True, slots=True)
class Running:
    """How runs of a process are named, how their time passes, and how it is spread by chance."""

    clock: Clock
    timing: Timing
    new_run: Callable[[], str]
    draw: random.Random = field(default_factory=random.Random)
