"""The schema by which editors complete is made of the types, and says what the reader says."""

import json

import jsonschema
import pytest
import yaml

from shared.governance.policy_files import LIBRARY, load_policies
from shared.governance.policy_schema import SCHEMA_FILE, policy_schema


def written() -> dict[str, object]:
    schema: dict[str, object] = json.loads((LIBRARY / SCHEMA_FILE).read_text(encoding="utf-8"))
    return schema


def test_the_file_is_what_the_types_say_now() -> None:
    assert written() == policy_schema(), "run: .venv/bin/python -m tests.docs"


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(written())


def test_editors_have_something_to_show_beside_each_key() -> None:
    parts = policy_schema()["$defs"]
    assert isinstance(parts, dict)
    silent = [
        f"{name}.{key}"
        for name, part in parts.items()
        for key, told in part["properties"].items()
        if "description" not in told and key != "kind"
    ]
    assert silent == []


def test_the_library_is_what_the_schema_takes() -> None:
    validator = jsonschema.Draft202012Validator(policy_schema())
    for file in sorted(LIBRARY.glob("*.yaml")):
        for document in yaml.safe_load_all(file.read_text(encoding="utf-8")):
            validator.validate(document)
    assert load_policies([LIBRARY]).items


@pytest.mark.parametrize(
    "change",
    [
        {"mode": "enforced"},
        {"modes": "audit"},
        {"require": {"kind": "allowed-regions", "regions": []}},
        {"require": {"kind": "telemetry-coverage", "least": {}}},
        {"applies": {"domains": 7}},
        {"exemptions": [{"nodes": "a", "until": "soon", "reason": "x"}]},
    ],
)
def test_what_the_reader_refuses_the_schema_refuses(change: dict[str, object]) -> None:
    policy: dict[str, object] = {
        "name": "p",
        "title": "P",
        "require": {"kind": "allowed-regions", "regions": ["westeurope"]},
    }
    validator = jsonschema.Draft202012Validator(policy_schema())
    validator.validate(policy)
    with pytest.raises(jsonschema.ValidationError):
        validator.validate(policy | change)
