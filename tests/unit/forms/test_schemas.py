"""The schemas by which editors complete are made of the types."""

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from shared.governance import policy_files, policy_schema
from shared.telemetry import rule_files, rule_schema

type Schema = dict[str, object]

SCHEMAS = [
    pytest.param(rule_files.LIBRARY / rule_schema.SCHEMA_FILE, rule_schema.rule_schema, id="rules"),
    pytest.param(
        policy_files.LIBRARY / policy_schema.SCHEMA_FILE, policy_schema.policy_schema, id="policies"
    ),
]


@pytest.mark.parametrize(("file", "made"), SCHEMAS)
def test_the_file_is_what_the_types_say_now(file: Path, made: Callable[[], Schema]) -> None:
    assert json.loads(file.read_text(encoding="utf-8")) == made(), "run: .venv/bin/python -m tests.docs"


@pytest.mark.parametrize(("file", "made"), SCHEMAS)
def test_it_is_a_schema(file: Path, made: Callable[[], Schema]) -> None:
    del file
    jsonschema.Draft202012Validator.check_schema(made())


@pytest.mark.parametrize(("file", "made"), SCHEMAS)
def test_editors_have_something_to_show_beside_each_key(file: Path, made: Callable[[], Schema]) -> None:
    del file
    parts = made()["$defs"]
    assert isinstance(parts, dict)
    silent = [
        f"{name}.{key}"
        for name, part in parts.items()
        for key, told in part["properties"].items()
        if "description" not in told and key != "kind"
    ]
    assert silent == []
