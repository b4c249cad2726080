"""Named queries: what their files say of them, and values that become literals and nothing else."""

from pathlib import Path

import duckdb_kql
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.errors import NotFound, Terminal
from shared.ports.telemetry import LogTable
from shared.telemetry.log_queries import LogQueries
from shared.telemetry.queries import parse_query
from tests.fakes.logs import InMemoryLogs

TEXT = """// What it answers.
//
// More of it.
let _hours = 24; // how many hours back, 1 to 720
let _share = 0.5; // which share, 0 to 1
let _node = ''; // only this node
Table
| where Node == _node // let _node = 'x'; // no parameter
"""
QUERY = parse_query("example", TEXT)
FOLDER = Path(__file__).resolve().parents[3] / "infra" / "queries"


def test_a_file_tells_what_it_answers_and_which_parameters_it_takes() -> None:
    assert (QUERY.name, QUERY.about) == ("example", "What it answers.")
    assert [(p.name, p.kind, p.default, p.least, p.most) for p in QUERY.parameters] == [
        ("hours", "whole number", "24", 1.0, 720.0),
        ("share", "number", "0.5", 0.0, 1.0),
        ("node", "text", "", None, None),
    ]
    assert QUERY.parameters[0].about == "how many hours back, 1 to 720"


def test_only_the_literals_of_parameters_are_replaced() -> None:
    filled = QUERY.filled({"hours": "2", "node": "a'b\\", "share": "1"})
    changed = TEXT.replace("= 24;", "= 2;").replace("= 0.5;", "= 1.0;")
    assert filled == changed.replace("let _node = '';", r"let _node = 'a\'b\\';", 1)
    assert QUERY.filled({}) == TEXT


def test_the_time_looked_at_is_the_parameter_hours() -> None:
    assert QUERY.hours({}) == 24
    assert QUERY.hours({"hours": "3"}) == 3
    assert parse_query("other", "// Says.\nTable\n").hours({}) == 24


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("hours", "0", "ParameterInvalid"),
        ("hours", "721", "ParameterInvalid"),
        ("hours", "1.5", "ParameterInvalid"),
        ("hours", "1e2", "ParameterInvalid"),
        ("hours", "-1", "ParameterInvalid"),
        ("hours", "٣", "ParameterInvalid"),
        ("hours", "1; Table", "ParameterInvalid"),
        ("hours", "", "ParameterInvalid"),
        ("share", "1.1", "ParameterInvalid"),
        ("share", "nan", "ParameterInvalid"),
        ("node", "x" * 201, "ParameterInvalid"),
        ("node", "a\nb", "ParameterInvalid"),
        ("node", "a\x00b", "ParameterInvalid"),
        ("node", "a\u2028b", "ParameterInvalid"),
        ("_node", "a", "ParameterUnknown"),
        ("kql", "Table", "ParameterUnknown"),
    ],
)
def test_a_value_that_is_not_what_it_should_be_is_refused(name: str, value: str, reason: str) -> None:
    with pytest.raises(Terminal) as refused:
        QUERY.filled({name: value})
    assert refused.value.reason == reason


@settings(deadline=None, max_examples=40)  # how long the engine takes is not what is shown
@given(st.text(st.sampled_from("'\"\\;|/*- {}") | st.characters(exclude_categories=("C", "Z")), max_size=40))
def test_any_text_stays_one_literal(value: str) -> None:
    """The engine prints exactly what was given: nothing of it was taken for KQL."""
    query = parse_query("print", "// Prints.\nlet _text = ''; // a text\nprint Answer = _text\n")
    with duckdb_kql.connect() as connection:
        assert duckdb_kql.kql(connection, query.filled({"text": value})).fetchall() == [(value,)]


@pytest.mark.parametrize(
    "text",
    ["Table\n", "// Says.\nlet _hours = 24;\n", "// Says.\nlet _when = now(); // a time\n", ""],
)
def test_a_file_that_is_not_as_it_should_be_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_query("wrong", text)


async def test_a_query_asks_for_one_row_more_than_it_shows() -> None:
    store = InMemoryLogs(LogTable((("Node", "string"),), (("a",), ("b",), ("c",)), "cut"))
    queries = LogQueries(store, FOLDER)
    table, more = await queries.run("errors", {"hours": "5"}, most=2)
    assert (table.rows, table.partial, more) == ((("a",), ("b",)), "cut", True)
    [(kql, hours)] = store.asked
    assert kql.endswith("| take 3\n")
    assert "let _hours = 5;" in kql
    assert hours == 5


async def test_there_is_no_query_but_the_named_ones() -> None:
    queries = LogQueries(InMemoryLogs(), FOLDER)
    for name in ("nothing", "", "../queries/errors", "errors.kql"):
        with pytest.raises(NotFound, match="there are alert-history, coverage"):
            await queries.run(name, {}, most=1)


def test_each_query_of_the_repository_takes_hours_and_a_node() -> None:
    queries = LogQueries(InMemoryLogs(), FOLDER).all()
    assert set(queries) == {file.stem for file in FOLDER.glob("*.kql")}
    for query in queries.values():
        assert {"hours", "node"} <= {p.name for p in query.parameters}, query.name
        assert query.about.endswith(".")
