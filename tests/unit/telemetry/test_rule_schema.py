"""The schema by which editors complete is made of the types, and says what the reader says."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from shared.telemetry.rule_files import LIBRARY, load_rules
from shared.telemetry.rule_schema import SCHEMA_FILE, rule_schema

FILES = sorted(LIBRARY.glob("*.yaml"))


def written() -> dict[str, object]:
    schema: dict[str, object] = json.loads((LIBRARY / SCHEMA_FILE).read_text(encoding="utf-8"))
    return schema


def test_the_file_is_what_the_types_say_now() -> None:
    assert written() == rule_schema(), "run: .venv/bin/python -m tests.docs"


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(written())


def test_editors_have_something_to_show_beside_each_key() -> None:
    parts = rule_schema()["$defs"]
    assert isinstance(parts, dict)
    silent = [
        f"{name}.{key}"
        for name, part in parts.items()
        for key, told in part["properties"].items()
        if "description" not in told and key != "kind"
    ]
    assert silent == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_of_the_library_is_valid_and_names_the_schema(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"# yaml-language-server: $schema={SCHEMA_FILE}\n")
    for document in yaml.safe_load_all(text):
        jsonschema.Draft202012Validator(written()).validate(document)


def test_the_library_is_read_without_a_fault() -> None:
    assert len(load_rules()) >= len(FILES)
