"""Random lives of one alert: records, people, silences, faults, dead workers. However it went, it ends lawfully."""

import random
from contextlib import suppress
from datetime import timedelta
from itertools import pairwise

import pytest

from shared.domain.actor import KEY_HOLDER
from shared.domain.alert_states import TRANSITIONS
from shared.domain.errors import Conflict, Terminal, Transient, Waiting
from shared.domain.ids import AlertKey
from shared.telemetry.alerting import Alerting
from tests.support.trouble import Kind, Trouble, WorkerDied, troubled
from tests.unit.telemetry.alert_world import SALES, Recorder, World, rule_named

SEEDS = 150
STEPS = 60
KINDS: tuple[Kind, ...] = ("die before", "die after", "error before", "error after")
COMMANDS: set[tuple[str, str]] = {(before, after) for (before, _), after in TRANSITIONS.items()}


class Life:
    """One random history over one world, with a worker that gets into trouble now and then."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.world = World()
        self.chat = Recorder(self.world.clock, "chat")
        self.world.handlers = (*self.world.handlers, self.chat)
        self.world.delivery = self.world.deliverer()
        cool_down = self.draw.choice((0.0, 0.0, 600.0))
        self.rule = rule_named(handlers=("ops", "chat"), cool_down=cool_down, auto_resolve=1800.0)
        self.sequence = 0
        self.fired: dict[int, float] = {}

    async def step(self) -> None:
        steps = (self.fire, self.fire, self.fire_again, self.look, self.look, self.wait, self.wait)
        others = (
            self.decide,
            self.silence,
            self.unsilence,
            self.fault,
            self.clear,
            self.trouble,
            self.trouble,
        )
        await self.draw.choice((*steps, *others))()

    async def fire(self) -> None:
        self.sequence += 1
        self.fired[self.sequence] = self.world.clock.now().timestamp()
        await self.world.fire(self.rule, sequence=self.sequence)

    async def fire_again(self) -> None:
        """A batch comes once more."""
        if self.fired:
            some = self.draw.randint(max(1, self.sequence - 5), self.sequence)
            counts = {n: (1, self.fired[n]) for n in range(some, self.sequence + 1)}
            await self.world.fire(self.rule, counts=counts)

    async def all_again(self) -> None:
        """Every event there ever was comes once more, and changes nothing once that was handled."""
        if self.fired:
            counts = {n: (1, at) for n, at in self.fired.items()}
            known = await self.world.fire(self.rule, counts=counts)
            assert await self.world.fire(self.rule, counts=counts) == known
            assert known.count <= len(self.fired)

    async def look(self) -> None:
        await self.world.deliver()

    async def wait(self) -> None:
        await self.world.tick(self.draw.choice((5, 20, 70, 400, 2000)))

    async def clear(self) -> None:
        for key in list(self.world.store.alerts):
            await self.world.alerting.clear(key, "calm again", self.world.clock.now())

    async def decide(self) -> None:
        desk, keys = self.world.desk, list(self.world.store.alerts)
        for key in keys:
            with suppress(Conflict):  # it does not fit
                command = self.draw.choice((desk.acknowledge, desk.resolve))
                await command(KEY_HOLDER, key, "a reason")

    async def silence(self) -> None:
        until = self.world.clock.now() + timedelta(seconds=self.draw.choice((30, 900, 5000)))
        await self.world.desk.silence(KEY_HOLDER, SALES, "", until, "works")

    async def unsilence(self) -> None:
        for silence in list(self.world.silences.silences):
            await self.world.desk.unsilence(KEY_HOLDER, silence)

    async def fault(self) -> None:
        """A handler will fail once or twice."""
        errors = (Transient("Failed", ""), Waiting("Busy", "", retry_after=120.0), Terminal("Refused", ""))
        handler = self.draw.choice((self.world.ops, self.chat))
        handler.errors += [self.draw.choice(errors) for _ in range(self.draw.randint(1, 2))]

    async def end(self) -> None:
        """Everything works again, dead letters are replayed, and time passes."""
        await self.unsilence()
        for handler in (self.world.ops, self.chat):
            handler.errors.clear()
        for letter in list(self.world.letters.letters.values()):
            self.world.letters.letters.pop(letter.id)
            key = self.world.store.alerts[letter.key.removeprefix("alert/")].id
            await self.world.delivery.replay(AlertKey(key), letter)
        for _ in range(30):
            await self.world.tick(120)

    async def trouble(self) -> None:
        """A worker that handles a batch and the queue dies on the way, or meets an error; the batch comes again."""
        trouble = Trouble(self.world.clock)
        trouble.arm(self.draw.choice(KINDS), self.draw.randint(1, 6), lambda call: Transient("Down", call))
        store = troubled(self.world.store, "alerts", trouble)
        queue = troubled(self.world.queue, "queue", trouble)
        alerting = Alerting(store, self.world.silences, queue, self.world.clock)
        healthy, delivery = self.world.alerting, self.world.delivery
        self.world.alerting, self.world.delivery = alerting, self.world.deliverer(store)
        with suppress(WorkerDied, Transient):  # what it left behind is for the others
            await self.fire()
            await self.world.deliver()
        self.world.alerting, self.world.delivery = healthy, delivery
        await self.fire_again()


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_every_life_ends_with_everything_told_in_order(seed: int) -> None:
    life = Life(seed)
    for _ in range(STEPS):
        await life.step()
    await life.all_again()
    await life.end()
    await life.all_again()
    for alert in life.world.store.alerts.values():
        assert (alert.owed, alert.journal, alert.state) == ((), (), "Resolved")
        for handler in (life.world.ops, life.chat):
            assert_lawful(handler, alert.episode)
        assert_told(life.world, alert.id)
    assert life.world.letters.letters == {}


def assert_told(world: World, alert_id: str) -> None:
    """The history has every transition, each from where the one before led."""
    entries = [e for e in world.history.entries if e.key == f"alert/{alert_id}"]
    moves = [
        change.removeprefix("state: ").split(" -> ")
        for entry in sorted(entries, key=lambda e: e.at)
        for change in entry.changes
        if change.startswith("state: ")
    ]
    assert moves[0] == ["none", "Firing"]
    assert all((before, after) in COMMANDS for before, after in moves[1:])
    assert all(before[1] == after[0] for before, after in pairwise(moves))


def assert_lawful(handler: Recorder, episodes: int) -> None:
    """Whoever heard of an episode heard that it fired and that it ended; what was replayed came late."""
    heard: dict[int, list[str]] = {}
    for told in handler.ids:
        episode, _, transition = told.partition("-")
        heard.setdefault(int(episode), []).append(transition)
    for number, transitions in heard.items():
        assert 1 <= number <= episodes
        assert {"fired", "resolved"} <= set(transitions)
