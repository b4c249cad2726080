"""The healer's tables: every state of a pair is in exactly one row, and each row repairs what it names."""

from collections.abc import Iterator
from itertools import product

import msgspec
import pytest

from shared.domain.network import Peering, PeeringFlags
from shared.domain.plan import DeletePeering, PutPeering
from shared.reconcile.healer import diagnose, heal, left_alone, look, waits
from shared.reconcile.pair import Pair, Side
from shared.reconcile.repairs import LEVELS, REPAIRS, STATES, Look, Repair

TRANSIT = PeeringFlags(allow_gateway_transit=True)
GATEWAY = PeeringFlags(use_remote_gateways=True)
PLAIN = PeeringFlags()
OTHERWISE = PeeringFlags(allow_virtual_network_access=False)


def side(
    state: str = "Connected",
    level: str = "FullyInSync",
    *,
    which: str = "first",
    provisioning: str = "Succeeded",
    actual: PeeringFlags = PLAIN,
    wanted: PeeringFlags = PLAIN,
    owned: bool = True,
) -> Side:
    """A side in some state; `missing` and `gone` are states too."""
    peering = Peering(f"/{which}", which, "/other", state, level, provisioning, (), actual)
    there = state in STATES
    return Side(peering if there else None, f"/{which}", "/other", wanted, "", owned, state == "gone")


def sides(which: str) -> Iterator[Side]:
    """Every state of one side; only the second may use the other's gateway."""
    wanted = (PLAIN, GATEWAY) if which == "second" else (PLAIN,)
    for flags in wanted:
        yield from (side(state, which=which, wanted=flags) for state in ("gone", "missing"))
    actual = (PLAIN, OTHERWISE, GATEWAY)
    provisioning = ("Succeeded", "Failed", "Updating", "Deleting")
    for state, level, ending, owned, have, want in product(
        STATES, LEVELS, provisioning, (True, False), actual, wanted
    ):
        yield side(state, level, which=which, provisioning=ending, owned=owned, actual=have, wanted=want)


FIRST: frozenset[Look] = frozenset(look(s) for s in sides("first"))
SECOND: frozenset[Look] = frozenset(look(s, second=True) for s in sides("second"))


def row_of(first: Look, second: Look) -> Repair:
    """The first row that matches; StopIteration where none does."""
    return next(row for row in REPAIRS if row.first.matches(first) and row.second.matches(second))


def test_every_combination_of_two_sides_is_in_a_row_and_every_row_is_the_first_for_some() -> None:
    rows = {row_of(*pair).name for pair in product(FIRST, SECOND)}
    assert rows == {row.name for row in REPAIRS}
    assert len({row.name for row in REPAIRS}) == len(REPAIRS)


def test_no_row_writes_a_side_that_is_not_ours_or_whose_network_is_gone() -> None:
    for first, second in product(FIRST, SECOND):
        row = row_of(first, second)
        for action in row.actions:
            verb, _, which = action.partition(" ")
            touched = first if which == "first" else second
            if verb in ("put", "sync", "delete"):
                assert (touched.owned, touched.state == "gone") == (True, False), (row.name, first, second)
            if verb == "delete":
                assert touched.state != "missing", (row.name, first, second)
            if verb == "leave":
                assert not touched.owned, (row.name, first, second)


def test_no_row_writes_beside_a_side_that_azure_is_working_on() -> None:
    for first, second in product(FIRST, SECOND):
        if "busy" in (first.ailment, second.ailment):
            assert row_of(first, second).actions == ("wait",)


def test_nothing_is_done_only_where_all_is_well_or_nothing_can_be() -> None:
    for first, second in product(FIRST, SECOND):
        if row_of(first, second).actions:
            continue
        states = {first.state, second.state}
        well = states == {"Connected"} and first.ailment == second.ailment == "well"
        assert well or "gone" in states, (first, second)


def written(pair: Pair) -> list[str]:
    return [
        ("delete " if isinstance(s, DeletePeering) else "sync " if s.sync else "put ") + s.id[1:]
        for s in heal(pair)
        if isinstance(s, DeletePeering | PutPeering)
    ]


def both(first: Side, second: Side) -> Pair:
    return first, msgspec.structs.replace(second, id="/second")


LOST = "Disconnected"
EXAMPLES: list[tuple[str, Side, Side, list[str]]] = [
    ("busy", side(provisioning="Updating"), side(LOST), []),
    ("busy (the other way round)", side("missing"), side(provisioning="Deleting"), []),
    ("nothing to connect", side("missing"), side("gone"), []),
    ("nothing to connect to", side("gone"), side("missing"), []),
    ("the other network is gone", side(LOST), side("gone"), ["delete first"]),
    ("the other network is gone (the other way round)", side("gone"), side(LOST), ["delete second"]),
    ("the other network of a foreign side is gone", side(LOST, owned=False), side("gone"), []),
    (
        "the other network of a foreign side is gone (the other way round)",
        side("gone"),
        side(LOST, owned=False),
        [],
    ),
    ("both disconnected, both foreign", side(LOST, owned=False), side(LOST, owned=False), []),
    ("foreign and disconnected", side(LOST, owned=False), side("missing"), []),
    ("foreign and disconnected (the other way round)", side(LOST), side(LOST, owned=False), []),
    (
        "disconnected, and the other still borrows a gateway",
        side(LOST),
        side("Initiated", actual=GATEWAY),
        ["delete first", "put second", "put first"],
    ),
    (
        "disconnected, and the other still borrows a gateway (the other way round)",
        side(actual=GATEWAY),
        side(LOST),
        ["delete second", "put first", "put second"],
    ),
    (
        "disconnected, and the gateway is not offered any more",
        side("missing", wanted=TRANSIT),
        side(LOST, wanted=GATEWAY, actual=GATEWAY),
        ["delete second", "put first", "put second"],
    ),
    (
        "disconnected, and the gateway is not offered yet",
        side("Initiated", wanted=TRANSIT),
        side(LOST, wanted=GATEWAY),
        ["delete second", "put first", "put second"],
    ),
    ("both disconnected", side(LOST), side(LOST), ["delete first", "put second", "put first"]),
    ("disconnected, and the other is missing", side(LOST), side("missing"), ["put first", "put second"]),
    (
        "disconnected, and the other is missing (the other way round)",
        side("missing"),
        side(LOST),
        ["put second", "put first"],
    ),
    ("disconnected, and the other is there", side(LOST), side("Initiated"), ["put first"]),
    (
        "disconnected, and the other is there (the other way round)",
        side("Initiated"),
        side(LOST),
        ["put second"],
    ),
    ("both missing", side("missing"), side("missing"), ["put first", "put second"]),
    ("missing, and the other is foreign", side("missing"), side("Initiated", owned=False), ["put first"]),
    (
        "missing, and the other is foreign (the other way round)",
        side("Initiated", owned=False),
        side("missing"),
        ["put second"],
    ),
    (
        "missing, and the other still borrows a gateway",
        side("missing"),
        side("Initiated", actual=GATEWAY),
        ["put second", "put first"],
    ),
    (
        "missing, and the other still borrows a gateway (the other way round)",
        side("Initiated", actual=GATEWAY),
        side("missing"),
        ["put first", "put second"],
    ),
    ("missing", side("missing"), side("Initiated", "RemoteNotInSync"), ["put first"]),
    ("missing (the other way round)", side("Initiated", "RemoteNotInSync"), side("missing"), ["put second"]),
    (
        "the first is missing, and the other ails",
        side("missing"),
        side("Initiated", provisioning="Failed"),
        ["put first", "put second"],
    ),
    (
        "the second is missing, and the other ails",
        side("Initiated", "LocalAndRemoteNotInSync"),
        side("missing"),
        ["sync first", "put second"],
    ),
    (
        "foreign, and waits for a foreign one",
        side("Initiated", owned=False),
        side("Initiated", owned=False),
        [],
    ),
    (
        "foreign, and waits for a foreign one (the other way round)",
        side("Connected", owned=False),
        side("Initiated", owned=False),
        [],
    ),
    ("foreign, and waits for ours", side("Initiated", owned=False), side("Initiated"), ["put second"]),
    (
        "foreign, and waits for ours (the other way round)",
        side("Connected"),
        side("Initiated", owned=False),
        ["put first"],
    ),
    ("waits for a foreign one", side("Initiated"), side("Connected", owned=False), ["put first"]),
    (
        "waits for a foreign one (the other way round)",
        side("Connected", owned=False),
        side("Initiated"),
        ["put second"],
    ),
    (
        "waits, and the other still borrows a gateway",
        side("Initiated", actual=TRANSIT),
        side(actual=GATEWAY),
        ["put second", "put first"],
    ),
    (
        "waits, and the other still borrows a gateway (the other way round)",
        side(actual=GATEWAY),
        side("Initiated"),
        ["put first", "put second"],
    ),
    (
        "waits and still borrows a gateway, and the other ails",
        side("Initiated", actual=GATEWAY),
        side(actual=TRANSIT),
        ["put first", "put second"],
    ),
    (
        "waits and still borrows a gateway, and the other ails (the other way round)",
        side(actual=TRANSIT),
        side("Initiated", actual=GATEWAY),
        ["put second", "put first"],
    ),
    ("both wait", side("Initiated"), side("Initiated"), ["put first", "put second"]),
    ("waits for one that is well", side("Initiated"), side("Connected"), ["put first"]),
    (
        "waits for one that is well (the other way round)",
        side("Connected"),
        side("Initiated"),
        ["put second"],
    ),
    (
        "the first waits, and the other ails",
        side("Initiated"),
        side(actual=OTHERWISE),
        ["put first", "put second"],
    ),
    (
        "the second waits, and the other ails",
        side(wanted=TRANSIT),
        side("Initiated", wanted=GATEWAY),
        ["put first", "put second"],
    ),
    (
        "both foreign, both ail",
        side(level="LocalNotInSync", owned=False),
        side(provisioning="Failed", owned=False),
        [],
    ),
    (
        "foreign and ails, ours too",
        side(level="LocalAndRemoteNotInSync", owned=False),
        side(level="LocalAndRemoteNotInSync"),
        ["sync second"],
    ),
    (
        "foreign and ails, ours too (the other way round)",
        side(actual=OTHERWISE),
        side(provisioning="Failed", owned=False),
        ["put first"],
    ),
    ("foreign and ails", side(level="LocalNotInSync", owned=False), side(level="RemoteNotInSync"), []),
    (
        "foreign and ails (the other way round)",
        side(level="RemoteNotInSync"),
        side(level="LocalNotInSync", owned=False),
        [],
    ),
    (
        "both ail, and the gateway is not to be used any more",
        side(actual=TRANSIT),
        side(actual=GATEWAY),
        ["put second", "put first"],
    ),
    ("both ail", side(wanted=TRANSIT), side(wanted=GATEWAY), ["put first", "put second"]),
    ("ails", side(provisioning="Failed"), side(), ["put first"]),
    (
        "ails (the other way round)",
        side(level="RemoteNotInSync"),
        side(level="LocalNotInSync"),
        ["sync second"],
    ),
    ("one says that the other is behind", side(level="RemoteNotInSync"), side(), ["sync second"]),
    (
        "one says that the other is behind (the other way round)",
        side(),
        side(level="RemoteNotInSync"),
        ["sync first"],
    ),
    ("connected and in sync", side(owned=False, actual=OTHERWISE), side(), []),
]


@pytest.mark.parametrize(("name", "first", "second", "writes"), EXAMPLES, ids=[e[0] for e in EXAMPLES])
def test_each_row_repairs_what_it_names(name: str, first: Side, second: Side, writes: list[str]) -> None:
    pair = both(first, second)
    assert (diagnose(pair).name, written(pair)) == (name, writes)


def test_each_row_has_an_example() -> None:
    assert [name for name, *_ in EXAMPLES] == [row.name for row in REPAIRS]


def test_a_step_names_the_fields_that_differ_and_why() -> None:
    lost, late = side(LOST), side("missing")
    (back, new) = (s for s in heal(both(lost, late)) if isinstance(s, PutPeering))
    assert (back.why, back.differences) == (
        "disconnected: the other side was deleted",
        ("state: Disconnected -> Connected",),
    )
    assert (new.why, new.differences) == ("missing", ())
    (flags,) = (s for s in heal(both(side(actual=OTHERWISE), side())) if isinstance(s, PutPeering))
    assert flags.differences == ("allow_virtual_network_access: false -> true",)


def test_one_write_puts_back_flags_and_address_space_together() -> None:
    (step,) = heal(both(side(level="LocalNotInSync", actual=OTHERWISE), side(level="RemoteNotInSync")))
    assert isinstance(step, PutPeering)
    assert (step.flags, step.sync) == (PLAIN, True)


def test_sides_left_to_their_owner_and_sides_that_are_waited_for_are_named() -> None:
    theirs = side(LOST, owned=False)
    assert left_alone(both(theirs, side("missing"))) == [theirs]
    assert left_alone(both(side(), side())) == []
    updating = side(provisioning="Updating")
    assert waits(both(updating, side())) == [updating]
