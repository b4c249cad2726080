"""Alerts about Meshplane itself ask for what the app really says, in Kusto that Azure takes."""

import re
from collections.abc import Mapping

import pytest

from tests.infra.deployment import module
from tests.infra.reader.evaluate import Evaluator, Value
from tests.infra.sources import INFRA, ROOT, bicep
from tests.queries.parser import parsed

COMMON = {"TimeGenerated": "datetime", "AppRoleName": "string", "OperationName": "string", "ItemCount": "int"}
TABLES = {
    "AppTraces": {**COMMON, "Message": "string", "SeverityLevel": "int", "Properties": "dynamic"},
    "AppRequests": {
        **COMMON,
        "Name": "string",
        "Success": "bool",
        "ResultCode": "string",
        "DurationMs": "real",
    },
}
"""Of Azure Monitor's table reference, what the queries may ask."""
FILES = {p.stem: p.read_text() for p in sorted((INFRA / "alerts").glob("*.kql"))}


@pytest.fixture(scope="module")
def rules() -> list[dict[str, Value]]:
    """The rules as they are deployed, and the query of each."""
    file = bicep("modules/alerts.bicep")
    made = Evaluator(file, {**_symbols(), "functionAppName": "func"}).symbol("logRules")
    assert isinstance(made, list)
    return [rule for rule in made if isinstance(rule, dict)]


@pytest.fixture(scope="module")
def read(rules: list[dict[str, Value]]) -> Mapping[str, Mapping[str, list[str]]]:
    """Every query with its placeholders filled, and one that is wrong, in one run of the parser."""
    filled = {str(r["name"]): str(r["query"]).replace("{{app}}", "func") for r in rules}
    return parsed({**filled, "wrong": "AppTraces | where Nope == 1"}, tables=TABLES)


def test_every_query_is_kusto_without_placeholders_left(
    rules: list[dict[str, Value]], read: Mapping[str, Mapping[str, list[str]]]
) -> None:
    assert sorted(FILES) == sorted(str(r["name"]) for r in rules)
    assert "Nope" in read["diagnostics"]["wrong"][0]
    assert {n: found for n, found in read["diagnostics"].items() if found and n != "wrong"} == {}
    assert [r["name"] for r in rules if "{{" in str(r["query"]).replace("{{app}}", "")] == []


def test_the_words_that_alerts_wait_for_are_in_the_app(read: Mapping[str, Mapping[str, list[str]]]) -> None:
    """Log lines, and the names of functions that requests are told under."""
    source = "\n".join(p.read_text() for r in ("functions", "shared") for p in (ROOT / r).rglob("*.py"))
    lines = [_shown(line) for line in re.findall(r'log\.\w+\(\s*"([^"]+)"', source)]
    functions = re.findall(r'function_name\("(\w+)"\)', source)
    asked = {text for name, texts in read["texts"].items() if name != "wrong" for text in texts} - {"func"}
    unsaid = [text for text in asked if text not in functions and not any(_found(text, li) for li in lines)]
    assert sorted(unsaid) == ["AnotherOperation"], "the code of an error, which Azure says"


def test_a_line_that_the_app_does_not_say_would_be_noticed() -> None:
    assert _found("keys are overdue for more than ", _shown("keys are overdue for more than %d s"))
    assert _found(r"^\d+ records: \d+ alerts$", _shown("%d records: %d alerts"))
    assert not _found("keys are late by ", _shown("keys are overdue for more than %d s"))
    assert not _found(r"^\d+ records: \d+ alarms$", _shown("%d records: %d alerts"))


def _shown(line: str) -> str:
    """A log line with something in its places."""
    return line.replace("%d", "7").replace("%s", "x")


def _found(asked: str, line: str) -> bool:
    """Whether a text of a query, a regular expression maybe, is found in a line."""
    return asked in line or ("\\d" in asked and re.search(asked, line) is not None)


def _symbols() -> dict[str, Value]:
    evaluator = module("alerts")
    return {"overdueMinutes": evaluator.symbol("overdueMinutes"), "name": evaluator.symbol("name")}
