"""The tables of the documentation that are made out of the product's own, each between two marks of its page."""

from collections.abc import Iterable
from http import HTTPStatus
from pathlib import Path

import msgspec

from functions.answers import _BY_REASON
from functions.api import TABLES
from shared.domain.cost import Rates, cost_of
from shared.domain.exposure import EXPOSED
from shared.reconcile.edges.planner import ORDER
from shared.reconcile.repairs import AILMENTS, REPAIRS, AilmentRow, Match, Repair
from tests.docs.commands import commands
from tests.docs.library import library, recorded
from tests.docs.parameters import deployment_tables
from tests.docs.queries import queries
from tests.docs.reference import metric_rows, storage_rows
from tests.docs.rights import rights

_SWAPPED = " (the other way round)"
_RATES = Path(__file__).resolve().parents[2] / "shared/domain/rates.toml"
_VOLUMES = (10.0, 100.0, 1_000.0, 10_000.0)


def tables() -> dict[str, dict[str, str]]:
    """By page, and by the name of its mark."""
    return {
        "healing.md": {"ailments": ailments(), "repairs": repairs()},
        "cost.md": {"examples": costs()},
        "http-api.md": {"routes": routes(), "codes": codes()},
        "rules.md": {"library": library()},
        "queries.md": {"queries": queries()},
        "cli.md": {"commands": commands()},
        "governance.md": {"exposed": exposed()},
        "deploy.md": deployment_tables(),
        "rights.md": rights(),
        "reference.md": {
            "tables": markdown(("table", "what lies in it"), storage_rows()),
            "metrics": markdown(("metric", "kind", "unit", "what"), metric_rows()),
        },
    }


def recorded_tables() -> dict[str, dict[str, str]]:
    """Those that are made out of recorded telemetry, where it lies beside the repository."""
    return {"samples.md": {"samples": recorded()}}


def filled(page: str, contents: dict[str, str]) -> str:
    """The page with what belongs between its marks. Raises ValueError where it lacks one."""
    for name, content in contents.items():
        start, end = f"<!-- {name}: made by python -m tests.docs -->\n", f"<!-- end of {name} -->"
        page = page[: page.index(start) + len(start)] + content + page[page.index(end) :]
    return page


def markdown(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table."""
    names = list(head)
    lines = [names, ["---"] * len(names), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def ailments() -> str:
    """What is wrong with one side by itself."""
    head = ("ailment", "`provisioningState`", "whose", "flags", "`peeringSyncLevel`")
    return markdown(head, (_ailment(row) for row in AILMENTS))


def _ailment(row: AilmentRow) -> list[str]:
    whose = {None: "", True: "ours", False: "foreign"}[row.owned]
    flags = {None: "", True: "differ", False: "as wanted"}[row.flags_differ]
    what = f"**{row.ailment}**" + (f": {row.why}" if row.why else "")
    return [what, _any_of(row.provisioning), whose, flags, _any_of(row.level)]


def repairs() -> str:
    """What mends a pair; rows that hold either way round are one."""
    head = ("", "the pair", "first side", "second side", "what is done, in order")
    swapped = {row.name.removesuffix(_SWAPPED) for row in REPAIRS if row.name.endswith(_SWAPPED)}
    rows = [row for row in REPAIRS if not row.name.endswith(_SWAPPED)]
    return markdown(
        head, ([str(n), *_repair(row, either=row.name in swapped)] for n, row in enumerate(rows, 1))
    )


def _repair(row: Repair, *, either: bool) -> list[str]:
    name = f"{row.name} ⇄" if either else row.name
    return [name, _match(row.first), _match(row.second), ", ".join(row.actions) or "nothing"]


def _match(match: Match) -> str:
    whose = {None: "", True: "ours", False: "foreign"}[match.owned]
    gateway = {"wanted": "is to borrow the gateway", "leaving": "is to stop borrowing", "": ""}
    words = [
        _any_of(match.state),
        whose,
        _any_of(match.ailment),
        _any_of(match.level),
        _any_of(gateway[g] for g in match.gateway),
    ]
    return ", ".join(w for w in words if w) or "any"


def exposed() -> str:
    """Each type that is judged by its public network access, and where it tells."""
    head = ("type", "api-version", "switch", "firewall", "left out")
    rows = [
        [
            f"`{kind.name}`",
            kind.version,
            f"`{'.'.join(kind.switch)}`",
            f"`{'.'.join(kind.firewall)}`" if kind.firewall else "",
            kind.silent,
        ]
        for kind in EXPOSED.values()
    ]
    return markdown(head, rows)


def costs() -> str:
    """What each way costs in a month, by volume: within one region, and from a region of zone 2 to one of zone 1."""
    rates = msgspec.toml.decode(_RATES.read_bytes(), type=Rates)
    ways = (("in one region", "westeurope"), ("from `eastasia`", "eastasia"))
    head = ["carried by", *(f"{gb:,.0f} GB, {where}" for where, _ in ways for gb in _VOLUMES)]
    rows = [
        [
            exposure,
            *(
                f"{cost_of(exposure, gb, 'westeurope', there, rates).monthly:,.2f}"
                for _, there in ways
                for gb in _VOLUMES
            ),
        ]
        for exposure in ORDER
    ]
    return markdown(head, rows)


def routes() -> str:
    """Every route, with the least role that it asks for and the statuses of errors that are its own."""
    head = ("", "at least", "", "problems")
    rows = [
        [
            f"`{route.method} /api/{route.path}`",
            route.role,
            str(route.handler.__doc__).partition("\n")[0],
            ", ".join(str(s.value) for s in route.problems),
        ]
        for table in TABLES
        for route in table.table
    ]
    return markdown(head, rows)


def codes() -> str:
    """What the `code` of a problem may be, by status."""
    by_status: dict[HTTPStatus, list[str]] = {}
    for reason, status in _BY_REASON.items():
        by_status.setdefault(status, []).append(f"`{reason}`")
    rows = [
        [f"{status.value} {status.phrase}", ", ".join(sorted(by_status[status]))]
        for status in sorted(by_status)
    ]
    return markdown(("status", "`code`"), rows)


def _any_of(values: Iterable[str]) -> str:
    *first, last = [*values] or [""]
    return f"{', '.join(first)} or {last}" if first else last
