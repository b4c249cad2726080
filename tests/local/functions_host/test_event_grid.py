"""The Event Grid webhook of a running host."""

import json

import pytest

from tests.local.functions_host.conftest import Running
from tests.support.functions_host import Answer

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("functions_host_http"), pytest.mark.timeout(600)]


def _event(identity: str, subject: str = "/subscriptions/1") -> dict[str, object]:
    return {
        "id": identity,
        "topic": "/subscriptions/1",
        "subject": subject,
        "eventType": "Microsoft.Resources.ResourceWriteSuccess",
        "eventTime": "2024-05-01T12:00:00.1234567Z",
        "data": {"operationName": "Microsoft.Resources/tags/write"},
        "dataVersion": "2",
        "metadataVersion": "1",
    }


def _post(basic: Running, body: object, kind: str = "Notification", function: str = "grid") -> Answer:
    path = f"/runtime/webhooks/EventGrid?functionName={function}&code={basic.host.event_grid_key}"
    headers = {"aeg-event-type": kind, "content-type": "application/json"}
    return basic.host.request("POST", path, json.dumps(body), headers)


def test_the_handshake_returns_the_code(basic: Running) -> None:
    """A SubscriptionValidation event is answered by the host, not by the function."""
    event = {**_event("validate"), "data": {"validationCode": "secret-code", "validationUrl": "https://x"}}
    answer = _post(basic, [event], "SubscriptionValidation")
    assert (answer.status, answer.json) == (200, {"validationResponse": "secret-code"})
    assert "validate" not in [entry["id"] for entry in basic.seen.of("grid")]


def test_each_event_of_a_delivery_is_one_invocation(basic: Running) -> None:
    """Two events in one array: two invocations, 202, and the function has the fields."""
    assert _post(basic, [_event("a1"), _event("a2")]).status == 202
    seen = [entry for entry in basic.seen.of("grid") if str(entry["id"]).startswith("a")]
    assert sorted(str(entry["id"]) for entry in seen) == ["a1", "a2"]
    assert seen[0]["type"] == "Microsoft.Resources.ResourceWriteSuccess"
    assert seen[0]["data"] == {"operationName": "Microsoft.Resources/tags/write"}


def test_one_failure_fails_the_delivery(basic: Running) -> None:
    """Event Grid must deliver again when any function raised: 500."""
    assert _post(basic, [_event("b1"), _event("b2", subject="fail")]).status == 500


def test_unsubscribing_is_accepted(basic: Running) -> None:
    """The last word of a deleted subscription gets a 202 and no invocation."""
    assert _post(basic, [_event("gone")], "Unsubscribe").status == 202
    assert "gone" not in [entry["id"] for entry in basic.seen.of("grid")]


@pytest.mark.parametrize("key", ["wrong", ""])
def test_the_key_is_required(basic: Running, key: str) -> None:
    """The function key of HTTP triggers does not open the webhook either."""
    path = "/runtime/webhooks/EventGrid?functionName=grid"
    assert basic.host.request("POST", f"{path}&code={key}", "[]").status == 401
    assert basic.host.request("POST", f"{path}&code={basic.host.function_key}", "[]").status == 401


def test_unknown_functions_and_broken_bodies_are_refused(basic: Running) -> None:
    """404 for a name that is no Event Grid function, 400 for an unknown kind and a body that is no JSON."""
    assert _post(basic, [_event("c")], function="echo").status == 404
    assert _post(basic, [_event("c")], kind="Gossip").status == 400
    path = f"/runtime/webhooks/EventGrid?functionName=grid&code={basic.host.event_grid_key}"
    assert basic.host.request("POST", path, "{not json").status == 400


def test_cloud_events_ask_for_permission_first(basic: Running) -> None:
    """The OPTIONS handshake of the CloudEvents schema allows the origin."""
    path = f"/runtime/webhooks/EventGrid?functionName=grid&code={basic.host.event_grid_key}"
    answer = basic.host.request("OPTIONS", path, headers={"WebHook-Request-Origin": "eventgrid.azure.net"})
    assert answer.status == 200
    assert answer.headers["webhook-allowed-origin"] == ["eventgrid.azure.net"]
