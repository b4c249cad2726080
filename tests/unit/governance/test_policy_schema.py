"""The schema by which editors complete says what the reader says."""

import jsonschema
import pytest
import yaml

from shared.governance.policy_files import LIBRARY, load_policies
from shared.governance.policy_schema import policy_schema


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
