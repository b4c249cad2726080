"""The pure parts: filters, retry decisions, event shapes and what a subscription body may say."""

import json
from pathlib import Path

import pytest

from local.events.grid import filters, retries, schemas, subscriptions
from local.events.grid.retries import GiveUp, Retry, RetryPolicy
from local.events.grid.schemas import Event
from tests.local.event_grid import samples

RECORDED = (
    Path(__file__).parents[4] / "shared/real-data/C-eventgrid/azure-rest-api-specs/specification/eventgrid"
    "/data-plane/Microsoft.Resources/stable/2018-01-01/examples"
)
recorded = pytest.mark.skipif(
    not RECORDED.exists(), reason="the published event examples are not on this machine"
)


def event(action: str = "Microsoft.KeyVault/vaults/write") -> Event:
    return schemas.resource_event(samples.operation(action=action), samples.TOPIC)


def wanted(**body: object) -> bool:
    return filters.matches(filters.parse(body), event())


def advanced(operator: str, *values: str, key: str = "data.operationName") -> bool:
    return wanted(advancedFilters=[{"operatorType": operator, "key": key, "values": list(values)}])


def test_without_a_filter_every_resource_event_is_wanted() -> None:
    assert wanted()
    assert len(filters.parse(None).event_types) == 9


def test_event_types_select() -> None:
    assert wanted(includedEventTypes=["Microsoft.Resources.ResourceWriteSuccess"])
    assert not wanted(includedEventTypes=["Microsoft.Resources.ResourceDeleteSuccess"])


def test_subjects_are_compared_without_case_unless_asked_otherwise() -> None:
    upper = samples.VAULT.upper()
    assert wanted(subjectBeginsWith=upper[:60], subjectEndsWith=upper[-5:])
    assert not wanted(subjectBeginsWith=upper[:60], isSubjectCaseSensitive=True)
    assert not wanted(subjectEndsWith="/other")


@pytest.mark.parametrize(
    ("operator", "values", "expected"),
    [
        ("StringIn", ["x", "microsoft.keyvault/VAULTS/write"], True),
        ("StringIn", ["microsoft.keyvault/vaults"], False),
        ("StringNotIn", ["x", "y"], True),
        ("StringNotIn", ["Microsoft.KeyVault/vaults/write"], False),
        ("StringContains", ["VAULTS"], True),
        ("StringNotContains", ["vaults", "x"], False),
        ("StringBeginsWith", ["Microsoft.Network/", "Microsoft.KeyVault/"], True),
        ("StringNotBeginsWith", ["Microsoft.KeyVault/"], False),
        ("StringEndsWith", ["/write", "/delete"], True),
        ("StringNotEndsWith", ["/write"], False),
        ("IsNotNull", [], True),
        ("IsNullOrUndefined", [], False),
    ],
)
def test_an_advanced_filter_compares_one_key(operator: str, values: list[str], expected: bool) -> None:
    assert advanced(operator, *values) is expected


def test_a_key_that_is_not_there_meets_only_the_negated_operators() -> None:
    assert not advanced("StringIn", "x", key="data.nothing")
    assert advanced("StringNotIn", "x", key="data.nothing")
    assert advanced("IsNullOrUndefined", key="data.operationName.deeper")


def test_all_conditions_have_to_hold() -> None:
    good = {"operatorType": "StringContains", "key": "Subject", "values": ["orders"]}
    bad = {"operatorType": "StringContains", "key": "data.status", "values": ["Failed"]}
    assert wanted(advancedFilters=[good])
    assert not wanted(advancedFilters=[good, bad])


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(1, 10), (2, 30), (3, 60), (4, 300), (7, 3600), (10, 43200), (12, 43200)]
)
def test_waits_follow_azures_schedule(attempts: int, seconds: float) -> None:
    assert retries.decide(retries.answered(500), attempts, 0, RetryPolicy()) == Retry(seconds)


def test_a_busy_or_slow_endpoint_gets_more_time() -> None:
    assert retries.decide(retries.answered(503), 1, 0, RetryPolicy()) == Retry(30)
    assert retries.decide(retries.answered(408), 1, 0, RetryPolicy()) == Retry(120)


def test_time_to_live_ends_the_attempts_whatever_their_number() -> None:
    policy = RetryPolicy(max_attempts=30, time_to_live_minutes=1)
    assert retries.decide(retries.answered(500), 2, 45, policy) == GiveUp("TimeToLiveExceeded")
    assert retries.decide(retries.UNREACHABLE, 1, 0, policy) == Retry(10)


@recorded
@pytest.mark.parametrize("schema", ["event-grid-schema", "cloud-events-schema"])
def test_events_have_the_fields_of_the_published_examples(schema: str) -> None:
    made = event() if schema == "event-grid-schema" else schemas.as_cloud_event(event())
    for path in sorted((RECORDED / schema).glob("resource_*.json")):
        example = json.loads(path.read_text())
        assert set(example) <= set(made), path.name
        assert set(example["data"]) - set(_object(made, "data")) == set(), path.name
        assert set(_object(made, "data")) - set(example["data"]) <= {"httpRequest"}, path.name


def test_claims_identify_a_made_up_person_and_the_calling_identity() -> None:
    claims = _object(event(), "data")["claims"]
    assert isinstance(claims, dict)
    assert claims["http://schemas.microsoft.com/identity/claims/objectidentifier"] == "object-1"
    assert claims["http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"].endswith("@example.com")
    assert "oid" not in claims


@pytest.mark.parametrize(
    "broken",
    [
        {"destination": {"endpointType": "EventHub", "properties": {}}},
        {"destination": {"endpointType": "WebHook", "properties": {"endpointUrl": "ftp://x"}}},
        {"eventDeliverySchema": "CustomInputSchema"},
        {"retryPolicy": {"maxDeliveryAttempts": 31}},
        {"retryPolicy": {"eventTimeToLiveInMinutes": 0}},
        {"deadLetterDestination": {"endpointType": "StorageBlob", "properties": {}}},
        {"filter": {"advancedFilters": [{"operatorType": "StringLike", "key": "Subject", "values": ["a"]}]}},
        {"filter": {"advancedFilters": [{"operatorType": "StringIn", "key": "Subject"}]}},
        {"filter": "all"},
    ],
)
def test_a_body_azure_would_refuse_is_refused(broken: dict[str, object]) -> None:
    body = {**samples.properties("http://127.0.0.1/hook"), **broken}
    with pytest.raises(subscriptions.InvalidSubscription):
        subscriptions.parse(body, id="i", name="n", topic=samples.TOPIC)


def test_a_shown_subscription_hides_the_endpoints_query() -> None:
    made = samples.subscription("https://app.example.org/hook?code=secret")
    text = json.dumps(subscriptions.shown(made, samples.properties("unused"), "Succeeded"))
    assert "https://app.example.org/hook" in text
    assert "secret" not in text


def test_a_topic_covers_its_own_scope_and_what_lies_inside_only() -> None:
    made = samples.subscription("http://127.0.0.1/hook")
    assert made.covers(samples.VAULT.upper())
    assert made.covers(samples.TOPIC)
    assert not made.covers(f"{samples.TOPIC}2/resourceGroups/x")


def _object(event: Event, name: str) -> dict[str, object]:
    value = event[name]
    assert isinstance(value, dict)
    return value
