"""Random histories of edges: whatever people, Azure and dying workers do, what must never be never is."""

import asyncio
from collections.abc import Coroutine

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from shared.domain.actor import Actor
from shared.domain.approval import Rule
from shared.domain.artefacts import as_rule, is_endpoint
from shared.domain.edge import LIVE, EdgeRecord, EdgeRequest, asked_anew, exceeds
from shared.domain.edge_states import TRANSITIONS, is_move
from shared.domain.errors import Conflict, Denied, MeshError, NotFound, Terminal, Transient, Waiting
from shared.domain.ids import EdgeKey, NodeKey, normal_id, parse_key
from shared.domain.node import HistoryEntry
from shared.reconcile.edges.engine import EdgeEngine
from shared.reconcile.edges.visit import NODES_DO
from tests.support.mesh import VISIBILITY_SECONDS
from tests.support.trouble import Kind, Trouble, WorkerDied
from tests.unit.reconcile.edges.mesh import ACCOUNT, OTHER_ACCOUNT, EdgeMesh, network_of
from tests.unit.reconcile.edges.people import ANNE, BERT, CONSUMER, OWNER, PROVIDER, REQUEST, SERVER

PEOPLE = (ANNE, BERT, OWNER)
STORAGE = msgspec.structs.replace(REQUEST, interface="storage", target=ACCOUNT)
JOINED = EdgeRequest(
    consumer=CONSUMER, provider=PROVIDER, interface="peering", purpose="p", exposure="peering"
)
REQUESTS = (
    REQUEST,
    STORAGE,
    msgspec.structs.replace(STORAGE, exposure="service-endpoint"),
    msgspec.structs.replace(STORAGE, exposure="service-endpoint", target=OTHER_ACCOUNT),
    JOINED,
)
RULES = (Rule(name="small", ruling="accept", most_gigabytes=1.0, interfaces=("storage",)),)
KINDS: tuple[Kind, ...] = ("die before", "die after", "error before", "error after", "oversleep")
ERRORS: tuple[MeshError, ...] = (
    Waiting("AnotherOperationInProgress", "busy"),
    Waiting("TooManyRequests", "slow down", retry_after=17),
    Transient("InternalServerError", "try again"),
    Terminal("RequestDisallowedByPolicy", "no"),
    Denied("AuthorizationFailed", "no"),
    Conflict("PreconditionFailed", "changed"),
)
JUMPS = (1.0, 5.0, 35.0, 400.0, 4000.0, 90000.0, 7 * 86400.0, 60 * 86400.0, 84 * 86400.0)
TARGETS = (SERVER, ACCOUNT, OTHER_ACCOUNT)


class EdgeHistories(RuleBasedStateMachine):
    """The real desk, engine and timer over the pretended cloud, with one worker that dies and is replaced."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()

    def run(self, work: Coroutine[object, object, object]) -> None:
        self.loop.run_until_complete(work)

    def teardown(self) -> None:
        try:
            if hasattr(self, "mesh"):
                self.run(self.rests())
        finally:
            self.loop.close()

    @initialize(seconds=st.sampled_from((0.0, 7.0)))
    def begin(self, seconds: float) -> None:
        self.mesh = EdgeMesh(operation_seconds=seconds, rules=RULES)
        self.trouble = Trouble(self.mesh.clock)
        self.mesh.engine = self.mesh.new_engine(self.trouble)
        self.disturbed: set[str] = set()
        self.stalled: list[tuple[Trouble, asyncio.Task[None]]] = []
        self.run(self.mesh.start())

    # --- what people do

    @rule(who=st.sampled_from(PEOPLE), what=st.sampled_from(REQUESTS), key=st.sampled_from(("", "a", "b")))
    def request(self, who: Actor, what: EdgeRequest, key: str) -> None:
        self.run(self.tolerant(self.mesh.desk.request(who, what, key)))

    @rule(what=st.lists(st.sampled_from(REQUESTS), min_size=2, max_size=4), count=st.integers(0, 10))
    def grant(self, what: list[EdgeRequest], count: int) -> None:
        """Some edges that may share what they need are asked for and approved at once, and work begins."""

        async def granted() -> None:
            for edge in await asyncio.gather(*(self.mesh.desk.request(ANNE, each) for each in what)):
                await self.tolerant(self.mesh.desk.approve(BERT, edge.key, "fine"))

        self.run(self.tolerant(granted()))
        self.work_together(4)
        self.work(count)

    @rule(
        who=st.sampled_from(PEOPLE),
        what=st.sampled_from(("approve", "approve", "reject", "revoke", "extend")),
        which=st.integers(0, 5),
        during=st.integers(0, 3),
    )
    def command(self, who: Actor, what: str, which: int, during: int) -> None:
        """A command, while some messages are being handled."""
        keys = sorted(self.mesh.edges.records)
        if not keys:
            return
        key = keys[which % len(keys)]
        desk, record = self.mesh.desk, self.mesh.edges.records[key]
        seen = (record.etag,) if what == "approve" and asked_anew(record) else ()
        call = (
            desk.extend(who, key, "why", 30)
            if what == "extend"
            else getattr(desk, what)(who, key, "why", *seen)
        )

        async def together() -> None:
            await asyncio.gather(self.tolerant(call), *(self.handled() for _ in range(during)))

        self.run(together())

    @rule(which=st.integers(0, 9), count=st.integers(0, 6))
    def revoke_one(self, which: int, count: int) -> None:
        live = [r.key for r in self.records if r.state in ("Approved", "Provisioning", "Active", "Expiring")]
        if live:
            self.run(self.tolerant(self.mesh.desk.revoke(BERT, live[which % len(live)], "no more")))
            self.work(count)

    @rule(kind=st.sampled_from(KINDS), call=st.integers(1, 30), count=st.integers(1, 4))
    def trouble_at_work(self, kind: Kind, call: int, count: int) -> None:
        """A worker gets into trouble at one of the next calls, and others go on."""
        self.mishap(kind, call, ERRORS[call % len(ERRORS)])
        self.work(count)

    @rule(
        which=st.sampled_from((CONSUMER, PROVIDER)),
        option=st.sampled_from(("hub", "mesh", "sandbox", "none")),
    )
    def option(self, which: NodeKey, option: str) -> None:
        self.run(self.mesh.change_node(which, network=option))

    @rule(
        which=st.sampled_from((CONSUMER, PROVIDER)), state=st.sampled_from(("Ready", "Ready", "Offboarding"))
    )
    def membership(self, which: NodeKey, state: str) -> None:
        self.run(self.mesh.change_node(which, state=state))

    @rule(which=st.integers(0, 5))
    def vandal(self, which: int) -> None:
        """Somebody deletes an endpoint, or rejects it."""
        found = self.mesh.endpoints
        if not found:
            return
        endpoint = found[which % len(found)]
        self.disturbed.add(endpoint)
        if which % 2:
            self.mesh.cloud.delete_resource(endpoint)
        else:
            self.mesh.cloud.answer_connection(endpoint, "Rejected")

    @rule(which=st.sampled_from(TARGETS), back=st.booleans())
    def target(self, which: str, back: bool) -> None:
        """A target is deleted, and created again at once or later."""
        self.mesh.cloud.delete_resource(which)
        self.disturbed |= {normal_id(e.id) for e in self.mesh.cloud.endpoints.values()} | {normal_id(which)}
        if back:
            self.mesh.cloud.create_resource(which)

    # --- mishaps

    @rule(kind=st.sampled_from(KINDS), call=st.integers(1, 30), error=st.sampled_from(ERRORS))
    def mishaps(self, kind: Kind, call: int, error: MeshError) -> None:
        self.mishap(kind, call, error)

    def mishap(self, kind: Kind, call: int, error: MeshError) -> None:
        self.trouble.arm(kind, call, lambda name: error if name.startswith("arm.") else None)

    @rule(call=st.integers(1, 25))
    def stall(self, call: int) -> None:
        """Another worker takes a message and stops in the middle, until it wakes up, maybe long after its lease."""
        trouble = Trouble(self.mesh.clock)
        trouble.arm("stall", call, lambda name: None)

        async def until_it_stalls() -> None:
            task = asyncio.create_task(self.handled_by(self.mesh.new_engine(trouble)))
            reached = asyncio.create_task(trouble.reached.wait())
            await asyncio.wait({task, reached}, return_when=asyncio.FIRST_COMPLETED)
            reached.cancel()
            if not task.done():
                self.stalled.append((trouble, task))

        if len(self.stalled) < 3:
            self.run(until_it_stalls())

    @rule()
    def wake(self) -> None:
        self.run(self.woken())

    async def woken(self) -> None:
        """A deletion that takes effect that late may take what others rely on by now: their next look makes it anew."""
        stalled, self.stalled = self.stalled, []
        if stalled:
            self.disturbed |= self.made() | set(map(normal_id, TARGETS))
        for trouble, _ in stalled:
            trouble.wake()
        await asyncio.gather(*(task for _, task in stalled))

    @rule(code=st.sampled_from(("InternalServerError", "RequestDisallowedByPolicy")))
    def operation_fails(self, code: str) -> None:
        self.mesh.arm.fail_next_operation(code)

    @rule()
    def operations_forgotten(self) -> None:
        self.mesh.arm.forget_operations()

    @rule(down=st.booleans())
    def stream(self, down: bool) -> None:
        self.mesh.events.fault = Transient("StreamDown", "try again") if down else None

    # --- time

    @rule(seconds=st.sampled_from(JUMPS))
    def jump(self, seconds: float) -> None:
        self.mesh.clock.advance(seconds)

    @rule()
    def timer(self) -> None:
        self.run(self.mesh.timer.enqueue_due())

    @rule(count=st.integers(1, 12))
    def works(self, count: int) -> None:
        self.work(count)

    def work(self, count: int) -> None:
        async def some() -> None:
            for _ in range(count):
                await self.waited()

        self.run(some())

    @rule(count=st.integers(2, 4))
    def works_together(self, count: int) -> None:
        self.work_together(count)

    def work_together(self, count: int) -> None:
        async def several() -> None:
            await asyncio.gather(*(self.handled() for _ in range(count)))

        self.run(several())

    async def waited(self) -> None:
        visible = self.mesh.queue.next_visible()
        if visible is not None and visible > self.mesh.clock.now():
            self.mesh.clock.advance((visible - self.mesh.clock.now()).total_seconds())
        await self.handled()

    async def handled(self) -> None:
        await self.handled_by(self.mesh.engine)

    async def handled_by(self, engine: EdgeEngine) -> None:
        item = self.mesh.queue.pop_visible()
        if item is None:
            return
        key = parse_key(item.key)
        assert isinstance(key, EdgeKey)
        try:
            result = await engine.reconcile(key)
        except (WorkerDied, MeshError):
            if self.trouble.dead:
                self.trouble = Trouble(self.mesh.clock)
                self.mesh.engine = self.mesh.new_engine(self.trouble)
            self.mesh.queue.put_back(item, VISIBILITY_SECONDS)
            return
        if result.requeue_after is not None:
            await self.mesh.queue.enqueue(item, delay=result.requeue_after)

    async def tolerant(self, call: Coroutine[object, object, object]) -> None:
        try:
            await call
        except (Terminal, Conflict, NotFound):
            return

    # --- what must never be

    @property
    def records(self) -> list[EdgeRecord]:
        return list(self.mesh.edges.records.values()) if hasattr(self, "mesh") else []

    def moves(self, record: EdgeRecord) -> list[HistoryEntry]:
        told = [e for e in self.mesh.history.entries if e.key == str(record.key)]
        return [e for e in (*told, *record.journal) if is_move(e)]

    @invariant()
    def every_transition_is_in_the_table(self) -> None:
        for record in self.records:
            for entry in self.moves(record):
                before, _, after = entry.changes[0].removeprefix("state: ").partition(" -> ")
                command = entry.cause.partition(" ")[0]
                assert TRANSITIONS[before, command] == after  # type: ignore[index]

    @invariant()
    def history_tells_of_every_transition_in_order(self) -> None:
        """An entry may be told twice by a worker that died; none is missing."""
        for record in self.records:
            state = "Requested"
            for entry in sorted(self.moves(record), key=lambda e: e.at):
                before, _, after = entry.changes[0].removeprefix("state: ").partition(" -> ")
                if (before, after) in self.seen_of(record, state):
                    state = after
            assert state == record.state, (state, record.state, self.moves(record))

    def seen_of(self, record: EdgeRecord, state: str) -> set[tuple[str, str]]:
        return {(state, after) for (before, _), after in TRANSITIONS.items() if before == state}

    @invariant()
    def nothing_is_granted_without_an_approval(self) -> None:
        for record in self.records:
            if record.state in ("Approved", "Provisioning", "Active", "Expiring", "Failed"):
                assert record.verdict
                assert any(e.cause.startswith("approve") for e in self.moves(record))
            if record.state in ("Active", "Expiring") and record.route:
                assert not exceeds(record, record.route)

    @invariant()
    def nothing_is_there_without_an_edge_that_has_it(self) -> None:
        if not self.records:
            return
        owned = {normal_id(a) for r in self.records if r.state in LIVE or looked_for(r) for a in r.owned}
        for artefact in self.made():
            assert artefact in owned, artefact

    def made(self) -> set[str]:
        """All that carries our names, or that nobody else makes here."""
        cloud = self.mesh.cloud
        found = set(cloud.endpoints) | {z for z in cloud.zones if NodeKey.containing(z) == CONSUMER}
        for key in (CONSUMER, PROVIDER):
            found |= {normal_id(s.id) for s in cloud.networks[normal_id(network_of(key))].sides.values()}
        for subnet in ("workload", "private-endpoints"):
            found |= {
                f"{normal_id(self.mesh.subnet(subnet))}#service={s.lower()}"
                for s in self.mesh.services(subnet)
            }
        for target in TARGETS:
            found |= {f"{normal_id(target)}#admits={s}" for s in self.mesh.rules_of(target)}
        return found

    @invariant()
    def what_is_revoked_is_gone(self) -> None:
        for record in self.records:
            if record.state not in ("Revoked", "Rejected", "PendingApproval") or asked_anew(record):
                continue
            assert record.owned == () or looked_for(record)

    @invariant()
    def no_edge_has_two_endpoints(self) -> None:
        if not self.records:
            return
        ways = [(normal_id(e.target), e.group) for e in self.mesh.cloud.endpoints.values()]
        assert len(ways) == len(set(ways))
        for record in self.records:
            present = [
                a for a in record.owned if is_endpoint(a) and normal_id(a) in self.mesh.cloud.endpoints
            ]
            assert len(present) <= 1

    @invariant()
    def what_an_active_edge_has_is_there(self) -> None:
        """Unless somebody has taken it away from outside."""
        if not self.records:
            return
        made = self.made()
        for record in self.records:
            if record.state not in ("Active", "Expiring") or record.route is None:
                continue
            artefact = normal_id(record.route.artefact)
            rule_of = as_rule(artefact)
            if artefact in self.disturbed or (rule_of and rule_of[0] in self.disturbed):
                continue
            assert not artefact or artefact in made, (record.key, artefact)

    # --- how it ends

    async def rests(self) -> None:
        """Without mishaps, and with its targets back, everything comes to where it should be, and stays there."""
        mesh = self.mesh
        await self.woken()
        mesh.arm.calm_down()
        mesh.events.fault = None
        mesh.engine = mesh.new_engine(Trouble(mesh.clock))
        for target in TARGETS:
            if not mesh.cloud.exists(target):
                mesh.cloud.create_resource(target)
        for _ in range(3):
            await mesh.later(hours=3)
        made = self.made()
        for record in self.records:
            assert record.state in (
                "PendingApproval",
                "Active",
                "Expiring",
                "Revoked",
                "Rejected",
                "Failed",
            ) or awaits_nodes(record), record
            assert record.lease is None
            assert record.outbox == ()
            assert record.journal == ()
            if record.state in ("Active", "Expiring"):
                assert all(normal_id(a) in made for a in record.owned)
                assert record.conditions[0].status == "True"
            if record.state == "Failed":
                assert record.conditions[0].reason in ("OptionForbids", "ForeignPeering"), record.conditions
                assert record.owned == ()
        there = [r for r in self.records if r.state in ("Active", "Expiring") or awaits_nodes(r)]
        needed = {normal_id(a) for r in there for a in r.owned}
        # What an edge has that a person is asked about stays, and is not mended.
        kept = {normal_id(a) for r in self.records if asked_anew(r) for a in r.owned}
        assert needed <= made <= needed | kept
        mesh.arm.calls.clear()
        await mesh.later(hours=3)
        assert mesh.writes() == []


def awaits_nodes(record: EdgeRecord) -> bool:
    """Whether an edge waits for its nodes, which nobody connects or links here: that may take for ever."""
    return record.state == "Provisioning" and record.conditions[0].reason in NODES_DO


def looked_for(record: EdgeRecord) -> bool:
    """Whether somebody is on the way to look again: a worker that woke up late has told what it wrote.

    An edge that is over is due only where its last look could not end, since another one was at the artefact.
    """
    waits = record.state not in LIVE and record.next_due is not None
    return waits or record.generation != record.observed_generation or record.lease is not None


def test_edges_with_one_endpoint_are_led_to_one_zone_and_then_nothing_is_written() -> None:
    """Found at random: of two edges one was led to the hub's zone and one to its own, and each wrote the zone group."""
    history = EdgeHistories()
    history.begin(seconds=7.0)
    wish = EdgeRequest(
        consumer=CONSUMER,
        provider=PROVIDER,
        interface="sql",
        target=f"{PROVIDER.group_id}/providers/Microsoft.Sql/servers/sales",
        purpose="monthly figures",
        lease_days=90,
    )
    history.grant(what=[wish, wish], count=7)
    for _ in range(9):
        history.jump(1.0)
    history.jump(400.0)
    history.vandal(which=3)
    history.jump(1.0)
    history.teardown()


TestEdgeHistories = pytest.mark.timeout(300)(EdgeHistories.TestCase)
TestEdgeHistories.settings = settings(
    max_examples=150,
    stateful_step_count=40,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
