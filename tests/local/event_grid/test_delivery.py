"""Delivery to a real webhook: what arrives, how often, in what order, and what happens when it is refused."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace

from local.events.grid import schemas
from local.events.grid.delivery import DeliveryService, Disturbances
from local.events.grid.schemas import Event
from local.events.grid.subscriptions import EventSubscription
from local.events.grid.webhook import HandshakeFailed, Webhook
from tests.local.event_grid import samples
from tests.local.event_grid.receiver import Receiver, receiving

FAST = Disturbances(time_scale=0.001)
CLOUD_EVENTS = {"eventDeliverySchema": "CloudEventSchemaV1_0"}
DEAD_LETTER = {
    "deadLetterDestination": {
        "endpointType": "StorageBlob",
        "properties": {"resourceId": "/subscriptions/s/…/storageAccounts/a", "blobContainerName": "dead"},
    }
}


@dataclass
class Letters:
    """Dead letters kept in memory; the first `refuse` writes fail."""

    refuse: int = 0
    written: dict[str, bytes] = field(default_factory=dict)

    async def write(self, container: str, name: str, content: bytes) -> bool:
        if self.refuse:
            self.refuse -= 1
            return False
        self.written[f"{container}/{name}"] = content
        return True

    async def close(self) -> None:
        self.written.clear()


@dataclass
class Bench:
    """A delivery service with its receiver and the subscriptions it looks up."""

    service: DeliveryService
    webhook: Webhook
    receiver: Receiver
    letters: Letters
    known: dict[str, EventSubscription] = field(default_factory=dict)

    def subscribe(self, **more: object) -> EventSubscription:
        made = samples.subscription(self.receiver.url, **more)
        self.known[made.id] = made
        return made

    async def settled(self) -> None:
        """Returns when nothing is pending."""
        async with asyncio.timeout(45):
            while self.service.counters.pending:  # noqa: ASYNC110 a count is all the service offers
                await asyncio.sleep(0.01)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with receiving() as receiver:
        webhook, letters = Webhook(), Letters()
        await webhook.start()
        known: dict[str, EventSubscription] = {}
        service = DeliveryService(webhook, known.get, letters)
        service.disturb(FAST)
        yield Bench(service, webhook, receiver, letters, known)
        await service.stop()
        await webhook.stop()


def event(number: int = 0) -> Event:
    return schemas.resource_event(samples.operation(f"{samples.VAULT}{number}"), samples.TOPIC)


async def test_an_event_arrives_alone_in_an_array_with_event_grids_headers(bench: Bench) -> None:
    sent = event()
    bench.service.submit(bench.subscribe(), sent)
    [received] = await bench.receiver.wait_for(1)
    assert received.body == [sent]
    names = ("type", "subscription-name", "delivery-count", "data-version", "metadata-version")
    headers = [received.headers[f"aeg-{'event-' if name == 'type' else ''}{name}"] for name in names]
    assert headers == ["Notification", "TO-MESH", "0", "2", "1"]


async def test_a_cloud_event_arrives_as_one_object_of_its_own_media_type(bench: Bench) -> None:
    sent = event()
    bench.service.submit(bench.subscribe(**CLOUD_EVENTS), sent)
    [received] = await bench.receiver.wait_for(1)
    assert received.body == schemas.as_cloud_event(sent)
    assert received.headers["Content-Type"].startswith("application/cloudevents+json")
    assert "aeg-data-version" not in received.headers


async def test_a_refused_event_is_tried_again_with_the_count_of_earlier_attempts(bench: Bench) -> None:
    bench.receiver.status_of = lambda nth: 500 if nth < 4 else 204
    sent = event()
    bench.service.submit(bench.subscribe(), sent)
    received = await bench.receiver.wait_for(4)
    assert [item.headers["aeg-delivery-count"] for item in received] == ["0", "1", "2", "3"]
    assert {item.event["id"] for item in received} == {sent["id"]}
    await bench.settled()
    assert (bench.service.counters.delivered, bench.service.counters.failed_attempts) == (1, 3)


@pytest.mark.parametrize("status", [400, 401, 403, 413])
async def test_an_error_of_configuration_is_dead_lettered_after_one_attempt(
    bench: Bench, status: int
) -> None:
    bench.receiver.status_of = lambda _: status
    bench.service.submit(bench.subscribe(**DEAD_LETTER), event())
    await bench.settled()
    assert len(bench.receiver.deliveries) == 1
    [content] = bench.letters.written.values()
    [letter] = json.loads(content)
    assert letter["deadLetterReason"].startswith("UndeliverableDueToHttp")
    assert (letter["deliveryAttempts"], letter["lastHttpStatusCode"]) == (1, status)


async def test_exhausted_attempts_become_a_dead_letter_in_azures_folder_layout(bench: Bench) -> None:
    bench.receiver.status_of = lambda _: 500
    sent = event()
    policy = {"retryPolicy": {"maxDeliveryAttempts": 3}}
    bench.service.submit(bench.subscribe(**policy, **DEAD_LETTER), sent)
    await bench.settled()
    [(path, content)] = bench.letters.written.items()
    container, name, *date, file = path.split("/")
    assert (container, name, len(date), file[-5:]) == ("dead", "TO-MESH", 4, ".json")
    assert not any(part.startswith("0") and len(part) > 1 for part in date)
    [letter] = json.loads(content)
    assert letter | sent == letter
    assert (letter["deadLetterReason"], letter["lastDeliveryOutcome"]) == (
        "MaxDeliveryAttemptsExceeded",
        "InternalServerError",
    )
    assert (letter["deliveryAttempts"], bench.service.counters.dead_lettered) == (3, 1)


async def test_a_dead_letter_in_the_cloud_events_schema_has_lower_case_names(bench: Bench) -> None:
    bench.receiver.status_of = lambda _: 400
    bench.service.submit(bench.subscribe(**CLOUD_EVENTS, **DEAD_LETTER), event())
    await bench.settled()
    [content] = bench.letters.written.values()
    [letter] = json.loads(content)
    assert letter["deadletterreason"] == "UndeliverableDueToHttpBadRequest"
    assert letter["specversion"] == "1.0"


async def test_a_dead_letter_is_written_later_when_the_storage_was_away(bench: Bench) -> None:
    bench.letters.refuse = 2
    bench.receiver.status_of = lambda _: 400
    bench.service.submit(bench.subscribe(**DEAD_LETTER), event())
    await bench.settled()
    assert len(bench.letters.written) == 1


async def test_without_a_dead_letter_destination_an_undeliverable_event_is_dropped(bench: Bench) -> None:
    bench.receiver.status_of = lambda _: 400
    bench.service.submit(bench.subscribe(), event())
    await bench.settled()
    assert (bench.service.counters.dropped, bench.letters.written) == (1, {})


async def test_an_endpoint_that_does_not_answer_in_time_counts_as_a_failed_attempt(bench: Bench) -> None:
    bench.service.disturb(replace(FAST, endpoint_timeout_seconds=0.05))
    released = asyncio.Event()
    server = await asyncio.start_server(lambda _r, w: _hold(w, released), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    slow = samples.subscription(
        f"http://127.0.0.1:{port}/", retryPolicy={"maxDeliveryAttempts": 1}, **DEAD_LETTER
    )
    bench.known[slow.id] = slow
    bench.service.submit(slow, event())
    await bench.settled()
    released.set()
    server.close()
    await server.wait_closed()
    [content] = bench.letters.written.values()
    assert json.loads(content)[0]["lastDeliveryOutcome"] == "TimedOut"


async def _hold(writer: asyncio.StreamWriter, released: asyncio.Event) -> None:
    await released.wait()
    writer.close()


async def test_deleting_the_subscription_ends_the_retries(bench: Bench) -> None:
    bench.receiver.status_of = lambda _: 500
    made = bench.subscribe()
    bench.service.submit(made, event())
    await bench.receiver.wait_for(2)
    del bench.known[made.id]
    await bench.settled()
    assert bench.service.counters.dropped == 1


async def test_duplicates_carry_the_same_id(bench: Bench) -> None:
    bench.service.disturb(replace(FAST, duplicates=4))
    sent = event()
    bench.service.submit(bench.subscribe(), sent)
    await bench.settled()
    assert [item.event["id"] for item in bench.receiver.deliveries] == [sent["id"]] * 5


async def test_reordering_delivers_every_event_in_another_order(bench: Bench) -> None:
    bench.service.disturb(replace(FAST, reorder=True, reorder_window_seconds=0.05, seed=7))
    made, sent = bench.subscribe(), [event(number) for number in range(20)]
    for item in sent:
        bench.service.submit(made, item)
    await bench.settled()
    ids, arrived = [item["id"] for item in sent], [item.event["id"] for item in bench.receiver.deliveries]
    assert arrived != ids
    assert sorted(map(str, arrived)) == sorted(map(str, ids))


async def test_a_share_of_events_can_be_lost(bench: Bench) -> None:
    bench.service.disturb(replace(FAST, drop=0.5, seed=7))
    made = bench.subscribe()
    for number in range(40):
        bench.service.submit(made, event(number))
    await bench.settled()
    counters = bench.service.counters
    assert 5 < counters.dropped < 35
    assert counters.delivered == 40 - counters.dropped == len(bench.receiver.deliveries)


async def test_the_handshake_sends_a_code_and_accepts_its_echo(bench: Bench) -> None:
    await bench.webhook.validate(bench.subscribe())
    [validation] = bench.receiver.validations
    assert validation.event["eventType"] == "Microsoft.EventGrid.SubscriptionValidationEvent"
    assert validation.event["topic"] == samples.TOPIC


async def test_without_the_echo_the_handshake_fails_and_names_no_key(bench: Bench) -> None:
    bench.receiver.echo = False
    with pytest.raises(HandshakeFailed, match="Webhook validation handshake failed for http") as failure:
        await bench.webhook.validate(bench.subscribe())
    assert "secret" not in str(failure.value)


async def test_an_endpoint_nobody_listens_on_fails_the_handshake(bench: Bench) -> None:
    nowhere = samples.subscription("http://127.0.0.1:9/hook")
    with pytest.raises(HandshakeFailed, match="response code Unknown"):
        await bench.webhook.validate(nowhere)


async def test_cloud_events_are_allowed_by_the_answer_to_options(bench: Bench) -> None:
    made = bench.subscribe(**CLOUD_EVENTS)
    await bench.webhook.validate(made)
    assert bench.receiver.validations[0].headers["WebHook-Request-Origin"] == "eventgrid.azure.net"
    bench.receiver.allow_origin = None
    with pytest.raises(HandshakeFailed, match="OPTIONS"):
        await bench.webhook.validate(made)
