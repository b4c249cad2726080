"""Random histories of hubs: whatever happens, one resync later every pair stands and nothing of ours is left over."""

import asyncio

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.domain.errors import MeshError, Transient, Waiting
from shared.domain.ids import HubKey, NodeKey
from shared.domain.naming import hub_peering_name
from tests.support.hubs import Hubs, hub, network
from tests.support.mesh import SUBSCRIPTION, network_of
from tests.support.trouble import Kind, Trouble, WorkerDied

NAMES = ("a", "b", "c")
FULL = (hub("a", "b", "c"), hub("b"), hub("c", "b"))
TROUBLES: tuple[Kind, ...] = ("die before", "die after", "error before", "error after", "oversleep")
PEOPLE = ("delete", "resize", "recreate", "flags", "leave ours", "leave theirs", "unpeer", "fail", "forget")
WORK = ("run", "run", "run", "worker", "worker", "together", "wait")
ACTS = st.tuples(st.sampled_from((*PEOPLE, *WORK)), st.integers(0, 2), st.integers(0, 12))


async def act(hubs: Hubs, what: str, which: int, number: int) -> None:
    """What people, Azure and workers do."""
    name = NAMES[which]
    local = hubs.cloud.networks[network(name).lower()]
    key = HubKey(name)
    match what:
        case "delete" if local.sides:
            hubs.cloud.delete_peering(list(local.sides.values())[number % len(local.sides)].id)
        case "resize":
            hubs.cloud.resize_network(local.id, f"10.{which}.0.0/16", f"10.{10 + 20 * which + number}.0.0/16")
        case "recreate":
            hubs.cloud.delete_resource(local.id)
            hubs.cloud.create_network(local.id, f"10.{which}.0.0/16")
        case "flags":
            for side in local.sides.values():
                side.flags = type(side.flags)(allow_virtual_network_access=False)
        case "leave ours":
            node = NodeKey.of(SUBSCRIPTION, f"gone{number}")
            ours = hub_peering_name("m", node, network_of(node))
            hubs.place(name, ours, network_of(node), f"10.{100 + number}.0.0/16")
        case "leave theirs":
            hubs.place(name, f"theirs{number}", network(f"far{number}"), f"10.{200 + number}.0.0/16")
        case "unpeer":
            hubs.configure(*(hub(n) for n in NAMES))
        case "fail":
            hubs.arm.fail_next_operation("InternalServerError")
        case "forget":
            hubs.arm.forget_operations()
        case "run":
            await run(hubs, key, None, number)
        case "worker":
            await run(hubs, key, TROUBLES[number % len(TROUBLES)], number)
        case "together":
            await asyncio.gather(*(run(hubs, HubKey(n), None, number) for n in NAMES))
        case "wait":
            hubs.clock.advance(number * 7.0)


async def run(hubs: Hubs, key: HubKey, kind: Kind | None, number: int) -> None:
    """One run by a worker of its own, which may get into trouble."""
    trouble = Trouble(hubs.clock)
    if kind:
        trouble.arm(kind, 1 + number, _error)
    try:
        await hubs.intake.bump(key, "test")
        await hubs.new_engine(trouble).reconcile(key)
    except (WorkerDied, MeshError):
        return


def _error(call: str) -> MeshError | None:
    return (
        Waiting("TooManyRequests", "Later.", retry_after=5.0)
        if call.startswith("arm")
        else Transient("X", call)
    )


async def rest(hubs: Hubs) -> None:
    """The timers, once everything is due, again and again; nothing happens any more."""
    hubs.arm.calm_down()
    hubs.configure(*FULL)
    for _ in range(3):
        hubs.clock.advance(2 * hubs.timing.resync)
        for name in NAMES:
            await hubs.until_quiet(name)


@settings(
    max_examples=150,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(acts=st.lists(ACTS, max_size=25), seconds=st.sampled_from((0.0, 7.0)))
def test_after_one_resync_every_pair_stands_and_the_next_writes_nothing(
    acts: list[tuple[str, int, int]], seconds: float
) -> None:
    async def history() -> None:
        hubs = Hubs(*FULL, seconds=seconds)
        for one in acts:
            await act(hubs, *one)
        theirs = {i for i in hubs.states() if "/theirs" in i}
        await rest(hubs)
        states = hubs.states()
        assert {i for i in states if "/theirs" in i} == theirs
        ours = {i: s for i, s in states.items() if i not in theirs}
        assert len(ours) == 6
        assert set(ours.values()) == {("Connected", "FullyInSync")}
        hubs.arm.calls.clear()
        await rest(hubs)
        assert hubs.writes() == []
        assert {(await hubs.record(n)).state for n in NAMES} == {"Ready"}
        assert (await hubs.dead_letters.list()).items == ()

    asyncio.run(history())
