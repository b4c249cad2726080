"""Each rule of the library is fired by one sample and left quiet by another, through decoding and matching."""

import pytest

from shared.telemetry.rule_files import load_rules
from tests.unit.telemetry.library_samples import Sample, fires, manifest
from tests.unit.telemetry.recordings import ABSENT, RECORDED

RULES = {rule.name: rule for rule in load_rules()}


def test_each_rule_has_its_two_samples_and_there_are_no_others() -> None:
    assert sorted(manifest()) == sorted(RULES)


@pytest.mark.parametrize("name", manifest())
def test_a_rule_fires_on_the_one_and_not_on_the_other(name: str) -> None:
    sides = manifest()[name]
    _need(*sides.values())
    assert fires(RULES[name], sides["fires"])
    assert not fires(RULES[name], sides["quiet"])


@pytest.mark.parametrize("name", manifest())
def test_a_sample_is_recorded_or_names_the_document_it_is_made_after(name: str) -> None:
    for sample in manifest()[name].values():
        assert bool(sample.recorded) + bool(sample.constructed and sample.record) + bool(sample.metric) == 1


def _need(*samples: Sample) -> None:
    if any(s.recorded for s in samples) and not RECORDED.is_dir():
        pytest.skip(ABSENT)
