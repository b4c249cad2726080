"""What docs/rules.md and docs/custom-events.md say of rules and events is what the code takes."""

import json
import re
from pathlib import Path

import jsonschema
import msgspec
import pytest
import yaml

from shared.telemetry.rule_files import load_rules
from shared.telemetry.rule_schema import (
    AbsenceForm,
    CountForm,
    EachForm,
    FieldForm,
    MatchForm,
    RateForm,
    RuleForm,
    ThresholdForm,
)
from tests.docs.__main__ import DOCS
from tests.unit.telemetry.library_samples import manifest

RULES = (DOCS / "rules.md").read_text(encoding="utf-8")
EVENTS = (DOCS / "custom-events.md").read_text(encoding="utf-8")
CONDITIONS = (EachForm, CountForm, RateForm, ThresholdForm, AbsenceForm)


def _rows(page: str, before: str) -> list[list[str]]:
    """The cells of the first table after some words, without its head."""
    lines = page[page.index(before) :].splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("|---"))
    end = next(n for n, line in enumerate(lines) if n > start and not line.startswith("|"))
    return [line.split("|")[1:-1] for line in lines[start + 1 : end]]


def _words(cells: list[str]) -> set[str]:
    return {word for cell in cells for word in re.findall(r"`(\w+)`", cell)}


def test_each_key_of_a_rule_is_explained_and_no_other() -> None:
    assert _words([row[0] for row in _rows(RULES, "### A rule")]) == set(RuleForm.__struct_fields__)
    assert _words([row[0] for row in _rows(RULES, "### match")]) == set(MatchForm.__struct_fields__)
    assert _words([row[0] for row in _rows(RULES, "What a field has to be is")]) == set(
        FieldForm.__struct_fields__
    )


def test_each_kind_of_condition_is_explained_with_its_keys() -> None:
    told = {row[0].strip(" `"): _words([row[1]]) for row in _rows(RULES, "### condition")}
    assert told == {str(form.__struct_config__.tag): set(form.__struct_fields__) for form in CONDITIONS}


@pytest.mark.parametrize("page", [RULES, EVENTS], ids=["rules", "custom-events"])
def test_the_example_rules_are_rules(page: str, tmp_path: Path) -> None:
    found = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert found
    for number, text in enumerate(found):
        (tmp_path / f"{number}.yaml").write_text(text, encoding="utf-8")
        assert yaml.safe_load(text)
    assert len(load_rules([tmp_path])) == len(found)


def _event_schema() -> jsonschema.Draft202012Validator:
    schema = json.loads((DOCS / "custom-event.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_example_event_and_every_sample_of_one_are_events_by_the_schema() -> None:
    [example] = re.findall(r"```json\n(.*?)```", EVENTS, re.DOTALL)
    _event_schema().validate(json.loads(example))
    samples = [
        s for sides in manifest().values() for s in sides.values() if s.constructed == "docs/custom-events.md"
    ]
    assert len(samples) > 10
    for sample in samples:
        _event_schema().validate({"records": [sample.record]})


@pytest.mark.parametrize(
    "amiss",
    [
        {"operationName": "meshplane.row"},
        {"operationName": "Rows"},
        {"properties": {"rows": 3}},
        {"properties": {"dataset": "orders", "rows": -1}},
        {"properties": {"dataset": "orders", "rows": 1, "more": [1]}},
        {"category": "AuditEvent"},
        {"resourceId": "rg-sales"},
        {"level": "Error"},
    ],
    ids=msgspec.json.encode,
)
def test_what_is_no_event_is_none_by_the_schema(amiss: dict[str, object]) -> None:
    good = manifest()["no-rows"]["fires"].record or {}
    assert _event_schema().is_valid({"records": [good]})
    assert not _event_schema().is_valid({"records": [good | amiss]})


def test_the_page_names_the_rules_of_each_type_of_event() -> None:
    told = {row[0].strip(" `"): set(re.findall(r"`([\w-]+)`", row[2])) for row in _rows(EVENTS, "| type |")}
    by_type: dict[str, set[str]] = {}
    for rule in load_rules():
        for kind in rule.match.custom:
            by_type.setdefault(kind, set()).add(rule.name)
    assert told == by_type
