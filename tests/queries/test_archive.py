"""The definition of the archive's external tables, and what is asked of them, as Microsoft's parser reads them."""

import re
from collections.abc import Mapping
from datetime import datetime

import pytest

from tests.queries.parser import ROOT, parsed

TEXT = (ROOT / "infra/archive/external-tables.kql").read_text("utf-8")
PAGE = (ROOT / "docs/archive.md").read_text("utf-8")
COMMAND = re.compile(
    r"^\.create-or-alter external table (?P<name>\w+) \((?P<columns>.*?)^\)$.*?^partition by \((?P<parts>[^)]*)\)"
    r".*?^pathformat = \((?P<path>.*?)\)$",
    re.MULTILINE | re.DOTALL,
)


def statements() -> list[str]:
    """Commands and queries, each with its comment."""
    blocks = TEXT.split("\n\n")
    return [b for b in blocks if not all(line.startswith("//") for line in b.strip().splitlines())]


def external_tables() -> Mapping[str, Mapping[str, str]]:
    """The tables that the commands define: columns of the records, and those that come from the path."""
    return {
        found["name"]: dict(
            re.findall(r"\[?'?(\w+)'?\]?\s*:\s*(\w+)", f"{found['columns']}, {found['parts']}")
        )
        for found in COMMAND.finditer(TEXT)
    }


def test_every_command_and_query_of_the_archive_is_read_without_a_word() -> None:
    tables = external_tables()
    assert sorted(tables) == ["ArchivedChildren", "ArchivedResources"]
    queries = {str(number): text for number, text in enumerate(statements())}
    wrong = {"wrong": "external_table('ArchivedResources') | where Nope == 1"}
    read = parsed({**queries, **wrong}, tables)["diagnostics"]
    assert {name: read[name] for name in queries} == {name: [] for name in queries}
    assert len(queries) == 4
    assert "Nope" in read["wrong"][0]


@pytest.mark.parametrize(
    ("table", "blob"),
    [
        (
            "ArchivedResources",
            "resourceId=/SUBSCRIPTIONS/B0000000/RESOURCEGROUPS/SALES/PROVIDERS/MICROSOFT.KEYVAULT/VAULTS/SECRETS"
            "/y=2026/m=01/d=05/h=08/m=00/PT1H.json",
        ),
        (
            "ArchivedChildren",
            "resourceId=/SUBSCRIPTIONS/B0000000/RESOURCEGROUPS/SALES/PROVIDERS/MICROSOFT.SQL/SERVERS/S/DATABASES/D"
            "/y=2026/m=01/d=05/h=08/m=00/PT1H.json",
        ),
    ],
)
def test_the_paths_that_azure_monitor_writes_fit_their_table(table: str, blob: str) -> None:
    """Each part of the path fills a column; the last folder is the hour that the records came in."""
    [found] = [f for f in COMMAND.finditer(TEXT) if f["name"] == table]
    literal, columns = "", re.findall(r'"([^"]*)"|datetime_pattern\(|(\w+)', found["path"])
    for text, column in columns:
        if column == "Received":
            continue
        literal += f"(?P<{column}>[^/]+)" if column else re.escape(_without_clock(text))
    fits = re.fullmatch(rf"{literal}(?P<clock>.*)/PT1H\.json", blob)
    assert fits is not None, literal
    assert datetime.strptime(f"{fits['clock']} +0000", "y=%Y/m=%m/d=%d/h=%H/m=%M %z").hour == 8
    assert fits["ResourceGroup"] == "SALES"


def _without_clock(text: str) -> str:
    return "" if "yyyy" in text else text


def test_the_page_shows_the_path_and_names_both_tables() -> None:
    assert "y=2026/m=01/d=05/h=08/m=00/PT1H.json" in PAGE
    assert all(name in PAGE for name in external_tables())


def test_nothing_of_people_is_among_the_columns() -> None:
    columns = {column.lower() for table in external_tables().values() for column in table}
    assert not columns & {"identity", "calleripaddress", "claims", "caller"}
