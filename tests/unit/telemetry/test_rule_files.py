"""Rules are read from YAML whole, or every fault of them is named with file and line."""

from pathlib import Path
from time import process_time

import pytest

from shared.telemetry.rule import Absence, Count, Each, FieldMatch, Match, Rate, Rule, Threshold
from shared.telemetry.rule_files import RulesError, load_rules

RULE = """\
name: sql-deadlocks
title: Deadlocks
severity: warning
match:
  resource_type: Microsoft.Sql/servers/databases
  category: Deadlocks
condition: {kind: count, at_least: 5, window: 5m}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    return folder


def rules(folder: Path, text: str) -> tuple[Rule, ...]:
    (folder / "rules.yaml").write_text(text, encoding="utf-8")
    return load_rules([folder])


def rule(folder: Path, text: str) -> Rule:
    [found] = rules(folder, text)
    return found


def faults(folder: Path, text: str) -> list[str]:
    """What is said of a file, without its name."""
    with pytest.raises(RulesError) as raised:
        rules(folder, text)
    assert all(fault.startswith("mine/rules.yaml:") for fault in raised.value.faults)
    return [fault.removeprefix("mine/rules.yaml:") for fault in raised.value.faults]


def test_a_rule_is_read_with_what_it_leaves_out(folder: Path) -> None:
    assert rule(folder, RULE) == Rule(
        name="sql-deadlocks",
        title="Deadlocks",
        severity="warning",
        match=Match(resource_type=("microsoft.sql/servers/databases",), category=("deadlocks",)),
        condition=Count(at_least=5, window=300.0),
        source="mine/rules.yaml:1",
    )


def test_a_rule_is_read_with_all_it_may_say(folder: Path) -> None:
    text = """\
name: everything
title: All that a rule may say
severity: critical
description: Why, and the source of the number.
match:
  category: [AuditEvent, Other]
  operation: [Secret*]
  level: [error, critical]
  result: [failure, 403]
  resource_type: microsoft.keyvault/*
  custom: meshplane.quality
  fields:
    properties.httpStatusCode: [403, 401]
    properties.clientInfo: {contains: sdk, none_of: azsdk}
    properties.reason: {matches: '^Access.*denied$'}
    properties.durationMs: {gt: 1, gte: 2, lt: 1000, lte: 900.5}
    properties.id_s: {exists: true}
condition: {kind: each}
group_by: domain
dedupe: [category, properties.id_s]
cool_down: 15m
auto_resolve: never
handlers: [mesh-event, webhook]
"""
    found = rule(folder, text)
    assert found.match == Match(
        category=("auditevent", "other"),
        operation=("secret*",),
        level=("error", "critical"),
        result=("failure", "403"),
        resource_type=("microsoft.keyvault/*",),
        custom=("meshplane.quality",),
        fields=(
            FieldMatch(path=("properties", "httpStatusCode"), any_of=(403, 401)),
            FieldMatch(path=("properties", "clientInfo"), contains="sdk", none_of=("azsdk",)),
            FieldMatch(path=("properties", "reason"), matches="^Access.*denied$"),
            FieldMatch(path=("properties", "durationMs"), gt=1.0, gte=2.0, lt=1000.0, lte=900.5),
            FieldMatch(path=("properties", "id_s"), exists=True),
        ),
    )
    assert (found.condition, found.group_by, found.severity) == (Each(), "domain", "critical")
    assert found.dedupe == (("category",), ("properties", "id_s"))
    assert (found.cool_down, found.auto_resolve, found.handlers) == (900.0, 0.0, ("mesh-event",))


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("{kind: each}", Each()),
        ("{kind: count, at_least: 1, window: 30s}", Count(at_least=1, window=30.0)),
        ("{kind: rate, per_minute: 0.5, window: 1h}", Rate(per_minute=0.5, window=3600.0)),
        ("{kind: absence, period: 2d}", Absence(period=172800.0)),
        (
            "{kind: threshold, aggregation: avg, of: properties.cpu, lt: 90, window: 5m}",
            Threshold(aggregation="avg", of=("properties", "cpu"), comparison="lt", value=90.0, window=300.0),
        ),
        (
            "{kind: threshold, aggregation: percentile, percentile: 99, of: x, gte: 1, window: 5m, least: 10}",
            Threshold(
                aggregation="percentile",
                of=("x",),
                comparison="gte",
                value=1.0,
                window=300.0,
                percentile=99.0,
                least=10,
            ),
        ),
    ],
)
def test_each_kind_of_condition_is_read(folder: Path, text: str, condition: object) -> None:
    line = "condition: {kind: count, at_least: 5, window: 5m}"
    assert rule(folder, RULE.replace(line, f"condition: {text}")).condition == condition


def test_a_file_may_list_rules_and_hold_several_documents(folder: Path) -> None:
    listed = "rules:\n" + "".join(
        f"- {{name: rule-{n}, title: t, severity: error, match: {{level: error}}, condition: {{kind: each}}}}\n"
        for n in range(2)
    )
    assert [r.name for r in rules(folder, f"{listed}---\n{RULE}---\n")] == [
        "rule-0",
        "rule-1",
        "sql-deadlocks",
    ]
    assert [r.source for r in load_rules([folder])] == [f"mine/rules.yaml:{line}" for line in (2, 3, 5)]


def test_every_fault_of_every_file_is_named_at_once(folder: Path) -> None:
    broken = RULE.replace("window: 5m", "window: 5x").replace("severity: warning", "severity: worried")
    (folder / "a.yaml").write_text(broken.replace("sql-deadlocks", "Sql Deadlocks"), encoding="utf-8")
    (folder / "b.yaml").write_text("rules: []", encoding="utf-8")
    with pytest.raises(RulesError) as raised:
        load_rules([folder, folder / "absent"])
    assert raised.value.faults == (
        "mine/a.yaml:1: name: 'Sql Deadlocks' is not a name such as sql-deadlocks, of at most 64 characters",
        "mine/a.yaml:3: severity: 'worried' is not one of critical, error, warning",
        "mine/a.yaml:7: condition.window: '5x' is not a duration such as 30s, 5m, 1h",
        "mine/b.yaml:1: rules: is not a list of rules",
        f"{folder / 'absent'}: cannot be read: No such file or directory",
    )
    assert str(raised.value).startswith("The rules cannot be used:\n  - mine/a.yaml:1: name")


WRONG = {
    "an unknown key": (
        "condition:",
        "conditoin:",
        ["1: 'condition' is missing", "7: conditoin: is no key here; did you mean 'condition'?"],
    ),
    "a key of a match": (
        "  category:",
        "  catgory:",
        ["6: match.catgory: is no key here; did you mean 'category'?"],
    ),
    "a word of a list": (
        "warning",
        "waning",
        ["3: severity: 'waning' is not one of critical, error, warning; did"],
    ),
    "no kind": ("kind: count, ", "", ["7: condition: 'kind' is missing: one of each, count, rate,"]),
    "another kind": (
        "kind: count",
        "kind: counts",
        ["7: condition.kind: 'counts' is not one of each, count,"],
    ),
    "a key of another kind": (
        "at_least",
        "per_minute",
        ["7: condition.per_minute: is no key here", "7: condition"],
    ),
    "a number that is too small": (
        "at_least: 5",
        "at_least: 0",
        ["7: condition.at_least: '0' is not a whole number"],
    ),
    "a number that is none": (
        "at_least: 5",
        "at_least: .inf",
        ["7: condition.at_least: '.inf' is not a whole"],
    ),
    "a number as a text": (
        "at_least: 5",
        "at_least: '5'",
        ["7: condition.at_least: '5' is not a whole number from"],
    ),
    "a number as a duration": (
        "window: 5m",
        "window: 300",
        ["7: condition.window: '300' is not a duration such as"],
    ),
    "a line end after a duration": (
        "window: 5m",
        'window: "5m\\n"',
        ["7: condition.window: '5m\\n' is not a duration"],
    ),
    "a long window": ("window: 5m", "window: 8d", ["7: condition.window: '8d' is longer than 7 days"]),
    "a text that YAML takes for a boolean": (
        "title: Deadlocks",
        "title: yes",
        ["2: title: 'yes' is not a line of"],
    ),
    "a list for a word": (
        "warning",
        "[warning]",
        ["3: severity: a list is not one of critical, error, warning"],
    ),
    "a word for a mapping": (
        "{kind: count, at_least: 5, window: 5m}",
        "each",
        ["7: condition: 'each' is not a mapping"],
    ),
    "a list for a mapping": (
        "{kind: count, at_least: 5, window: 5m}",
        "[]",
        ["7: condition: a list is not a mapping"],
    ),
    "nothing": ("title: Deadlocks", "title:", ["2: title: '' is not a line of 1 to 200 characters"]),
    "a star in the middle": (
        "Microsoft.Sql/servers",
        "Microsoft.*/servers",
        ["5: match.resource_type: a * may only stand at"],
    ),
    "a key twice": (
        "title: Deadlocks",
        "name: two",
        ["1: 'title' is missing", "2: 'name' is there twice, first in line 1"],
    ),
    "a key that is a list": (
        "title: Deadlocks",
        "? [a]\n: b",
        ["1: 'title' is missing", "2: a key has to be a word"],
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_said_with_its_line(folder: Path, what: str) -> None:
    before, after, expected = WRONG[what]
    assert before in RULE
    found = faults(folder, RULE.replace(before, after, 1))
    assert len(found) == len(expected), found
    assert all(fault.startswith(start) for fault, start in zip(found, expected, strict=True)), found


AMISS = {
    "a match of everything": ("{level: error}", "{}", "match: names nothing: every record would match"),
    "a metric with a level": (
        "{level: error}",
        "{level: error, metric: cpu}",
        "match.level: a metric has none",
    ),
    "an empty field": ("{level: error}", "{fields: {a.b: {}}}", "match.fields.a.b: says nothing of what"),
    "an absent field that is something": (
        "{level: error}",
        "{fields: {a: {exists: false, gt: 3}}}",
        "match.fields.a: a field that is not there is nothing else",
    ),
    "a broken expression": (
        "{level: error}",
        "{fields: {a: {matches: 'x('}}}",
        "match.fields.a.matches: is no regular expression: missing ), unterminated subpattern at position 1",
    ),
    "a repetition without end": (
        "{level: error}",
        "{fields: {a: {matches: 'x{99999999999}'}}}",
        "match.fields.a.matches: is no regular expression: the repetition number is too large",
    ),
    "a long expression": (
        "{level: error}",
        f"{{fields: {{a: {{matches: {'x' * 257}}}}}}}",
        f"match.fields.a.matches: '{'x' * 60}' is not a regular expression of 1 to 256 characters",
    ),
    "two comparisons": (
        "{kind: each}",
        "{kind: threshold, aggregation: avg, of: a, gt: 1, lt: 2, window: 5m}",
        "condition: a threshold is compared by exactly one of gt, gte, lt, lte",
    ),
    "no comparison": (
        "{kind: each}",
        "{kind: threshold, aggregation: avg, of: a, window: 5m}",
        "condition: a threshold is compared by exactly one of gt, gte, lt, lte",
    ),
    "a percentile of an average": (
        "{kind: each}",
        "{kind: threshold, aggregation: avg, of: a, gt: 1, window: 5m, percentile: 99}",
        "condition.percentile: is for the aggregation percentile, not avg",
    ),
    "another number of a metric": (
        "{level: error}, condition: {kind: each}",
        "{metric: cpu}, condition: {kind: threshold, aggregation: avg, of: averag, gt: 1, window: 5m}",
        "condition.of: 'averag' is no number of a metric: one of total, count, average, minimum, maximum; did you",
    ),
    "an unknown handler": (
        "handlers: []",
        "handlers: [record, webhok]",
        "handlers[1]: 'webhok' is no handler: one of app-event, mesh-event, metric, record, remediate, webhook",
    ),
    "a long silence": ("handlers: []", "cool_down: 91d", "cool_down: '91d' is longer than 90 days"),
}
"""What no schema can say."""


@pytest.mark.parametrize("what", AMISS)
def test_what_is_well_formed_and_makes_no_sense_is_said(folder: Path, what: str) -> None:
    before, after, expected = AMISS[what]
    text = (
        "{name: a, title: t, severity: error, match: {level: error}, condition: {kind: each}, handlers: []}"
    )
    assert before in text
    [fault] = faults(folder, "\n" + text.replace(before, after))
    assert fault.startswith(f"2: {expected}"), fault


ENDLESS = (r"(a+)+$", r"(a*)*b", r"((a|b+)c)*", r"(?:\w+\s?)+$", r"(a+)+?b", r"(?P<x>a{2,})+", r"((?:a+))*")
LINEAR = (
    r"a+b+",
    r"(a++)+$",
    r"(?>a+)+b",
    r"(a+)?b",
    r"(a{1,3})+",
    r"[(+)]+",
    r"\(a+\)+",
    r"^Access.*denied$",
    r"(a|b)+",
)


@pytest.mark.parametrize("pattern", ENDLESS)
def test_an_expression_that_some_texts_keep_busy_for_ever_is_refused(folder: Path, pattern: str) -> None:
    match = f"match: {{fields: {{a: {{matches: '{pattern}'}}}}}}"
    [fault] = faults(folder, f"{{name: a, title: t, severity: error, {match}, condition: {{kind: each}}}}")
    assert fault.startswith("1: match.fields.a.matches: repeats without end what repeats without end")


@pytest.mark.parametrize("pattern", LINEAR)
def test_an_expression_that_ends_soon_is_taken(folder: Path, pattern: str) -> None:
    match = f"match: {{fields: {{a: {{matches: '{pattern}'}}}}}}"
    found = rule(folder, f"{{name: a, title: t, severity: error, {match}, condition: {{kind: each}}}}")
    assert found.match.fields[0].matches == pattern


def test_a_rule_of_absence_may_be_about_every_record(folder: Path) -> None:
    text = "{name: a, title: t, severity: error, match: {}, condition: {kind: absence, period: 1d}}"
    assert rule(folder, text).match == Match()


def test_a_name_is_given_once_in_all_folders(folder: Path) -> None:
    (folder / "a.yml").write_text(RULE, encoding="utf-8")
    [fault] = faults(folder, f"\n{RULE}")
    assert fault == "2: name: 'sql-deadlocks' is the name of a rule already, at mine/a.yml:1"


def test_handlers_are_those_that_the_caller_knows(folder: Path) -> None:
    (folder / "a.yaml").write_text(f"{RULE}handlers: [record, pager]", encoding="utf-8")
    [found] = load_rules([folder], {"pager"})
    assert found.handlers == ("record", "pager")
    with pytest.raises(RulesError, match="'pager' is no handler: one of metric, record, webhook"):
        load_rules([folder], {"metric"})


def test_webhook_stands_for_all_there_are(folder: Path) -> None:
    (folder / "a.yaml").write_text(f"{RULE}handlers: ['webhook:ops', webhook, record]", encoding="utf-8")
    [found] = load_rules([folder], {"webhook:ops", "webhook:data", "metric"})
    assert found.handlers == ("webhook:ops", "webhook:data", "record")


HOSTILE = {
    "aliases that grow": "a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
    "a billion laughs": "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 20)),
    "a tag that makes an object": "!!python/object/apply:os.system ['true']",
    "a local tag": "name: !secret x",
    "deep lists": "[" * 100_000,
    "deep mappings": "{a: " * 50_000,
    "deep blocks": "".join(f"{' ' * n}a:\n" for n in range(600)),
    "many parts": "[" + "1," * 100_000 + "]",
    "control characters": "name: \x07",
    "an open quote": 'name: "' + "x" * 200_000,
    "a tab": "name:\n\tx: 1",
    "no text": "name: \ud800",
    "10 MB": "# " + "x" * 10_000_000,
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_file_is_refused_quickly_with_one_fault(folder: Path, what: str) -> None:
    (folder / "rules.yaml").write_bytes(HOSTILE[what].encode("utf-8", "surrogatepass"))
    began = process_time()
    with pytest.raises(RulesError) as raised:
        load_rules([folder])
    assert process_time() - began < 5
    [fault] = raised.value.faults
    assert fault.startswith("mine/rules.yaml:")
    assert len(fault) < 300


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.yaml", "", "mine/a.yaml: holds no rule"),
        ("a.yaml", "# nothing yet\n---\n", "mine/a.yaml: holds no rule"),
        ("a.txt", RULE, "{folder}: holds 0 files *.yaml, not 1 to 200"),
        ("a.yaml/b", RULE, "mine/a.yaml: cannot be read: Is a directory"),
    ],
)
def test_a_folder_without_rules_is_a_fault(folder: Path, name: str, content: str, expected: str) -> None:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(content, encoding="utf-8")
    with pytest.raises(RulesError) as raised:
        load_rules([folder])
    assert raised.value.faults == (expected.format(folder=folder),)
