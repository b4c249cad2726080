"""The schema by which editors complete says what the reader says."""

from pathlib import Path

import jsonschema
import pytest
import yaml

from shared.telemetry.rule_files import LIBRARY, load_rules
from shared.telemetry.rule_schema import SCHEMA_FILE, rule_schema

FILES = sorted(LIBRARY.glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_of_the_library_is_valid_and_names_the_schema(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"# yaml-language-server: $schema={SCHEMA_FILE}\n")
    for document in yaml.safe_load_all(text):
        jsonschema.Draft202012Validator(rule_schema()).validate(document)


def test_the_library_is_read_without_a_fault() -> None:
    assert len(load_rules()) >= len(FILES)
