"""Posting to addresses of others: what each answer means, and what is never done."""

import logging
from collections.abc import AsyncIterator, Iterator
from urllib.parse import unquote

import msgspec
import pytest
from azure.core.exceptions import ClientAuthenticationError

from shared.adapters.custom_metrics import CustomMetrics, point
from shared.adapters.http import HttpSender, refusal
from shared.domain.errors import Denied, MeshError, Terminal, Transient, Waiting
from tests.fakes import FakeClock
from tests.fakes.clock import START
from tests.support.receiver import Receiver, running_receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as running:
        yield running


@pytest.fixture
async def sender() -> AsyncIterator[HttpSender]:
    made = HttpSender(FakeClock(), seconds=0.3)
    yield made
    await made.close()


async def test_a_body_arrives_as_it_is_with_its_headers(receiver: Receiver, sender: HttpSender) -> None:
    await sender.post(f"{receiver.url}/hook?code=1", b'{"a":1}', {"X-Meshplane-Notice": "n"})
    (got,) = receiver.received
    assert (got.path, got.body, got.headers["x-meshplane-notice"]) == ("/hook?code=1", b'{"a":1}', "n")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, None),
        (202, None),
        (204, None),
        (301, Terminal),
        (302, Terminal),
        (400, Terminal),
        (401, Denied),
        (403, Denied),
        (404, Terminal),
        (408, Transient),
        (410, Terminal),
        (429, Waiting),
        (500, Transient),
        (502, Transient),
        (503, Transient),
    ],
)
def test_every_status_means_that_it_was_taken_may_be_later_or_never(
    status: int, kind: type[MeshError] | None
) -> None:
    error = refusal(status, None)
    assert type(error) is (kind or type(None))


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("17", 17.0),
        ("99999999", 3600.0),
        ("Mon, 05 Jan 2026 08:02:00 GMT", 120.0),
        ("Mon, 05 Jan 2026 07:00:00 GMT", 0.0),
        ("soon", None),
        ("Mon, 05 Jan 2026 99999999999999999999:02:00 GMT", None),
        ("Mon, 05 Jan 2026 08:02:00 +99999999999999999999", None),
        ("", None),
    ],
)
async def test_a_busy_receiver_says_when_to_come_back(
    receiver: Receiver, sender: HttpSender, header: str, seconds: float | None
) -> None:
    receiver.status, receiver.headers = 429, {"Retry-After": header} if header else {}
    with pytest.raises(Waiting) as busy:
        await sender.post(receiver.url, b"{}", {})
    assert busy.value.retry_after == seconds


async def test_redirects_are_not_followed_and_cookies_not_kept(
    receiver: Receiver, sender: HttpSender
) -> None:
    """Where a receiver points to is none of the settings' addresses."""
    receiver.status = 302
    receiver.headers = {"Location": f"{receiver.url}/elsewhere", "Set-Cookie": "a=b"}
    for _ in range(2):
        with pytest.raises(Terminal):
            await sender.post(f"{receiver.url}/hook", b"{}", {})
    assert [got.path for got in receiver.received] == ["/hook", "/hook"]
    assert not any("cookie" in got.headers for got in receiver.received)


async def test_who_does_not_answer_is_not_waited_for(receiver: Receiver, sender: HttpSender) -> None:
    receiver.hangs = True
    with pytest.raises(Transient, match="ReceiverSilent"):
        await sender.post(receiver.url, b"{}", {})


async def test_no_error_and_no_log_line_holds_the_address_or_what_was_answered(
    receiver: Receiver, sender: HttpSender, caplog: pytest.LogCaptureFixture
) -> None:
    """Addresses of webhooks are secrets; what a receiver says may be anything."""
    caplog.set_level(logging.DEBUG)
    receiver.body, receiver.status = b"token-that-was-said" * 1000, 400
    with pytest.raises(Terminal) as refused:
        await sender.post(f"{receiver.url}/token-in-path", b"{}", {})
    with pytest.raises(Transient) as gone:
        await sender.post("http://127.0.0.1:9/token-in-path", b"{}", {})
    with pytest.raises(Transient) as wrong:
        await sender.post("http://[token-in-path/", b"{}", {})
    said = f"{refused.value} {gone.value} {wrong.value} {caplog.text}"
    assert "token" not in said
    assert gone.value.__cause__ is None


class Tokens:
    """A credential that says who asked for what."""

    def __init__(self) -> None:
        self.scopes: list[str] = []

    async def get_token(self, *scopes: str, **_options: object) -> "Token":
        self.scopes += scopes
        return Token("a-token", 0)


class Token(msgspec.Struct):
    token: str
    expires_on: int


async def test_a_custom_metric_is_posted_for_its_resource_with_a_token(
    receiver: Receiver, sender: HttpSender
) -> None:
    """As "Ingest custom metrics for an Azure resource using the REST API" has it."""
    tokens = Tokens()
    resource = "/subscriptions/s/resourceGroups/mesh (1)/providers/Microsoft.Web/sites/app"
    metrics = CustomMetrics(receiver.url, resource, tokens, sender)  # type: ignore[arg-type]
    await metrics.publish("Alerts", {"Rule": "deadlocks", "Severity": "error"}, 1.0, START)
    (got,) = receiver.received
    assert unquote(got.path) == f"{resource}/metrics"
    assert got.headers["authorization"] == "Bearer a-token"
    assert tokens.scopes == ["https://monitoring.azure.com/.default"]
    assert msgspec.json.decode(got.body) == {
        "time": "2026-01-05T08:00:00+00:00",
        "data": {
            "baseData": {
                "metric": "Alerts",
                "namespace": "Meshplane",
                "dimNames": ["Rule", "Severity"],
                "series": [
                    {"dimValues": ["deadlocks", "error"], "min": 1.0, "max": 1.0, "sum": 1.0, "count": 1}
                ],
            }
        },
    }
    assert got.body == point("Alerts", {"Rule": "deadlocks", "Severity": "error"}, 1.0, START)


async def test_an_identity_that_gets_no_token_now_may_get_one_later(
    receiver: Receiver, sender: HttpSender
) -> None:
    """azure-identity raises the same where a token is refused and where its endpoint is down."""

    class Silent:
        async def get_token(self, *_scopes: str, **_options: object) -> Token:
            raise ClientAuthenticationError("the managed identity's endpoint did not answer")

    metrics = CustomMetrics(receiver.url, "/subscriptions/s", Silent(), sender)  # type: ignore[arg-type]
    with pytest.raises(Transient, match="NoToken"):
        await metrics.publish("Alerts", {}, 1.0, START)
    assert receiver.received == []
