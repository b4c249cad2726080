"""Draws what Azure holds: a group on top, two below, and the peerings between their networks."""

from collections.abc import Collection, Sequence

from shared.domain.ids import normal_id
from tests.docs.scenes import Box, Card, GroupBox, Picture, Row
from tests.docs.svg import document, elbow, path, rect, text

WIDTH, EDGE, GAP, PAD = 1080, 24, 76, 12
WIDE = WIDTH - 2 * EDGE
NARROW = (WIDE - GAP) // 2
CARD = 92
LINE = 18
BETWEEN = 62  # rows of groups


type Place = tuple[float, float, float, float]
"""x, y, width and height."""


class Sheet:
    """What was drawn so far, and where each thing is, by its id."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.places: dict[str, Place] = {}

    def add(self, *parts: str) -> None:
        self.parts += parts

    def put(self, name: str, x: float, y: float, width: float, height: float) -> None:
        self.places[name.lower()] = (x, y, width, height)


def draw(picture: Picture) -> str:
    """The picture as SVG."""
    sheet = Sheet()
    sheet.add(text(EDGE, 34, picture.title, "title"))
    _legend(sheet, 34)
    y = 54.0
    if picture.aside:
        y = _aside(sheet, picture.aside, y) + 14
    y = _group(sheet, picture.top, EDGE, y, WIDE, below=(picture.left, picture.right)) + BETWEEN
    above = {normal_id(n.id) for n in picture.top.networks}
    ends = [
        _group(sheet, group, x, y, NARROW, above=above)
        for group, x in ((picture.left, EDGE), (picture.right, EDGE + NARROW + GAP))
    ]
    _arrows(sheet, picture, y - BETWEEN / 2)
    return document(WIDTH, int(max(ends)) + EDGE, picture.title, sheet.parts)


def _legend(sheet: Sheet, y: float) -> None:
    x = WIDTH - EDGE - 330
    sheet.add(rect(x, y - 11, 14, 14, "made", 3), text(x + 20, y, "made by Meshplane", "quiet"))
    sheet.add(
        rect(x + 150, y - 11, 14, 14, "box", 3), text(x + 170, y, "made by people, or by Azure", "quiet")
    )


def _aside(sheet: Sheet, group: GroupBox, y: float) -> float:
    """A group that nothing leads to, in one line."""
    said = [f"virtual network {n.name} {n.prefixes}: {_peerings(n)}" for n in group.networks]
    said += [
        f"{r.label}: {'not linked' if not r.inside else 'linked'}" for r in group.rows if "zone" in r.detail
    ]
    sheet.add(rect(EDGE, y, WIDE, 34, "group"), text(EDGE + PAD, y + 22, group.name, "name"))
    sheet.add(text(EDGE + 70, y + 22, " · ".join(said), "quiet"))
    return y + 34


def _peerings(network: Box) -> str:
    return f"{len(network.cards)} peerings" if network.cards else "no peering"


def _group(
    sheet: Sheet,
    group: GroupBox,
    x: float,
    y: float,
    width: float,
    *,
    below: Sequence[GroupBox] = (),
    above: Collection[str] = (),
) -> float:
    """Draws a group; the answer is where it ends. Its peerings lead to the groups `below`, or first to what is `above`.

    On top, its networks come last.
    """
    inner = Sheet()
    inner.add(
        text(x + PAD, y + 24, "resource group", "quiet"), text(x + PAD + 84, y + 24, group.name, "name")
    )
    if group.tag:
        wide, left = 6.7 * len(group.tag) + 14, x + PAD + 94 + 8 * len(group.name)
        inner.add(rect(left, y + 10, wide, 20, "tag", 10))
        inner.add(text(left + wide / 2, y + 24, group.tag, "mono middle"))
    down = y + 40
    if below:
        down = _side_by_side(inner, group.rows, x + PAD, down, width - 2 * PAD)
    for network in group.networks:
        down = _network(inner, network, x + PAD, down, width - 2 * PAD, below, above) + 10
    if not below:
        for row in group.rows:
            down = _row(inner, row, x + PAD, down, width - 2 * PAD) + 8
    end = down + 2
    sheet.add(rect(x, y, width, end - y, "group", 12), *inner.parts)
    sheet.places |= inner.places
    return end


def _side_by_side(sheet: Sheet, rows: Sequence[Row], x: float, y: float, width: float) -> float:
    if not rows:
        return y
    each = (width - 10 * (len(rows) - 1)) / len(rows)
    ends = [_row(sheet, row, x + number * (each + 10), y, each) for number, row in enumerate(rows)]
    return max(ends) + 10


def _network(
    sheet: Sheet,
    network: Box,
    x: float,
    y: float,
    width: float,
    below: Sequence[GroupBox],
    above: Collection[str],
) -> float:
    inner = Sheet()
    inner.add(
        text(x + PAD, y + 22, "virtual network", "quiet"), text(x + PAD + 88, y + 22, network.name, "name")
    )
    inner.add(text(x + width - PAD, y + 22, network.prefixes, "mono end"))
    inner.add(text(x + PAD, y + 38, network.note or " ", "quiet"))
    down = y + 48
    if below:
        for row in network.subnets:
            down = _row(inner, row, x + PAD, down, width - 2 * PAD) + 8
        down = _cards_down(inner, network.cards, down, below)
    else:
        for card in sorted(network.cards, key=lambda card: normal_id(card.remote) not in above):
            down = _card(inner, card, x + PAD, down, width - 2 * PAD) + 10
        for row in network.subnets:
            down = _row(inner, row, x + PAD, down, width - 2 * PAD) + 8
    if not network.cards:
        inner.add(text(x + PAD, down + 12, "no peering", "quiet"))
        down += 22
    end = down + 2
    sheet.add(rect(x, y, width, end - y, "made" if network.owned else "box", 10), *inner.parts)
    sheet.places |= inner.places
    return end


def _cards_down(sheet: Sheet, cards: Sequence[Card], y: float, below: Sequence[GroupBox]) -> float:
    """Each peering above the group that it leads to."""
    for number, group in enumerate(below):
        ids = {normal_id(n.id) for n in group.networks}
        x = EDGE + number * (NARROW + GAP) + 2 * PAD
        for card in cards:
            if normal_id(card.remote) in ids:
                _card(sheet, card, x, y, NARROW - 4 * PAD)
    return y + CARD + 10 if cards else y


def _card(sheet: Sheet, card: Card, x: float, y: float, width: float) -> float:
    sheet.put(f"{card.local}>{card.remote}", x, y, width, CARD)
    sheet.add(rect(x, y, width, CARD, "made" if card.owned else "box"))
    sheet.add(text(x + 10, y + 18, "peering", "quiet"), text(x + 58, y + 18, card.name, "mono"))
    sheet.add(text(x + 10, y + 36, card.state, "on" if card.state.startswith("Connected") else "off"))
    for number, (name, on) in enumerate(card.flags):
        left, down = x + 10 + number % 2 * (width / 2 - 4), y + 58 + number // 2 * 20
        sheet.add(text(left, down, "●" if on else "○", "on" if on else "off"))
        sheet.add(text(left + 16, down, f"{name}", "mono" if on else "mono off"))
    return y + CARD


def _height(row: Row) -> float:
    return _head(row) + sum(_height(r) + 6 for r in row.inside)


def _head(row: Row) -> float:
    return 44 if row.detail else 30


def _row(sheet: Sheet, row: Row, x: float, y: float, width: float) -> float:
    high = _height(row)
    sheet.put(row.id, x, y, width, _head(row))
    sheet.add(
        rect(x, y, width, high, "made" if row.owned else "box", 6), text(x + 10, y + 19, row.label, "mono")
    )
    if row.detail:
        sheet.add(text(x + 10, y + 36, row.detail, "quiet"))
    down = y + _head(row)
    for inside in row.inside:
        down = _row(sheet, inside, x + 8, down, width - 16) + 6
    return y + high


# --- what leads from one to another


def _arrows(sheet: Sheet, picture: Picture, between: float) -> None:
    groups = (picture.top, picture.left, picture.right)
    cards = [card for group in groups for network in group.networks for card in network.cards]
    for card in cards:
        here = sheet.places.get(f"{card.local}>{card.remote}".lower())
        there = sheet.places.get(f"{card.remote}>{card.local}".lower())
        if here and there:
            _peering(sheet, card, here, there, between)
    for number, line in enumerate(picture.lines):
        x, y, width, _ = sheet.places[line.start.lower()]
        to_x, to_y, _, _ = sheet.places[line.end.lower()]
        middle = x + width + (to_x - x - width) * (0.62 - 0.2 * number)
        sheet.add(path(elbow(x + width, y + 22, to_x - 2, to_y + 22, middle), "way"))


def _peering(sheet: Sheet, card: Card, here: Place, there: Place, between: float) -> None:
    """One arrow for each side; a closed one is broken. What passes is said at the height `between` the groups."""
    closed = not dict(card.flags)["allowVirtualNetworkAccess"]
    css, head = ("way closed", "shut") if closed else ("way", "head")
    x, y, width, height = here
    to_x, to_y, to_width, _ = there
    if abs(x - to_x) < 1:
        down = to_y > y
        middle = x + width * 0.74 + (-12 if down else 12)
        start, end = (y + height, to_y - 2) if down else (y, to_y + CARD + 2)
        sheet.add(path(f"M{middle:g} {start:g} V{end:g}", css, head))
        if down:
            said = "nothing passes but what is let through by name" if closed else "traffic passes"
            sheet.add(text(middle - 10, between + 4, said, "quiet end"))
        return
    right = to_x > x
    start, end = (x + width, to_x - 2) if right else (x, to_x + to_width + 2)
    level = y + height / 2 + (-10 if right else 10)
    sheet.add(path(f"M{start:g} {level:g} H{end:g}", css, head))
