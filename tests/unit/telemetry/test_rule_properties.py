"""Whatever a file holds, it gives rules or faults with lines; what gives rules is valid by the schema."""

import copy
import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.telemetry.rule_files import LIBRARY, RulesError, load_rules
from shared.telemetry.rule_schema import rule_schema

TEXTS = [path.read_bytes() for path in sorted(LIBRARY.glob("*.yaml"))]
RULES = [rule for text in TEXTS for rule in yaml.safe_load(text)["rules"]]
SCHEMA = jsonschema.Draft202012Validator(rule_schema())
_ANY = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A file of the library, some bytes of which are others, gone, or there again."""
    content = bytearray(draw(st.sampled_from(TEXTS)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(content) - 1))
        length = draw(st.integers(0, 12))
        content[at : at + length] = draw(
            st.one_of(st.binary(max_size=4), st.just(bytes(content[at : at + 40])))
        )
    return bytes(content)


@st.composite
def rearranged(draw: st.DrawFn) -> bytes:
    """A rule of the library with a value of another's in it, anywhere."""
    rule = copy.deepcopy(draw(st.sampled_from(RULES)))
    place, other = rule, draw(st.sampled_from(RULES))
    while True:
        key = draw(st.sampled_from(sorted(place)))
        if not isinstance(place[key], dict) or not place[key] or draw(st.booleans()):
            break
        place = place[key]
    scalars = st.one_of(st.none(), st.booleans(), st.integers(-1, 10**6), st.floats(), st.text(max_size=5))
    values = st.one_of(
        scalars, st.lists(scalars, max_size=2), st.just(other.get(key)), st.just(other["match"])
    )
    place[key] = draw(values)
    return json.dumps(rule).encode()


@_ANY
@given(content=st.one_of(st.binary(max_size=400), mutated()))
def test_any_file_gives_rules_or_faults_with_their_lines(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(content)
    try:
        rules = load_rules([tmp_path])
    except RulesError as error:
        lines = content.count(b"\n") + content.count(b"\r") + 2
        for fault in error.faults:
            where, _, said = fault.removeprefix(f"{tmp_path.name}/a.yaml:").partition(": ")
            assert said or where.strip() == "holds no rule"
            assert not where.isdigit() or 1 <= int(where) <= lines
    else:
        assert rules


@_ANY
@given(content=rearranged())
def test_what_the_reader_takes_is_valid_by_the_schema(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(content)
    valid = SCHEMA.is_valid(yaml.safe_load(content))
    try:
        [rule] = load_rules([tmp_path])
    except RulesError:
        return  # what is valid by the schema may still make no sense; what is not is always refused
    assert valid, content
    assert rule.source.endswith("a.yaml:1")


@pytest.mark.parametrize("text", TEXTS, ids=[path.name for path in sorted(LIBRARY.glob("*.yaml"))])
def test_a_rule_that_is_written_anew_is_the_same(text: bytes, tmp_path: Path) -> None:
    """Block style or flow, one document each or a list: what is read is the same."""
    (tmp_path / "a.yaml").write_bytes(text)
    (tmp_path / "b").mkdir()
    documents = yaml.safe_load(text)["rules"]
    flow = yaml.safe_dump_all(documents, default_flow_style=True)
    (tmp_path / "b" / "a.yaml").write_text(flow, encoding="utf-8")
    first, second = load_rules([tmp_path]), load_rules([tmp_path / "b"])
    assert [r.name for r in first] == [r.name for r in second]
    assert [(r.match, r.condition, r.handlers, r.description) for r in first] == [
        (r.match, r.condition, r.handlers, r.description) for r in second
    ]
