"""Draws the states of an edge: what leads where comes from the table, only the places are given here."""

from itertools import groupby

from shared.domain.edge import EdgeState
from shared.domain.edge_states import TRANSITIONS, Command
from tests.docs.svg import document, path, rect, text

WIDTH, HEIGHT = 1090, 500
WIDE, HIGH = 124, 46
MAIN, ABOVE, BELOW, BUS = 236, 96, 404, 326

PLACES: dict[EdgeState, tuple[int, int]] = {
    "Requested": (86, MAIN),
    "PendingApproval": (266, MAIN),
    "Approved": (446, MAIN),
    "Provisioning": (626, MAIN),
    "Active": (812, MAIN),
    "Expiring": (996, MAIN),
    "Rejected": (266, ABOVE),
    "Failed": (728, ABOVE),
    "Revoking": (536, BELOW),
    "Revoked": (756, BELOW),
}
TO_THE_BUS: tuple[EdgeState, ...] = (
    "Requested",
    "PendingApproval",
    "Approved",
    "Provisioning",
    "Active",
    "Expiring",
)
TOP, BOTTOM = MAIN - HIGH // 2, MAIN + HIGH // 2
BAD, QUIET = ("way bad", "sting"), ("plain", "tip")

type Way = tuple[str, int, int, str]
"""The path, where its commands are written, and on which side of that place."""

WAYS: dict[tuple[EdgeState, EdgeState], Way] = {
    ("Requested", "PendingApproval"): (f"M148 {MAIN} H202", 175, MAIN - 7, "middle"),
    ("PendingApproval", "Approved"): (f"M328 {MAIN} H382", 355, MAIN - 7, "middle"),
    ("Requested", "Approved"): (
        f"M112 {TOP} V178 Q112 170 120 170 H412 Q420 170 420 178 V{TOP - 2}",
        340,
        164,
        "",
    ),
    ("Requested", "Rejected"): (f"M70 {TOP} V104 Q70 96 78 96 H202", 120, 89, ""),
    ("PendingApproval", "Rejected"): (f"M266 {TOP} V121", 272, 150, ""),
    ("Approved", "Provisioning"): (f"M508 {MAIN} H562", 535, MAIN - 7, "middle"),
    ("Approved", "Failed"): (f"M446 {TOP} V104 Q446 96 454 96 H664", 480, 89, ""),
    ("Provisioning", "Failed"): (f"M684 {TOP} V121", 690, 190, ""),
    ("Failed", "Provisioning"): (f"M670 119 V{TOP - 2}", 664, 160, "end"),
    ("Provisioning", "Active"): (f"M688 {MAIN - 9} H748", 718, MAIN - 15, "middle"),
    ("Active", "Provisioning"): (f"M750 {MAIN + 9} H690", 719, MAIN + 23, "middle"),
    ("Active", "Expiring"): (f"M874 {MAIN - 9} H932", 904, MAIN - 15, "middle"),
    ("Expiring", "Active"): (f"M934 {MAIN + 9} H876", 904, MAIN + 23, "middle"),
    ("Active", "Failed"): (f"M812 {TOP} V114 Q812 106 804 106 H792", 818, 190, ""),
    ("Expiring", "Failed"): (f"M996 {TOP} V94 Q996 86 988 86 H792", 960, 79, "end"),
    ("Expiring", "Provisioning"): (
        f"M970 {BOTTOM} V284 Q970 292 962 292 H654 Q646 292 646 284 V{BOTTOM + 2}",
        890,
        287,
        "",
    ),
    ("Failed", "Revoking"): (
        f"M728 73 V60 Q728 52 736 52 H1066 Q1074 52 1074 60 V{BUS - 8} Q1074 {BUS} 1066 {BUS}",
        880,
        45,
        "",
    ),
    ("Revoking", "Revoked"): (f"M598 {BELOW - 9} H692", 645, BELOW - 15, "middle"),
    ("Revoked", "Revoking"): (f"M694 {BELOW + 9} H600", 645, BELOW + 23, "middle"),
}


def draw_states() -> str:
    """The diagram as SVG. Raises KeyError where the table leads somewhere that no way is drawn to."""
    parts = [text(24, 32, "The states of an edge", "title")]
    pairs = sorted(TRANSITIONS.items(), key=lambda item: (item[0][0], item[1]))
    loops: dict[EdgeState, str] = {}
    again: list[EdgeState] = []
    for (start, end), found in groupby(pairs, key=lambda item: (item[0][0], item[1])):
        commands: list[Command] = [command for (_, command), _ in found]
        words = ", ".join(commands)
        if (start, end) == ("PendingApproval", "Provisioning"):
            parts.append(
                text(24, HEIGHT - 10, f"{words} leads from PendingApproval to Provisioning", "quiet")
            )
        elif end == "PendingApproval" and start != "Requested":
            again.append(start)
        elif start == end:
            loops[start] = f"↺ {words}"
        elif end == "Revoking" and start in TO_THE_BUS:
            parts += _stub(start, words)
        else:
            parts += _way(WAYS[start, end], words, end, start)
    parts.append(text(24, HEIGHT - 30, f"ask leads back from {', '.join(again)} as well", "quiet"))
    parts += [_bus(), *(part for state in PLACES for part in _state(state, loops.get(state, "")))]
    return document(
        WIDTH, HEIGHT, "The states of an edge, and the commands that lead from one to another", parts
    )


def _way(way: Way, words: str, end: EdgeState, start: EdgeState) -> list[str]:
    points, x, y, anchor = way
    css, head = BAD if end in ("Failed", "Rejected") else QUIET
    if (start, end) == ("Failed", "Revoking"):
        return [f'<path class="{css}" d="{points}"/>', text(x, y, words, "quiet")]
    return [path(points, css, head), text(x, y, words, f"quiet halo {anchor}")]


def _stub(state: EdgeState, words: str) -> list[str]:
    x = PLACES[state][0]
    line = f'<path class="plain" d="M{x} {BOTTOM} V{BUS}"/>'
    return [line, text(x + 6, BUS - 8, words, "quiet halo")]


def _bus() -> str:
    first, last = PLACES[TO_THE_BUS[0]][0], 1066
    line = f'<path class="plain" d="M{first} {BUS} H{last}"/>'
    return line + path(f"M{PLACES['Revoking'][0]} {BUS} V{BELOW - HIGH // 2 - 2}", *QUIET)


def _state(state: EdgeState, loop: str) -> list[str]:
    x, y = PLACES[state]
    css = "made" if state in ("Active", "Expiring") else "box"
    name = text(x, y - 2 if loop else y + 5, state, "middle")
    words = [text(x, y + 14, loop, "quiet middle")] if loop else []
    return [rect(x - WIDE / 2, y - HIGH / 2, WIDE, HIGH, css), name, *words]
