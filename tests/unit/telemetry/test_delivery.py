"""Handlers hear of every transition at least once, in order, and none of them holds up another."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from shared.domain.actor import KEY_HOLDER
from shared.domain.alert import Silence
from shared.domain.errors import NotFound, Terminal, Transient, Waiting
from shared.domain.ids import AlertKey
from shared.ports.telemetry import Notice
from shared.telemetry.delivery import TRIES
from tests.fakes import FakeClock
from tests.support.trouble import Kind, Trouble, WorkerDied, troubled
from tests.unit.telemetry.alert_world import SALES, Recorder, World, rule_named

DOWN = Transient("ReceiverFailed", "the receiver answered 500")


class Hanging:
    """A handler that never answers."""

    name = "hanging"

    def __init__(self) -> None:
        self.calls = 0

    async def handle(self, _notice: Notice) -> None:
        self.calls += 1
        await asyncio.Event().wait()


async def test_a_handler_is_told_once_of_each_transition_in_order() -> None:
    world = World()
    alert = await world.fire()
    await world.deliver()
    await world.desk.acknowledge(KEY_HOLDER, alert.id, "mine")
    await world.desk.resolve(KEY_HOLDER, alert.id, "mended")
    await world.deliver()
    await world.fire(sequence=1)
    await world.deliver()
    await world.tick(100)
    assert world.ops.ids == ["1-fired", "1-acknowledged", "1-resolved", "2-fired"]
    assert world.alert.owed == ()


async def test_a_failing_handler_is_tried_again_ever_later_and_then_kept_as_a_dead_letter() -> None:
    """Eight tries within about three hours; the other handler heard at once."""
    world = World(chat := Recorder(FakeClock(), "chat"))
    world.ops.always = DOWN
    alert = await world.fire(rule_named(handlers=("ops", "chat"), auto_resolve=0))
    await world.deliver()
    assert chat.ids == ["1-fired"]
    for _ in range(200):
        await world.tick()
    assert (world.ops.calls, world.alert.owed) == (TRIES, ())
    (letter,) = world.letters.letters.values()
    assert (letter.kind, letter.key, letter.source) == ("delivery", f"alert/{alert.id}", "ops")
    assert letter.reason == "ReceiverFailed: the receiver answered 500"
    assert "ops: fired, not delivered: ReceiverFailed" in "".join(
        change for e in world.history.entries for change in e.changes
    )


async def test_a_replayed_letter_is_tried_again_from_the_beginning() -> None:
    world = World()
    world.ops.errors = [Terminal("ReceiverRefused", "the receiver answered 404")]
    alert = await world.fire()
    await world.deliver()
    (letter,) = world.letters.letters.values()
    key = AlertKey(alert.id)
    await world.delivery.replay(key, letter)
    await world.delivery.replay(key, letter)
    await world.deliver()
    assert world.ops.ids == ["1-fired"]
    with pytest.raises(NotFound, match="AlertNotFound"):
        await world.delivery.replay(AlertKey("0" * 32), letter)
    with pytest.raises(Terminal, match="NotReplayable"):
        await world.delivery.replay(key, replace(letter, body=b"?"))


async def test_a_handler_that_nobody_knows_is_waited_for_as_long_as_one_that_fails() -> None:
    """While a new version with other settings comes up, old instances meet notices for handlers they do not have."""
    world = World()
    await world.fire(rule_named(handlers=("webhook:new",), auto_resolve=0))
    await world.deliver()
    assert world.letters.letters == {}
    world.handlers = (*world.handlers, new := Recorder(world.clock, "webhook:new"))
    world.delivery = world.deliverer()
    await world.tick()
    assert new.ids == ["1-fired"]
    await world.fire(rule_named("other", handlers=("webhook:gone",), auto_resolve=0))
    for _ in range(200):
        await world.tick()
    assert [letter.reason[:14] for letter in world.letters.letters.values()] == ["HandlerUnknown"]


async def test_a_try_that_waits_keeps_no_other_notice_running_in_circles() -> None:
    """The second notice of a handler waits for the first: the message comes back when that one is due."""
    world = World()
    world.ops.errors = [DOWN]
    alert = await world.fire(rule_named(auto_resolve=0))
    await world.desk.resolve(KEY_HOLDER, alert.id, "mended")
    await world.deliver()
    assert world.ops.calls == 1
    due = world.alert.due
    assert due is not None
    assert 7 < (due - world.clock.now()).total_seconds() < 13
    assert world.queue.next_visible() == due
    world.clock.advance(13)
    await world.deliver()
    assert world.ops.ids == ["1-fired", "1-resolved"]


async def test_waiting_for_a_busy_receiver_counts_as_no_try_and_ends_within_a_day() -> None:
    world = World()
    world.ops.errors = [Waiting("ReceiverBusy", "429", retry_after=600.0)] * 20
    await world.fire(rule_named(auto_resolve=0))
    await world.deliver()
    for _ in range(30):
        await world.tick(700)
    assert (world.ops.ids, world.letters.letters) == (["1-fired"], {})
    world.ops.always = Waiting("ReceiverBusy", "429", retry_after=600.0)
    await world.fire(rule_named("another", auto_resolve=0))
    for _ in range(140):
        await world.tick(700)
    assert [letter.reason for letter in world.letters.letters.values()] == ["ReceiverBusy: 429"]


async def test_a_hanging_handler_is_given_up_on_after_a_while_and_the_other_is_told() -> None:
    hanging = Hanging()
    world = World(hanging, seconds=0.02)
    await world.fire(rule_named(handlers=("hanging", "ops")))
    await world.deliver()
    assert world.ops.ids == ["1-fired"]
    (owed,) = world.alert.owed
    assert (owed.handler, owed.attempts, owed.reason[:13]) == ("hanging", 1, "HandlerSilent")


async def test_a_handler_that_is_down_is_left_alone_so_that_many_alerts_do_not_wait_for_it() -> None:
    """A hundred alerts at once: a few calls find out, and one later whether it is up again."""
    hanging = Hanging()
    world = World(hanging, seconds=0.01)
    rules = [rule_named(f"rule-{n}", handlers=("hanging", "ops")) for n in range(100)]
    for rule in rules:
        await world.fire(rule)
    await world.deliver()
    assert len(world.ops.told) == 100
    assert hanging.calls <= 5


async def test_a_handler_that_comes_back_is_told_of_everything() -> None:
    world = World()
    world.ops.down_until = world.clock.now() + timedelta(minutes=20)
    for number in range(40):
        await world.fire(rule_named(f"rule-{number}", auto_resolve=0))
    await world.deliver()
    for _ in range(90):
        await world.tick()
    assert len(world.ops.told) == 40
    assert world.letters.letters == {}


async def test_a_storm_gets_through_a_receiver_that_takes_one_a_second() -> None:
    """As Slack does: the others are told to come back, and do, without a dead letter."""

    class Slow(Recorder):
        last = float("-inf")

        async def handle(self, notice: Notice) -> None:
            now = self.clock.now().timestamp()
            if now - self.last < 1:
                raise Waiting("ReceiverBusy", "the receiver answered 429", retry_after=1.0)
            self.last = now
            await super().handle(notice)

    world = World()
    slow = Slow(world.clock, "slow")
    world.handlers = (slow,)
    world.delivery = world.deliverer()
    for number in range(300):
        await world.fire(rule_named(f"rule-{number}", handlers=("slow",), auto_resolve=0))
    for _ in range(4000):
        await world.deliver()
        world.clock.advance(1)
    assert len({n.id for n in slow.told}) == len(slow.told) == 300
    assert world.letters.letters == {}


async def test_who_is_back_after_six_hours_hears_of_a_storm_without_anybodys_help() -> None:
    world = World()
    world.ops.down_until = world.clock.now() + timedelta(hours=6)
    for number in range(60):
        await world.fire(rule_named(f"rule-{number}", auto_resolve=0))
    for _ in range(12 * 60):
        await world.tick()
    assert len({n.id for n in world.ops.told}) + len(world.letters.letters) == 60
    assert len(world.letters.letters) < 20


async def test_an_error_that_nobody_foresaw_is_tried_again_like_any_other() -> None:
    class Broken:
        name = "broken"

        async def handle(self, notice: Notice) -> None:
            raise KeyError(notice.id)

    world = World(Broken())
    await world.fire(rule_named(handlers=("broken",)))
    await world.deliver()
    (owed,) = world.alert.owed
    assert owed.reason == "Unforeseen: KeyError; the log says more."


# --- who dies, and who comes at once


async def test_two_deliverers_at_once_tell_once() -> None:
    world = World()
    alert = await world.fire()
    key = AlertKey(alert.id)
    await asyncio.gather(*(world.deliverer().visit(key) for _ in range(6)))
    assert world.ops.ids == ["1-fired"]


@pytest.mark.parametrize("kind", ["die before", "die after"])
@pytest.mark.parametrize("countdown", range(1, 9))
async def test_who_dies_anywhere_leaves_what_the_timer_finds(kind: Kind, countdown: int) -> None:
    """A worker killed around any call of a store or of the queue: told at least once, under one notice id."""
    world, trouble = World(), Trouble(World().clock)
    trouble.arm(kind, countdown, lambda call: None)
    healthy = world.alerting
    world.alerting = type(healthy)(
        troubled(world.store, "alerts", trouble),
        world.silences,
        troubled(world.queue, "queue", trouble),
        world.clock,
    )
    world.delivery = world.deliverer(troubled(world.store, "alerts", trouble))
    try:
        await world.fire()
        await world.deliver()
    except WorkerDied:
        world.alerting, world.delivery = healthy, world.deliverer()
        await world.fire(enqueued=world.clock.now().timestamp())
    for _ in range(5):
        await world.tick()
    assert 1 <= len(world.ops.told) <= 2
    assert {notice.id for notice in world.ops.told} == {f"{world.alert.id}-1-fired"}
    assert (world.alert.count, world.alert.owed, world.alert.journal) == (1, (), ())
    assert world.outcomes(world.alert.id)[0] == "rule deadlocks"


async def test_who_calls_a_deadly_handler_is_not_killed_for_ever() -> None:
    """A handler that takes the process with it: claims run out, and after eight the notice is a dead letter."""

    class Deadly:
        name = "deadly"
        calls = 0

        async def handle(self, _notice: Notice) -> None:
            self.calls += 1
            raise WorkerDied("deadly")

    class Killed(BaseException):
        pass

    deadly = Deadly()

    async def kill(_notice: Notice) -> None:
        deadly.calls += 1
        raise Killed

    deadly.handle = kill  # type: ignore[method-assign]
    world = World(deadly)
    alert = await world.fire(rule_named(handlers=("deadly",), auto_resolve=0))
    for _ in range(12):
        try:
            await world.delivery.visit(AlertKey(alert.id))
        except Killed:
            world.clock.advance(61)
    assert deadly.calls == TRIES
    assert [letter.reason[:11] for letter in world.letters.letters.values()] == ["HandlerDied"]


# --- what time does


async def test_an_alert_that_fires_no_more_resolves_by_itself() -> None:
    world = World()
    alert = await world.fire(rule_named(auto_resolve=600))
    await world.deliver()
    world.clock.advance(300)
    await world.fire(rule_named(auto_resolve=600), sequence=1)
    await world.tick(400)
    assert world.alert.state == "Firing"
    await world.tick(300)
    assert (world.alert.state, world.alert.by) == ("Resolved", "meshplane")
    assert world.ops.ids == ["1-fired", "1-resolved"]
    assert "clear by meshplane" in world.outcomes(alert.id)


async def test_an_alert_that_only_people_resolve_stays() -> None:
    world = World()
    await world.fire(rule_named(auto_resolve=0))
    for _ in range(20):
        await world.tick(86_400)
    assert world.alert.state == "Firing"


async def test_a_silence_that_ends_while_the_alert_fires_tells_of_it() -> None:
    world = World()
    until = world.clock.now() + timedelta(hours=1)
    await world.desk.silence(KEY_HOLDER, SALES, "", until, "works")
    alert = await world.fire(rule_named(auto_resolve=0))
    await world.deliver()
    await world.tick(1800)
    assert (world.ops.told, world.alert.silenced_by) == ([], f"{1:032x}")
    await world.tick(1900)
    assert (world.ops.ids, world.alert.silenced_by) == (["1-fired"], "")
    assert [c.partition(" ")[0] for c in world.outcomes(alert.id)] == ["rule", "silence", "handlers"]


async def test_a_silence_that_somebody_ends_is_heard_of_soon() -> None:
    world = World()
    until = world.clock.now() + timedelta(days=30)
    silence = await world.desk.silence(KEY_HOLDER, "", "deadlocks", until, "works")
    await world.fire(rule_named(auto_resolve=0))
    await world.fire(rule_named("another", auto_resolve=0))
    await world.deliver()
    assert [n.alert.rule for n in world.ops.told] == ["another"]
    await world.desk.unsilence(KEY_HOLDER, silence.id)
    world.clock.advance(10)
    await world.deliver()
    assert [n.alert.rule for n in world.ops.told] == ["another", "deadlocks"]


async def test_a_silence_of_another_node_or_rule_keeps_nothing_quiet() -> None:
    world = World()
    now = world.clock.now()
    other = Silence(id="x", node="node/s/other", until=now + timedelta(1), by="", reason="", created_at=now)
    await world.silences.add(other)
    await world.silences.add(replace(other, id="y", node="", rule="other"))
    await world.silences.add(replace(other, id="z", node="", rule="", until=now - timedelta(1)))
    await world.fire()
    await world.deliver()
    assert world.ops.ids == ["1-fired"]


async def test_a_clock_that_jumps_back_delays_and_loses_nothing() -> None:
    world = World()
    world.ops.errors = [DOWN]
    await world.fire(rule_named(auto_resolve=0))
    await world.deliver()
    world.clock.advance(-3600)
    for _ in range(70):
        await world.tick()
    assert world.ops.ids == ["1-fired"]


async def test_a_clock_that_jumps_ahead_resolves_and_tells_in_order() -> None:
    world = World()
    await world.fire(rule_named(auto_resolve=600))
    await world.tick(86_400)
    assert world.ops.ids == ["1-fired", "1-resolved"]


async def test_whoever_makes_a_silence_takes_away_what_ended_long_ago() -> None:
    world = World()
    for days in (1, 40):
        await world.desk.silence(
            KEY_HOLDER, SALES, "", world.clock.now() + timedelta(days=days), f"for {days} days"
        )
    world.clock.advance(35 * 86_400)
    await world.desk.silence(KEY_HOLDER, SALES, "", world.clock.now() + timedelta(days=1), "again")
    assert [s.reason for s in await world.desk.silences()] == ["for 40 days", "again"]
