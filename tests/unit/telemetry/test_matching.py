"""Which records a rule is about: each of its conditions alone, in the words that services use."""

import json

import pytest

from shared.telemetry.attribute import Attribution
from shared.telemetry.batch import Findings, read_batch
from shared.telemetry.matching import Matcher
from shared.telemetry.rule import Absence, Count, Each, FieldMatch, Match, Threshold
from tests.unit.telemetry.samples import SALES, VAULT, envelope, event, rule, sample

METRIC = {
    "time": "2026-01-05T08:15:00Z",
    "resourceId": VAULT.upper(),
    "metricName": "ServiceApiHit",
    "timeGrain": "PT1M",
    "total": 12,
    "count": 4,
    "average": 3,
    "minimum": 1,
    "maximum": 5,
}


def read(match: Match, *records: dict[str, object]) -> Findings:
    matcher = Matcher([rule(match=match)])
    return read_batch([event(envelope(*records))], Attribution([SALES]), matcher)


def matches(match: Match, **fields: object) -> bool:
    found = read(match, sample(**fields))
    assert not found.letters
    return bool(found.tallies)


@pytest.mark.parametrize(
    ("level", "normal"),
    [
        ("Critical", "critical"),
        ("CRITICAL", "critical"),
        ("Emergency", "critical"),
        ("Alert", "critical"),
        (1, "critical"),
        ("1", "critical"),
        ("Error", "error"),
        ("ERROR", "error"),
        ("err", "error"),
        (2, "error"),
        ("Warning", "warning"),
        (3, "warning"),
        ("Informational", "informational"),
        ("Information", "informational"),
        ("info", "informational"),
        ("4", "informational"),
        (5, "verbose"),
        ("Debug", "verbose"),
        (0, ""),
        ("", ""),
        (None, ""),
        ("something new", ""),
    ],
)
def test_levels_are_one_of_five_whatever_the_service_writes(level: str | int | None, normal: str) -> None:
    levels = ("critical", "error", "warning", "informational", "verbose")
    assert [x for x in levels if matches(Match(level=(x,)), level=level)] == [x for x in [normal] if x]


def test_of_two_levels_the_one_that_says_something_counts() -> None:
    error = Match(level=("error",))
    assert matches(error, level="Error", Level="")
    assert matches(error, level="", Level="Error")
    assert matches(error, level="", Level=2)


@pytest.mark.parametrize(
    ("said", "normal"),
    [
        ({"resultType": "Success"}, "success"),
        ({"resultType": "Succeeded."}, "success"),
        ({"resultType": "0"}, "success"),
        ({"resultType": 200}, "success"),
        ({"resultType": "Failure"}, "failure"),
        ({"resultType": "50126"}, "failure"),
        ({"resultType": "ClientError"}, "failure"),
        ({"resultType": "Success", "resultSignature": "403"}, "failure"),
        ({"resultSignature": "Failed.NotFound"}, "failure"),
        ({"Status": "Failed"}, "failure"),
        ({"status": "Succeeded"}, "success"),
        ({"statusCode": 503}, "failure"),
        ({"statusCode": "206"}, "success"),
        ({"resultType": "Start", "resultSignature": "Started."}, ""),
        ({"resultType": "Accept", "resultSignature": "Accepted.Accepted"}, ""),
        ({"resultType": "１２"}, ""),
        ({}, ""),
    ],
)
def test_results_are_words_and_numbers_of_services(said: dict[str, object], normal: str) -> None:
    found = [r for r in ("success", "failure") if matches(Match(result=(r,)), **said)]
    assert found == [r for r in [normal] if r]


def test_a_result_may_be_asked_for_in_the_service_s_own_word() -> None:
    assert matches(Match(result=("accept",)), resultType="Accept")


@pytest.mark.parametrize(
    ("match", "is_about"),
    [
        (Match(category=("other", "auditevent")), True),
        (Match(category=("other",)), False),
        (Match(operation=("secretget",)), True),
        (Match(operation=("secret*",)), True),
        (Match(operation=("get*",)), False),
        (Match(resource_type=("microsoft.keyvault/vaults",)), True),
        (Match(resource_type=("microsoft.keyvault/*",)), True),
        (Match(resource_type=("microsoft.sql/*",)), False),
        (Match(category=("auditevent",), operation=("secretset",)), False),
        (Match(metric=("serviceapihit",)), False),
        (Match(custom=("secretget",)), False),
        (Match(), True),
    ],
)
def test_what_a_log_says_in_any_case(match: Match, is_about: bool) -> None:
    for change in ({}, {"category": "AUDITEVENT", "operationName": "SECRETGET", "resourceId": VAULT.upper()}):
        assert matches(match, **change) is is_about


def test_a_rule_with_a_metric_is_about_metrics_only_and_one_without_about_logs_only() -> None:
    assert read(Match(metric=("serviceapihit",)), METRIC).tallies
    assert not read(Match(metric=("other",)), METRIC).tallies
    assert not read(Match(resource_type=("microsoft.keyvault/*",)), METRIC).tallies
    assert read(Match(), METRIC).tallies


def test_a_custom_event_is_found_by_its_type() -> None:
    custom = Match(custom=("meshplane.quality",))
    assert matches(
        custom, category="MeshCustom", operationName="meshplane.quality", resourceId=SALES.group_id
    )
    assert not matches(custom, category="Other", operationName="meshplane.quality")


PROPERTIES = {
    "statusCode": 403,
    "text": "Login FAILED for user",
    "number": "12.5",
    "yes": True,
    "nothing": None,
    "inner": {"deep": [{"x": 1}, {"x": 2}]},
    "encoded": json.dumps({"statusCode": "404", "inner": {"y": "z"}}),
}


@pytest.mark.parametrize("encoded", [False, True], ids=["as an object", "as an encoded string"])
@pytest.mark.parametrize(
    ("path", "asked", "holds"),
    [
        ("statusCode", {"any_of": (403,)}, True),
        ("statusCode", {"any_of": ("403",)}, True),
        ("STATUSCODE", {"any_of": (403,)}, True),
        ("statusCode", {"any_of": (404,)}, False),
        ("statusCode", {"none_of": (404,)}, True),
        ("statusCode", {"gte": 400, "lt": 403}, False),
        ("statusCode", {"gt": 402, "lte": 403}, True),
        ("number", {"gt": 12}, True),
        ("number", {"any_of": (12.5,)}, True),
        ("text", {"gt": 0}, False),
        ("text", {"contains": "failed FOR"}, True),
        ("text", {"matches": "^login .* user$"}, True),
        ("text", {"any_of": ("LOGIN failed for user",)}, True),
        ("yes", {"any_of": (True,)}, True),
        ("yes", {"any_of": ("TRUE",)}, True),
        ("yes", {"any_of": (1,)}, False),
        ("nothing", {"exists": False}, True),
        ("absent", {"exists": False}, True),
        ("absent", {"none_of": ("x",)}, False),
        ("absent", {"exists": True}, False),
        ("text", {"exists": True}, True),
        ("text", {"exists": False}, False),
        ("inner.deep.1.x", {"any_of": (2,)}, True),
        ("inner.deep.7.x", {"exists": True}, False),
        ("inner", {"contains": '"x": 2'}, True),
        ("inner", {"any_of": (2,)}, False),
        ("encoded.statuscode", {"any_of": (404,)}, True),
        ("encoded.inner.Y", {"any_of": ("Z",)}, True),
        ("text.inner", {"exists": True}, False),
    ],
)
def test_fields_are_found_by_path_and_compared(
    path: str, asked: dict[str, object], holds: bool, encoded: bool
) -> None:
    field = FieldMatch(path=("properties", *path.split(".")), **asked)  # type: ignore[arg-type]
    properties = json.dumps(PROPERTIES) if encoded else PROPERTIES
    assert matches(Match(fields=(field,)), properties=properties) is holds


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("callerIpAddress", "203.0.113.7"),
        ("calleripaddress", "203.0.113.7"),
        ("identity.claim.upn", "ada@example.org"),
        ("durationMs", "17"),
        ("category", "auditevent"),
        ("operationname", "secretget"),
        ("level", "error"),
        ("statuscode", 429),
        ("status", "failed"),
        ("time", "2026-01-05t08:15:30.1234567z"),
    ],
)
def test_fields_of_the_root_are_found_whether_they_are_decoded_anyway_or_not(
    path: str, value: str | int
) -> None:
    field = FieldMatch(path=tuple(path.split(".")), any_of=(value,))
    assert matches(Match(fields=(field,)), durationMs=17, statusCode="429", Status="Failed")
    assert not matches(Match(fields=(field,)), **{**dict.fromkeys(sample()), "resourceId": VAULT})


def test_rules_that_read_different_names_of_one_record_both_find_theirs() -> None:
    rules = [
        rule(n, match=Match(fields=(FieldMatch(path=("properties", n), any_of=(v,)),)))
        for n, v in (("statusCode", 403), ("NUMBER", 12.5), ("absent", 1))
    ]
    found = read_batch([event(envelope(sample(properties=PROPERTIES)))], Attribution([SALES]), Matcher(rules))
    assert [t.rule for t in found.tallies] == ["statusCode", "NUMBER"]


def test_a_record_that_no_rule_can_read_is_a_dead_letter_and_rules_that_need_not_read_it_go_on() -> None:
    field = FieldMatch(path=("properties", "note"), exists=True)
    rules = [rule("reads", match=Match(fields=(field,))), rule("does not")]
    body = envelope(sample()).replace(b"a brace", b"a \xff brace")
    found = read_batch([event(body)], Attribution([SALES]), Matcher(rules))
    assert [t.rule for t in found.tallies] == ["does not"]
    (letter,) = found.letters
    assert (letter.rules, letter.node, letter.index, letter.sequence) == (("reads",), str(SALES), 0, 100)
    assert b"ada@" not in letter.body
    assert b"SecretGet" in letter.body


def test_groups_are_nodes_resources_or_domains_and_dedupe_fields_tell_more_apart() -> None:
    rules = [
        rule("by node", group_by="node"),
        rule("by resource"),
        rule("by domain", group_by="domain"),
        rule(
            "by fields",
            group_by="node",
            dedupe=(("operationName",), ("properties", "statusCode"), ("absent",)),
        ),
    ]
    found = read_batch([event(envelope(sample()))], Attribution([SALES], {SALES: "Sales"}), Matcher(rules))
    assert {t.rule: (t.group, t.node) for t in found.tallies} == {
        "by node": (str(SALES), str(SALES)),
        "by resource": (VAULT.lower(), str(SALES)),
        "by domain": ("sales", ""),
        "by fields": (f"{SALES}\nsecretget\n403\n", str(SALES)),
    }


def test_half_a_character_in_a_dedupe_field_tells_alerts_apart_in_text_that_can_be_stored() -> None:
    body = envelope(sample(properties={"run": "a?b"})).replace(b"a?b", b"a\\ud800b")
    counted = rule(match=Match(), condition=Count(at_least=2, window=60), dedupe=(("properties", "run"),))
    [tally] = read_batch([event(body)], Attribution([SALES]), Matcher([counted])).tallies
    assert tally.group.encode().endswith(b"\na?b")


def test_a_node_without_a_domain_is_in_none() -> None:
    found = read_batch([event(envelope(sample()))], Attribution([SALES]), Matcher([rule(group_by="domain")]))
    assert (found.records, found.unattributed, found.tallies) == (1, 0, [])


def test_numbers_are_taken_of_metrics_and_of_fields_and_may_be_text() -> None:
    metric = rule("metric", match=Match(metric=("serviceapihit",)), condition=_threshold("average"))
    log = rule("log", match=Match(level=("error",)), condition=_threshold("durationMs"))
    records = (
        METRIC,
        {**METRIC, "average": "5.5"},
        {**METRIC, "average": "much"},
        sample(durationMs="250"),
        sample(),
    )
    found = read_batch([event(envelope(*records))], Attribution([SALES]), Matcher([metric, log]))
    sums = {
        t.rule: [(b, a.count, a.sum, a.least, a.most) for b, a in t.samples[100].items()]
        for t in found.tallies
    }
    assert sums == {
        "metric": [(1767600900, 2, 8.5, 3.0, 5.5)],
        "log": [(1767600930, 1, 250.0, 250.0, 250.0)],
    }
    assert {t.rule: sum(a.sketch.values()) for t in found.tallies for a in t.samples[100].values()} == {
        "metric": 2,
        "log": 1,
    }


def _threshold(of: str) -> Threshold:
    return Threshold(aggregation="percentile", of=(of,), comparison="gt", value=1.0, window=300)


def test_counting_rules_have_a_bucket_for_each_tenth_of_their_window() -> None:
    counting = rule(condition=Count(at_least=2, window=100))
    times = [f"2026-01-05T08:00:{second:02}Z" for second in (0, 9, 10, 59)]
    found = read_batch(
        [event(envelope(*(sample(time=t) for t in times)))], Attribution([SALES]), Matcher([counting])
    )
    (tally,) = found.tallies
    assert {b - 1767600000: a.count for b, a in tally.samples[100].items()} == {0: 2, 10: 1, 50: 1}
    assert (tally.first_at - 1767600000, tally.last_at - 1767600000) == (0.0, 59.0)


def test_a_rule_about_absence_hears_of_every_record_when_its_event_was_enqueued() -> None:
    silent = rule("silent", match=Match(), condition=Absence(period=600), group_by="node")
    events = [event(envelope(METRIC, sample())), event(envelope(sample()), offset=200)]
    found = read_batch(events, Attribution([SALES]), Matcher([silent]))
    (tally,) = found.tallies
    assert tally.group == tally.node == str(SALES)
    assert tally.last_at == events[0].enqueued_at.timestamp()
    assert sum(a.count for buckets in tally.samples.values() for a in buckets.values()) == 3


def test_records_of_no_node_concern_no_rule_but_are_counted() -> None:
    subscription = f"/subscriptions/{SALES.subscription}"
    records = [sample(resourceId=i) for i in (subscription, "", f"{SALES.group_id}2/providers/x/y/z")]
    found = read_batch([event(envelope(*records))], Attribution([SALES]), Matcher([rule(match=Match())]))
    assert (found.records, found.unattributed, found.tallies, found.volumes) == (3, 3, [], {})


def test_volumes_share_an_event_among_its_records_by_node_and_diagnostic_category() -> None:
    body = envelope(METRIC, sample(), sample(resourceId="/tenants/x"), sample(category="Other"))
    found = read_batch([event(body)], Attribution([SALES]), Matcher([rule(condition=Each())]))
    share = len(body) / 4
    assert found.volumes == {
        (str(SALES), "AllMetrics"): (share, 1),
        (str(SALES), "AuditEvent"): (share, 1),
        (str(SALES), "Other"): (share, 1),
    }


def test_nodes_that_changed_are_seen_by_a_matcher_that_remembers_kinds() -> None:
    matcher = Matcher([rule()])
    events = [event(envelope(sample()))]
    assert not read_batch(events, Attribution([]), matcher).tallies
    assert read_batch(events, Attribution([SALES]), matcher).tallies
    assert not read_batch(events, Attribution([]), matcher).tallies


def test_an_event_that_is_twice_in_a_batch_counts_once() -> None:
    found = read_batch([event(envelope(sample()))] * 2, Attribution([SALES]), Matcher([rule()]))
    assert (found.records, found.tallies[0].samples[100][0].count) == (1, 1)
