"""One run for an edge whose lease is held: look, decide, write, and look again until there is nothing left to write."""

import logging

import msgspec

from shared.domain.artefacts import contains, together
from shared.domain.cost import Rates
from shared.domain.edge import EdgeRecord, Route, asked_anew, exceeds
from shared.domain.edge_request import Terms
from shared.domain.errors import MeshError
from shared.domain.ids import EdgeKey, normal_id, same_id
from shared.domain.mesh import Mesh
from shared.domain.node import NodeRecord
from shared.domain.plan import Operation
from shared.ports.mesh import EdgeStore
from shared.ports.network import Azure
from shared.reconcile.act import Actor
from shared.reconcile.attempt import failure_of
from shared.reconcile.claim import KeyClaim, LeaseLost
from shared.reconcile.edges.choice import choose, unseen
from shared.reconcile.edges.claim import overtaken
from shared.reconcile.edges.decide import Decision, decide, previewed, undone, wanted
from shared.reconcile.edges.governed import held_back
from shared.reconcile.edges.observe import EdgeObserver, Others, Parties, Sights
from shared.reconcile.edges.planner import Planned, holds
from shared.reconcile.edges.routes import make
from shared.reconcile.edges.scene import Scene
from shared.reconcile.edges.turns import Turns
from shared.reconcile.edges.visit import Superseded, Visit, manual
from shared.reconcile.edges.ways import Situation
from shared.reconcile.engine_parts import Running
from shared.reconcile.operations import going_on, status_of

log = logging.getLogger(__name__)

PASSES = 6


class EdgePasses:
    """What happens to one edge between taking its lease and recording what came of it."""

    def __init__(
        self,
        mesh: Mesh,
        rates: Rates,
        terms: Terms,
        arm: Azure,
        edges: EdgeStore,
        observer: EdgeObserver,
        actor: Actor,
        turns: Turns,
        running: Running,
        claim: KeyClaim[EdgeKey, EdgeRecord],
    ) -> None:
        self._mesh = mesh
        self._rates = rates
        self._terms = terms
        self._arm = arm
        self._edges = edges
        self._observer = observer
        self._actor = actor
        self._turns = turns
        self._clock = running.clock
        self._timing = running.timing
        self._draw = running.draw
        self._claim = claim

    async def visit(self, record: EdgeRecord) -> Visit:
        """Everything that can be done now. Errors of Azure end in the visit; raises LeaseLost."""
        visit = Visit(record, self._clock.now())
        try:
            for _ in range(PASSES):
                if not await self._pass(visit):
                    break
            else:
                visit.waiting = True
        except LeaseLost:
            raise
        except MeshError as error:
            visit.failed(error)
        visit.now = self._clock.now()
        visit.settle(self._timing, self._terms, self._draw)
        return visit

    async def _pass(self, visit: Visit) -> bool:
        """One look and what follows from it; whether to look again."""
        visit.now = self._clock.now()
        visit.pass_time(self._terms)
        if visit.record.operation and not await self._ended(visit, visit.record.operation):
            return False
        parties = await self._observer.parties(visit.record)
        self._bereaved(visit, parties)
        state = visit.record.state
        if state == "Requested":
            visit.move("ask", "no rule has decided")
        if wanted(visit.record):
            if findings := held_back(visit.record, (parties.consumer, parties.provider)):
                visit.held_back(findings)
                return False
            return await self._kept(visit, parties)
        if asked_anew(visit.record):
            return await self._waits(visit, parties)
        if state == "Rejected":
            visit.looked = True
            return False
        if state in ("Revoking", "Revoked"):
            return await self._removed(visit, parties)
        if parties.consumer and parties.provider:
            planned = await self._previewed(visit.record, parties.consumer, parties.provider)
            decision = previewed(visit.record, planned, visit.now)
            visit.took(decision)
            visit.concluded(decision)
        return False

    async def _previewed(self, record: EdgeRecord, consumer: NodeRecord, provider: NodeRecord) -> Planned:
        """How the edge would be led, as far as the records tell."""
        situation = await self._observer.situation(record, consumer, provider)
        return await choose(self._mesh, self._rates, self._observer, record, situation, unseen)

    def _bereaved(self, visit: Visit, parties: Parties) -> None:
        """An edge of which an end is no node any more is revoked, whatever it is."""
        for name, node in (("consumer", parties.consumer), ("provider", parties.provider)):
            if node is None:
                visit.move("revoke", f"its {name} is no node of the mesh any more")

    # --- what is to be there

    async def _kept(self, visit: Visit, parties: Parties) -> bool:
        if await self._well(visit, parties):
            return False
        if not await self._turns.taken(visit.record):
            raise self._turns.busy(visit.record)
        planned, scene = await self._planned(visit.record, parties)
        if planned and planned.route and exceeds(visit.record, planned.route):
            visit.asked(planned)
            return False
        route = planned.route if planned else visit.record.route
        if parties.consumer and not await self._observer.makes_room(visit.record, route, parties.consumer):
            return True  # others took the last places since: it is planned anew
        visit.granted(route)
        return await self._follow(visit, decide(scene, planned, visit.now))

    async def _waits(self, visit: Visit, parties: Parties) -> bool:
        """What the edge has stays as it is; once a way that was approved works again, that is taken."""
        if parties.consumer is None or parties.provider is None:
            raise AssertionError("an edge that has lost an end is revoked before")
        planned = await self._previewed(visit.record, parties.consumer, parties.provider)
        if planned.route and not exceeds(visit.record, planned.route):
            visit.resumed(planned.route)
            return True
        visit.asked(planned)
        return False

    async def _well(self, visit: Visit, parties: Parties) -> bool:
        """Whether an edge that was Active is so still: a look at what stands for it, and nothing else."""
        record = visit.record
        if record.state not in ("Active", "Expiring") or not self._holds(record, parties):
            return False
        scene = await self._scene(record, parties, Others(), record.route)
        route = record.route
        if route is None:
            return False
        making = make(scene, route)
        if not making.ready or any(not contains(making.owned, a) for a in record.owned):
            return False
        if making.named != record.named:
            visit.record = msgspec.structs.replace(record, named=making.named)
        visit.looked = True
        return True

    def _holds(self, record: EdgeRecord, parties: Parties) -> bool:
        if record.route is None or parties.consumer is None or parties.provider is None:
            return False
        return holds(self._mesh, record.request, record.route, parties.consumer, parties.provider)

    async def _still_counts(self, record: EdgeRecord, parties: Parties) -> bool:
        """Whether a route that was planned before may be made, as far as the records tell."""
        if parties.consumer is None or not self._holds(record, parties):
            return False
        return not await self._observer.crowded(record, parties.consumer)

    async def _planned(self, record: EdgeRecord, parties: Parties) -> tuple[Planned | None, Scene]:
        """A new plan, with what there is of it; None while the present route is being made, and may still work."""
        if record.state in ("Approved", "Provisioning") and await self._still_counts(record, parties):
            scene = await self._scene(record, parties, await self._others(record, record.route), record.route)
            if not await self._observer.taken(record, record.route, scene.seen):
                return None, scene
        if parties.consumer is None or parties.provider is None:
            raise AssertionError("an edge that has lost an end is revoked before")
        situation = await self._observer.situation(record, parties.consumer, parties.provider)
        scenes: list[Scene] = []

        async def look(route: Route | None) -> Sights:
            others = await self._others(record, route)
            scenes.append(await self._scene(record, parties, others, route, situation))
            return scenes[-1].seen

        planned = await choose(self._mesh, self._rates, self._observer, record, situation, look)
        return planned, scenes[-1]

    async def _others(self, record: EdgeRecord, route: Route | None) -> Others:
        return Others() if _by_itself(record, route) else await self._observer.others(record)

    async def _scene(
        self,
        record: EdgeRecord,
        parties: Parties,
        others: Others,
        route: Route | None,
        situation: Situation | None = None,
    ) -> Scene:
        artefacts = together((route.artefact,) if route and route.artefact else (), record.owned)
        seen = await self._observer.sights(artefacts, route, parties)
        if situation:
            known = {normal_id(n.id): n for n in (*situation.networks, *situation.theirs)}
            seen = msgspec.structs.replace(seen, networks=known | seen.networks)
        if wanted(record):
            seen = await self._observer.names(record, route, seen)
        return Scene(self._mesh, record, parties, seen, others)

    # --- what is to be gone

    async def _removed(self, visit: Visit, parties: Parties) -> bool:
        if not await self._turns.taken(visit.record):
            raise self._turns.busy(visit.record)
        others = await self._observer.others(visit.record)
        scene = await self._scene(visit.record, parties, others, visit.record.route)
        decision = undone(scene, visit.now)
        if visit.record.state == "Revoked" and not decision.gone:
            visit.move("reopen", "a write that was under way when it was revoked took effect afterwards")
        return await self._follow(visit, decision)

    # --- writing

    async def _follow(self, visit: Visit, decision: Decision) -> bool:
        """Writes what was decided, if it still counts; whether to look again."""
        visit.took(decision)
        if not self._turns.cover(visit.record):
            # Others have to know of it before what was seen may be relied on: whoever goes first may take it away.
            visit.record = await self._claim.save(visit.record)
            return True
        if decision.plan.empty:
            visit.concluded(decision)
            return bool(decision.refused)
        if visit.record.state == "Approved":
            visit.move("provision", decision.plan.network[0].why)
        intended = visit.record
        visit.record = await self._claim.save(visit.record)
        if overtaken(intended, visit.record):
            return True
        outcome = await self._actor.perform(decision.plan, str(visit.record.key), lambda: self._still(visit))
        if manual(decision, outcome) and visit.record.route:
            route = msgspec.structs.replace(visit.record.route, manual=True)
            visit.record = msgspec.structs.replace(visit.record, route=route)
            return True
        visit.acted(decision, outcome)
        if any(isinstance(e, Superseded) for _, e in outcome.failures):
            visit.record = await self._claim.save(visit.record)
            return visit.record.operation is None
        return bool(outcome.performed) and outcome.operation is None and not outcome.failures

    async def _still(self, visit: Visit) -> None:
        """Before each write: the lease is ours, and no command came that speaks against it."""
        current = await self._edges.get(visit.record.key)
        if current is not None and overtaken(visit.record, current):
            raise Superseded("Superseded", "A command came meanwhile.", target=str(visit.record.key))
        visit.record = await self._claim.keep(visit.record)

    # --- operations

    async def _ended(self, visit: Visit, operation: Operation) -> bool:
        """Takes an operation that has ended out of the record. Raises what it failed with."""
        now = visit.now
        if operation.poll_at > now:
            return False
        await self._turns.taken(visit.record)
        status = await status_of(self._arm, operation)
        if later := going_on(operation, status, now, self._timing):
            visit.record = msgspec.structs.replace(visit.record, operation=later)
            return False
        visit.record = msgspec.structs.replace(visit.record, operation=None)
        if status and status.state == "Failed":
            raise visit.ended_badly(failure_of(operation, status))
        return True


def _by_itself(record: EdgeRecord, route: Route | None) -> bool:
    """Whether it makes no difference what other edges have: nothing is to go, and all that is there is ours by name."""
    if route is None or route.exposure not in ("private-endpoint", "hub"):
        return False
    return all(same_id(a, route.artefact) for a in record.owned)
