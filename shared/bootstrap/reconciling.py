"""The engines of nodes, edges and hubs, and what brings their keys to them."""

from collections.abc import Awaitable, Callable
from uuid import uuid4

from shared.bootstrap.outside import Outside
from shared.domain.governance import Policies
from shared.domain.ids import AlertKey
from shared.governance.policy_book import PoliciesProbe, PolicyBook
from shared.governance.report import GovernanceReport
from shared.ports import DeadLetter
from shared.reconcile.edges.commands import EdgeDesk
from shared.reconcile.edges.engine import EdgeEngine
from shared.reconcile.edges.intake import EdgeIntake, EdgeLeases
from shared.reconcile.engine import Engine
from shared.reconcile.engine_parts import Running, Stores
from shared.reconcile.hubs.engine import HubEngine
from shared.reconcile.hubs.intake import HubIntake
from shared.reconcile.intake import Intake
from shared.reconcile.move import Moves
from shared.reconcile.replay import Replay
from shared.reconcile.resync import Resync
from shared.reconcile.surroundings import Shared
from shared.reconcile.sweep import Sweep
from shared.settings import Settings


class Reconciling:
    """One of each."""

    def __init__(self, settings: Settings, outside: Outside) -> None:
        mesh, arm, clock, queue = settings.mesh, outside.arm, outside.clock, outside.queue
        nodes, timing = outside.nodes, settings.timing
        self._outside = outside
        self._policy_folders = settings.policy_folders
        self.book = PolicyBook(self._load_policies)
        self.policies_probe = PoliciesProbe(self.book)
        self.governance = GovernanceReport(nodes, outside.trends, clock)
        self.intake = Intake(mesh, nodes, queue, clock, timing)
        self.edge_intake = EdgeIntake(outside.edges, queue, clock, timing)
        self.hub_intake = HubIntake(mesh, outside.hubs, queue, clock, timing)
        self.edge_leases = EdgeLeases(outside.edges, queue, clock)
        self.resync = Resync(mesh, arm, nodes, queue, self.intake, clock)
        self.moves = Moves(mesh, arm, nodes, self.intake)
        self.sweep = Sweep(mesh, arm, nodes, outside.addresses, clock)
        self.desk = EdgeDesk(
            outside.edges, nodes, outside.history, queue, clock, settings.rules, settings.terms, new_id
        )
        stores, running = stores_of(outside), Running(clock, timing, new_run)
        self.engine = self._engine(settings, stores, running)
        self.edge_engine = EdgeEngine(
            mesh, arm, stores, running, touch=self.intake, rates=settings.rates, terms=settings.terms
        )
        self.hub_engine = HubEngine(mesh, arm, stores, running, self.intake.bump)

    def replay(
        self,
        notices: Callable[[AlertKey, DeadLetter], Awaitable[None]],
        events: Callable[[DeadLetter], Awaitable[None]],
    ) -> Replay:
        """What takes dead letters up again: keys here, notices and events of the stream by those who know them."""
        return Replay(
            self.intake, self.edge_intake, self.hub_intake, self._outside.dead_letters, notices, events
        )

    def _load_policies(self) -> Policies:
        from shared.governance.policy_files import load_policies  # no part of a cold start

        return load_policies(self._policy_folders)

    def _engine(self, settings: Settings, stores: Stores, running: Running) -> Engine:
        outside = self._outside
        return Engine(
            settings.mesh,
            outside.arm,
            stores,
            running,
            intake=self.intake,
            shared=Shared(
                outside.rosters, outside.addresses, outside.edges, self.edge_intake, self.hub_intake
            ),
            measured=outside.instruments.reconciling,
            policies=lambda: self.book.policies,
        )


def stores_of(outside: Outside) -> Stores:
    """What the engines keep and tell."""
    return Stores(
        nodes=outside.nodes,
        edges=outside.edges,
        hubs=outside.hubs,
        history=outside.history,
        leases=outside.leases,
        dead_letters=outside.dead_letters,
        queue=outside.queue,
        events=outside.events,
    )


def new_run() -> str:
    """A name for one run that no other has."""
    return str(uuid4())


def new_id() -> str:
    """An edge's id: 32 hexadecimal digits, as those that follow from an Idempotency-Key."""
    return uuid4().hex
