"""Microsoft's parser takes every query, finds every column, and reads each literal as it was meant."""

from collections.abc import Mapping

import duckdb_kql
import pytest

from shared.telemetry.queries import NamedQuery, parse_query
from tests.queries.parser import files, parsed

HOSTILE = (
    "node/b0000000-0000-4000-8000-000000000001/sales",
    "' or 1 == 1 or '",
    "\\",
    "\\' | take 1 //",
    "it's \\n not a line",
    '"; .drop table AzureDiagnostics; //',
    "`~#${}[]()|&<>",
    "группа-größe-群-🙂",
    "\\u0041\\x41",
)


@pytest.fixture(scope="module")
def read() -> Mapping[str, Mapping[str, list[str]]]:
    """All files, each with its parameters filled, a wrong query, and literals of texts, in one run of the parser."""
    queries = files()
    filled = {f"{name} filled": named(name).filled(_values(named(name))) for name in queries}
    literals = {f"literal {text}": _printing(text) for text in HOSTILE}
    wrong = {"wrong": "AzureDiagnostics | where Nope == 1", "broken": "AzureDiagnostics | projec Level"}
    return parsed({**queries, **filled, **literals, **wrong})


def named(file: str) -> NamedQuery:
    return parse_query(file.removesuffix(".kql"), files()[file])


def test_every_query_is_read_without_a_word(read: Mapping[str, Mapping[str, list[str]]]) -> None:
    """As it stands, and with every parameter replaced."""
    names = [name for name in read["diagnostics"] if ".kql" in name]
    assert len(names) == 2 * len(files()) >= 20
    assert {name: read["diagnostics"][name] for name in names if read["diagnostics"][name]} == {}


def test_the_parser_does_find_a_wrong_column_and_a_wrong_operator(
    read: Mapping[str, Mapping[str, list[str]]],
) -> None:
    assert "Nope" in read["diagnostics"]["wrong"][0]
    assert "Query operator expected" in " ".join(read["diagnostics"]["broken"])


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_gets_out_of_its_literal(read: Mapping[str, Mapping[str, list[str]]], text: str) -> None:
    """Both engines read back exactly what the caller sent, and nothing else."""
    assert read["diagnostics"][f"literal {text}"] == []
    assert read["texts"][f"literal {text}"] == [text]
    with duckdb_kql.connect() as connection:
        assert duckdb_kql.kql(connection, _printing(text)).fetchall() == [(text,)]


@pytest.mark.parametrize("name", sorted(files()))
def test_no_query_needs_what_the_local_engine_lacks(name: str) -> None:
    assert "make-series" not in files()[name]


def _printing(text: str) -> str:
    query = parse_query("print", "// Prints a text.\nlet _text = ''; // a text\nprint Answer = _text\n")
    return query.filled({"text": text})


def _values(query: NamedQuery) -> dict[str, str]:
    return {p.name: "it's" if p.kind == "text" else str(int(p.most or 1)) for p in query.parameters}
