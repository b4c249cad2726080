"""What repairs a pair of peerings in each state that it can be in, as two tables; `shared.reconcile.healer` reads them.

`AILMENTS` tells what is wrong with one side by itself, `REPAIRS` which small actions mend the pair, in order. In both
the first row that matches counts. States, levels and what Azure refuses are those of the Virtual Network Peerings
REST API, 2023-09-01 and later, and of its recorded answers.
"""

from collections.abc import Iterator
from typing import Literal

import msgspec

type Ailment = Literal["busy", "failed", "flags", "behind", "well"]
type Action = Literal[
    "wait",
    "put first",
    "put second",
    "sync first",
    "sync second",
    "delete first",
    "delete second",
    "leave first",
    "leave second",
]

LEVELS = ("FullyInSync", "RemoteNotInSync", "LocalNotInSync", "LocalAndRemoteNotInSync")
STATES = ("Initiated", "Connected", "Disconnected")
BUSY = ("Updating", "Deleting")
BEHIND = ("LocalNotInSync", "LocalAndRemoteNotInSync")


class AilmentRow(msgspec.Struct, frozen=True):
    """What is wrong with a side; an empty column matches everything."""

    ailment: Ailment
    why: str
    provisioning: tuple[str, ...] = ()
    owned: bool | None = None
    flags_differ: bool | None = None
    level: tuple[str, ...] = ()


AILMENTS = (
    AilmentRow("busy", "Azure is still working on it", provisioning=BUSY),
    AilmentRow("failed", "its last write failed", provisioning=("Failed",)),
    AilmentRow("flags", "flags differ", owned=True, flags_differ=True),  # others may want theirs otherwise
    AilmentRow("behind", "address space changed", level=BEHIND),
    AilmentRow("well", ""),
)


class Look(msgspec.Struct, frozen=True):
    """A side as the second table sees it. `state` is `gone` where its network is, `missing` where only it is.

    `gateway` says of the second side that it is to use the first one's gateway, of either that it is to stop using
    the other one's.
    """

    state: Literal["gone", "missing", "Initiated", "Connected", "Disconnected"]
    ailment: Ailment = "well"
    level: str = "FullyInSync"
    owned: bool = True
    gateway: Literal["", "wanted", "leaving"] = ""


class Match(msgspec.Struct, frozen=True):
    """Which looks a row is about; an empty column matches everything."""

    state: tuple[str, ...] = ()
    ailment: tuple[str, ...] = ()
    owned: bool | None = None
    level: tuple[str, ...] = ()
    gateway: tuple[str, ...] = ()

    def matches(self, look: Look) -> bool:
        return (
            (not self.state or look.state in self.state)
            and (not self.ailment or look.ailment in self.ailment)
            and (self.owned is None or look.owned == self.owned)
            and (not self.level or look.level in self.level)
            and (not self.gateway or look.gateway in self.gateway)
        )


class Repair(msgspec.Struct, frozen=True):
    """A row: what to do about a pair whose sides look like this, in order, and why."""

    name: str
    first: Match
    second: Match
    actions: tuple[Action, ...]
    why: str = ""


def _either(
    name: str, one: Match, other: Match, actions: tuple[Action, ...], why: str = ""
) -> Iterator[Repair]:
    """A row for a pair in which either side may be the first."""
    swapped: tuple[Action, ...] = tuple(_SWAPPED[a] for a in actions)
    yield Repair(name, one, other, actions, why)
    yield Repair(f"{name} (the other way round)", other, one, swapped, why)


_SWAPPED: dict[Action, Action] = {
    "wait": "wait",
    "put first": "put second",
    "put second": "put first",
    "sync first": "sync second",
    "sync second": "sync first",
    "delete first": "delete second",
    "delete second": "delete first",
    "leave first": "leave second",
    "leave second": "leave first",
}

ANY = Match()
AILING = ("failed", "flags", "behind")
THERE = ("Initiated", "Connected")
OURS = Match(owned=True)

REPAIRS: tuple[Repair, ...] = (
    # Azure refuses every write to a side that it is working on.
    *_either("busy", Match(ailment=("busy",)), ANY, ("wait",)),
    # A network is gone: what led to it carries nothing and goes on blocking its addresses.
    Repair("nothing to connect", Match(("gone", "missing")), Match(("gone",)), ()),
    Repair("nothing to connect to", Match(("gone",)), Match(("missing",)), ()),
    *_either(
        "the other network is gone",
        Match(STATES, owned=True),
        Match(("gone",)),
        ("delete first",),
        "the network that it led to is gone",
    ),
    *_either(
        "the other network of a foreign side is gone", Match(STATES), Match(("gone",)), ("leave first",)
    ),
    # Disconnected: the other side was deleted. Azure refuses the other side (RemotePeeringIsDisconnected) until this
    # one has been written or deleted.
    Repair(
        "both disconnected, both foreign",
        Match(("Disconnected",), owned=False),
        Match(("Disconnected",), owned=False),
        ("leave first", "leave second"),
    ),
    *_either("foreign and disconnected", Match(("Disconnected",), owned=False), ANY, ("leave first",)),
    *_either(
        "disconnected, and the other still borrows a gateway",
        Match(("Disconnected",)),
        Match(THERE, gateway=("leaving",)),
        ("delete first", "put second", "put first"),
        "disconnected: Azure takes no gateway back that the other side still uses",
    ),
    Repair(
        "disconnected, and the gateway is not offered any more",
        Match(("missing", "Disconnected")),
        Match(("Disconnected",), gateway=("wanted",)),
        ("delete second", "put first", "put second"),
        "disconnected: the gateway has to be offered before it can be used",
    ),
    Repair(
        "disconnected, and the gateway is not offered yet",
        Match(THERE, ailment=AILING, owned=True),
        Match(("Disconnected",), gateway=("wanted",)),
        ("delete second", "put first", "put second"),
        "disconnected: the gateway has to be offered before it can be used",
    ),
    Repair(
        "both disconnected",
        Match(("Disconnected",)),
        Match(("Disconnected",)),
        ("delete first", "put second", "put first"),
        "disconnected on both sides: Azure accepts neither until one is gone",
    ),
    *_either(
        "disconnected, and the other is missing",
        Match(("Disconnected",)),
        Match(("missing",)),
        ("put first", "put second"),
    ),
    *_either("disconnected, and the other is there", Match(("Disconnected",)), Match(THERE), ("put first",)),
    # Missing.
    Repair("both missing", Match(("missing",)), Match(("missing",)), ("put first", "put second")),
    *_either("missing, and the other is foreign", Match(("missing",)), Match(owned=False), ("put first",)),
    *_either(
        "missing, and the other still borrows a gateway",
        Match(("missing",)),
        Match(gateway=("leaving",)),
        ("put second", "put first"),
    ),
    *_either("missing", Match(("missing",)), Match(ailment=("well",)), ("put first",)),
    Repair("the first is missing, and the other ails", Match(("missing",)), ANY, ("put first", "put second")),
    Repair(
        "the second is missing, and the other ails", ANY, Match(("missing",)), ("put first", "put second")
    ),
    # Initiated: a side that waits for the other one.
    *_either(
        "foreign, and waits for a foreign one",
        Match(("Initiated",), owned=False),
        Match(owned=False),
        ("leave first", "leave second"),
    ),
    *_either("foreign, and waits for ours", Match(("Initiated",), owned=False), OURS, ("put second",)),
    *_either("waits for a foreign one", Match(("Initiated",)), Match(owned=False), ("put first",)),
    *_either(
        "waits, and the other still borrows a gateway",
        Match(("Initiated",)),
        Match(gateway=("leaving",)),
        ("put second", "put first"),
    ),
    *_either(
        "waits and still borrows a gateway, and the other ails",
        Match(("Initiated",), gateway=("leaving",)),
        Match(ailment=AILING),
        ("put first", "put second"),
    ),
    Repair("both wait", Match(("Initiated",)), Match(("Initiated",)), ("put first", "put second")),
    *_either("waits for one that is well", Match(("Initiated",)), Match(ailment=("well",)), ("put first",)),
    Repair("the first waits, and the other ails", Match(("Initiated",)), ANY, ("put first", "put second")),
    Repair("the second waits, and the other ails", ANY, Match(("Initiated",)), ("put first", "put second")),
    # Connected on both sides.
    Repair(
        "both foreign, both ail", *(Match(ailment=AILING, owned=False),) * 2, ("leave first", "leave second")
    ),
    *_either(
        "foreign and ails, ours too",
        Match(ailment=AILING, owned=False),
        Match(ailment=AILING),
        ("put second", "leave first"),
    ),
    *_either("foreign and ails", Match(ailment=AILING, owned=False), ANY, ("leave first",)),
    Repair(
        "both ail, and the gateway is not to be used any more",
        Match(ailment=AILING),
        Match(ailment=AILING, gateway=("leaving",)),
        ("put second", "put first"),
    ),
    Repair("both ail", Match(ailment=AILING), Match(ailment=AILING), ("put first", "put second")),
    *_either("ails", Match(ailment=AILING), ANY, ("put first",)),
    *_either(
        "one says that the other is behind",
        Match(level=("RemoteNotInSync",)),
        Match(level=("FullyInSync",), owned=True),
        ("sync second",),
        "the other side says that this one is behind",
    ),
    Repair("connected and in sync", ANY, ANY, ()),
)
