"""The workbook and the portal dashboard, as they would be deployed: whole, and made of the named queries alone."""

import json
import re
from collections.abc import Iterator

import pytest

from shared.telemetry.queries import parse_query
from tests.infra.reader.evaluate import Evaluator, Value, as_value
from tests.infra.reader.expressions import Object, Text, every
from tests.infra.sources import INFRA, ROOT, bicep
from tests.queries.parser import files, parsed

WORKSPACE = "/subscriptions/s/resourceGroups/mesh/providers/Microsoft.OperationalInsights/workspaces/logs"
SYMBOLS: dict[str, Value] = {
    "name": "mesh",
    "location": "westeurope",
    "tags": {"owner": "platform"},
    "workspaceId": WORKSPACE,
    "workbookId": "/subscriptions/s/resourceGroups/mesh/providers/Microsoft.Insights/workbooks/w",
    "portal": "https://portal.azure.com",
}
REFERENCE = re.compile(r"\{([A-Za-z]+)(?::[A-Za-z]+)?\}")
PAGES = ["overview", "node", "alerts", "coverage", "network"]
CHOSEN = {"{TimeRange:startISO}": "2026-01-05T00:00:00Z", "{Node}": "node/s/sales"}

type Json = dict[str, Value]


def objects(value: Value) -> Iterator[Json]:
    """Every object in a document."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(inner)


@pytest.fixture(scope="module")
def workbook() -> Json:
    file = bicep("dashboards/workbook.bicep")
    document = file.resources["workbook"].body.get("properties", "serializedData")
    assert document is not None
    made = as_value(json.loads(str(Evaluator(file, SYMBOLS).value(document))))
    assert isinstance(made, dict)
    return made


@pytest.fixture(scope="module")
def dashboard() -> Json:
    file = bicep("dashboards/portal.bicep")
    properties = file.resources["dashboard"].body.get("properties")
    assert isinstance(properties, Object)
    made = Evaluator(file, SYMBOLS).value(properties)
    assert isinstance(made, dict)
    return made


def in_page(workbook: Json, page: str) -> list[Json]:
    [group] = [o for o in objects(workbook) if o.get("type") == 12 and o.get("name") == page]
    return [o["content"] for o in objects(group) if o.get("type") == 3 and isinstance(o["content"], dict)]


def bound_queries(workbook: Json) -> dict[str, str]:
    """The text of every query of the workbook, under where it stands."""
    found = {f"{page}: {item['title']}": item for page in PAGES for item in in_page(workbook, page)}
    picked = {str(o["name"]): o for o in objects(workbook) if "query" in o and "name" in o}
    return {name: str(item["query"]) for name, item in (found | picked).items()}


def unbound(text: str) -> str:
    """A query whose parameters are told to be anything."""
    return re.sub(r"^(let _[a-z_]+ = )[^;]+;", r"\1…;", text, flags=re.MULTILINE)


def test_the_workbook_has_the_pages_and_each_leads_somewhere(workbook: Json) -> None:
    links = [o for o in objects(workbook) if o.get("linkTarget") == "parameter"]
    assert [o["subTarget"] for o in links] == PAGES
    assert all(in_page(workbook, page) for page in PAGES)
    names = [str(o["name"]) for o in objects(workbook) if "type" in o and "content" in o]
    assert len(names) == len(set(names)), "the portal wants a name for each item"


def test_no_query_is_a_copy(workbook: Json, dashboard: Json) -> None:
    """Each is a file of infra/queries but for its parameters; the dashboard's are the files as they stand."""
    known = {unbound(text) for text in files().values()}
    shown = bound_queries(workbook)
    assert len(shown) == 21
    assert [name for name, text in shown.items() if unbound(text) not in known] == []
    asked = [o["value"] for o in objects(dashboard) if o.get("name") == "Query"]
    assert len(asked) == 6
    assert set(asked) <= set(files().values())


@pytest.mark.parametrize("path", ["dashboards/workbook.bicep", "dashboards/portal.bicep"])
def test_no_query_is_written_in_bicep(path: str) -> None:
    """Of KQL's operators and tables no text in the files speaks."""
    texts = [p for v in bicep(path).values() for e in every(v) if isinstance(e, Text) for p in e.parts]
    assert [t for t in texts if isinstance(t, str) and re.search(r"\||\bwhere\b|summarize", t)] == []


def test_every_parameter_that_is_referred_to_is_there_and_bound(workbook: Json) -> None:
    """`{TimeRange}` bounds every query, `{Node}` those of a node; nothing else is between braces."""
    defined = {str(p["name"]) for o in objects(workbook) for p in _parameters(o)}
    assert defined == {"TimeRange", "Workspace", "Page", "Node"}
    assert set(REFERENCE.findall(json.dumps(workbook))) <= defined
    for name, text in bound_queries(workbook).items():
        wanted = {"TimeRange", "Node"} if name.startswith("node:") else {"TimeRange"}
        assert set(REFERENCE.findall(text)) == wanted, name


def test_what_people_chose_replaces_a_parameter_that_the_query_has(workbook: Json) -> None:
    """The workbook binds `let` lines by their names: one that was renamed in its file would not be found."""
    for text in bound_queries(workbook).values():
        lines = [line for line in text.splitlines() if "{" in line and "let _" in line]
        assert lines
        assert all(re.fullmatch(r"let _(hours|node) = [^;]+; // .+", line) for line in lines)


def test_every_query_is_kusto_with_what_people_chose(workbook: Json) -> None:
    """Read by Microsoft's own parser, with the tables' documented columns."""
    filled = {name: _chosen(text) for name, text in bound_queries(workbook).items()}
    assert {n: found for n, found in parsed(filled)["diagnostics"].items() if found} == {}


def test_items_wait_for_their_page_and_ask_the_chosen_workspaces(workbook: Json) -> None:
    items = [o for page in PAGES for o in in_page(workbook, page)]
    assert {str(o["crossComponentResources"]) for o in items} == {"['{Workspace}']"}
    assert {o["timeContextFromParameter"] for o in items} == {"TimeRange"}
    hidden = [o["conditionalVisibility"] for o in objects(workbook) if "conditionalVisibility" in o]
    assert sorted(str(h["value"]) for h in hidden if isinstance(h, dict)) == sorted([*PAGES, "node"])


def test_tiles_of_the_dashboard_do_not_lie_upon_each_other(dashboard: Json) -> None:
    taken: list[tuple[int, int]] = []
    for place in (o["position"] for o in objects(dashboard) if "position" in o):
        assert isinstance(place, dict)
        x, y, wide, high = (int(str(place[k])) for k in ("x", "y", "colSpan", "rowSpan"))
        taken += [(column, row) for column in range(x, x + wide) for row in range(y, y + high)]
    assert len(taken) == len(set(taken)) == 18 * 13


def test_every_named_query_is_shown_somewhere(workbook: Json) -> None:
    shown = {unbound(text) for text in bound_queries(workbook).values()}
    assert [name for name, text in files().items() if unbound(text) not in shown] == []
    assert (INFRA / "dashboards").is_dir()


def test_the_page_shows_what_the_workbook_and_the_dashboard_show(workbook: Json, dashboard: Json) -> None:
    text = (ROOT / "docs/dashboards.md").read_text()
    rows = re.findall(r"^\| (Mesh|Node|Alerts|Telemetry coverage|Network) \| (.+) \|$", text, re.MULTILINE)
    told = [set(re.findall(r"`([a-z-]+)`", cells)) for _, cells in rows]
    files_of = {unbound(query): name.removesuffix(".kql") for name, query in files().items()}
    shown = [{files_of[unbound(str(i["query"]))] for i in in_page(workbook, page)} for page in PAGES]
    shown[PAGES.index("node")].add("nodes")
    assert told == shown
    paragraph = text.partition("**The dashboard**")[2].partition("\n\n")[0]
    tiles = {files_of[unbound(str(o["value"]))] for o in objects(dashboard) if o.get("name") == "Query"}
    assert set(re.findall(r"`([a-z-]+)`", paragraph)) == tiles


def test_files_without_a_parameter_that_is_bound_would_be_noticed() -> None:
    """The evaluator does what Resource Manager does: `[1]` of a text that was not split fails."""
    file = bicep("dashboards/workbook.bicep")
    bound = file.functions["bound"].value
    query = parse_query("errors", files()["errors.kql"])
    evaluator = Evaluator(file, SYMBOLS)
    local: dict[str, Value] = {"query": query.text, "parameter": "hours", "literal": "6"}
    assert evaluator.value(bound.body, local) == query.filled({"hours": "6"})
    with pytest.raises(IndexError):
        evaluator.value(bound.body, {**local, "parameter": "days"})


def _parameters(item: Json) -> list[Json]:
    found = item.get("parameters")
    return [p for p in found if isinstance(p, dict)] if isinstance(found, list) else []


def _chosen(text: str) -> str:
    for reference, value in CHOSEN.items():
        text = text.replace(reference, value)
    return text
