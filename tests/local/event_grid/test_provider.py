"""Event subscriptions through Resource Manager's own door: shapes, handshake, delivery of what really happens."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

import pytest
from aiohttp.test_utils import TestClient, TestServer

from local.arm.operations import OperationsMode
from local.arm.resource_manager import DEFAULT_SUBSCRIPTION, Configuration, ResourceManager
from local.arm.server import create_app
from local.events.grid.control import PATH as CONTROL
from local.events.grid.control import Control
from local.events.grid.provider import EventGrid
from local.identity.tokens import ManagedIdentity, issue
from tests.local.event_grid import samples
from tests.local.event_grid.receiver import Receiver, receiving

SCOPE = f"/subscriptions/{DEFAULT_SUBSCRIPTION}"
GROUP = f"{SCOPE}/resourceGroups/orders"
KEY = b"k" * 32


def at(scope: str, name: str = "") -> str:
    return f"{scope}/providers/Microsoft.EventGrid/eventSubscriptions/{name}".rstrip("/")


@dataclass
class Azure:
    """A Resource Manager in this process, and a webhook."""

    client: TestClient  # type: ignore[type-arg]  # its parameters are the request classes, which do not matter here
    receiver: Receiver

    async def call(
        self, method: str, path: str, body: object = None
    ) -> tuple[int, dict[str, str], dict[str, object]]:
        token, _ = issue(KEY, ManagedIdentity("tester"), "https://management.azure.com", datetime.now(UTC))
        async with self.client.request(
            method,
            path,
            json=body,
            params={} if "api-version" in path else {"api-version": "2022-06-15"},
            headers={"Authorization": f"Bearer {token}"},
        ) as response:
            content = await response.json() if response.content_length else {}
            return response.status, dict(response.headers), content

    async def finish(self, headers: dict[str, str]) -> dict[str, object]:
        """The last answer of a long operation's polling URL."""
        async with asyncio.timeout(45):
            while True:
                url = headers["Azure-AsyncOperation"]
                _, _, body = await self.call(
                    "GET", url.removeprefix(str(self.client.make_url("")).rstrip("/"))
                )
                if body["status"] != "InProgress":
                    return body

    async def subscribe(self, scope: str, **more: object) -> dict[str, object]:
        body = {"properties": samples.properties(self.receiver.url, **more)}
        status, headers, _ = await self.call("PUT", at(scope, "to-mesh"), body)
        assert status == 201
        return await self.finish(headers)

    async def create_group(self, name: str = "orders") -> None:
        status, _, _ = await self.call("PUT", f"{SCOPE}/resourceGroups/{name}", {"location": "westeurope"})
        assert status == 201


@pytest.fixture
async def azure() -> AsyncIterator[Azure]:
    mode = OperationsMode(advance="after-reads", amount=2, retry_after=0)
    manager = ResourceManager(Configuration(key=KEY, operations=mode))
    event_grid = EventGrid()
    app = create_app(manager, extensions=[event_grid])
    Control(event_grid.delivery).add_routes(app)
    async with receiving() as receiver, TestClient(TestServer(app)) as client:
        yield Azure(client, receiver)


async def test_a_subscription_is_created_by_a_long_operation_and_never_shows_its_key(azure: Azure) -> None:
    body = {"properties": samples.properties(azure.receiver.url)}
    status, headers, created = await azure.call("PUT", at(SCOPE, "to-mesh"), body)
    assert (status, properties(created)["provisioningState"]) == (201, "Creating")
    assert "Location" not in headers
    assert (await azure.finish(headers))["status"] == "Succeeded"
    _, _, shown = await azure.call("GET", at(SCOPE, "to-mesh"))
    assert (shown["name"], shown["type"]) == ("to-mesh", "Microsoft.EventGrid/eventSubscriptions")
    assert properties(shown)["provisioningState"] == "Succeeded"
    assert properties(shown)["topic"] == SCOPE
    destination = cast(dict[str, dict[str, object]], properties(shown)["destination"])
    assert destination["properties"]["endpointUrl"] is None
    assert destination["properties"]["endpointBaseUrl"] == azure.receiver.url.partition("?")[0]
    _, _, full = await azure.call("POST", at(SCOPE, "to-mesh") + "/getFullUrl")
    assert full == {"endpointUrl": azure.receiver.url}


async def test_a_failed_handshake_fails_the_operation_and_leaves_nothing(azure: Azure) -> None:
    azure.receiver.echo = False
    ended = await azure.subscribe(SCOPE)
    assert ended["status"] == "Failed"
    error = cast(dict[str, str], ended["error"])
    assert error["code"] == "URL validation"
    assert error["message"].startswith("Webhook validation handshake failed for http://127.0.0.1")
    status, _, _ = await azure.call("GET", at(SCOPE, "to-mesh"))
    assert status == 404


async def test_what_happens_in_the_subscription_arrives_at_the_webhook(azure: Azure) -> None:
    await azure.subscribe(SCOPE, filter={"subjectBeginsWith": f"{SCOPE}/resourceGroups/"})
    await azure.create_group()
    [received] = await azure.receiver.wait_for(1)
    assert received.event["eventType"] == "Microsoft.Resources.ResourceWriteSuccess"
    assert received.event["topic"] == SCOPE
    assert str(received.event["subject"]).lower() == GROUP.lower()
    data = cast(dict[str, object], received.event["data"])
    assert data["operationName"] == "Microsoft.Resources/subscriptions/resourceGroups/write"
    assert (data["resourceProvider"], data["status"]) == ("Microsoft.Resources", "Succeeded")


async def test_a_refused_write_arrives_as_a_failure(azure: Azure) -> None:
    await azure.subscribe(SCOPE, filter={"includedEventTypes": ["Microsoft.Resources.ResourceWriteFailure"]})
    vault = f"{SCOPE}/resourceGroups/nowhere/providers/Microsoft.KeyVault/vaults/kv"
    await azure.call("PUT", vault, {"location": "westeurope", "properties": {}})
    [received] = await azure.receiver.wait_for(1)
    assert cast(dict[str, object], received.event["data"])["status"] == "Failed"


async def test_a_group_subscription_hears_of_its_own_group_only(azure: Azure) -> None:
    await azure.create_group()
    filter_ = {
        "advancedFilters": [{"operatorType": "StringContains", "key": "Subject", "values": ["vaults"]}]
    }
    await azure.subscribe(GROUP, filter=filter_)
    await azure.create_group("other")
    for group in ("other", "orders"):
        vault = f"{SCOPE}/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/kv-{group}"
        await azure.call("PUT", vault, {"location": "westeurope", "properties": {}})
    [received] = await azure.receiver.wait_for(1)
    assert str(received.event["subject"]).endswith("kv-orders")
    assert received.event["topic"] == GROUP


async def test_a_system_topic_carries_the_events_of_its_source(azure: Azure) -> None:
    await azure.create_group()
    topic = f"{GROUP}/providers/Microsoft.EventGrid/systemTopics/of-subscription"
    source = {"source": SCOPE, "topicType": "Microsoft.Resources.Subscriptions"}
    await azure.call("PUT", topic, {"location": "global", "properties": source})
    body = {"properties": samples.properties(azure.receiver.url, filter={"subjectEndsWith": "/later"})}
    _, headers, _ = await azure.call("PUT", f"{topic}/eventSubscriptions/to-mesh", body)
    await azure.finish(headers)
    await azure.create_group("later")
    [received] = await azure.receiver.wait_for(1)
    assert received.event["topic"] == SCOPE


async def test_a_deleted_subscription_hears_nothing_more(azure: Azure) -> None:
    await azure.subscribe(SCOPE, filter={"subjectEndsWith": "/orders"})
    status, headers, _ = await azure.call("DELETE", at(SCOPE, "to-mesh"))
    assert (status, "Location" in headers) == (202, True)
    assert (await azure.finish(headers))["status"] == "Succeeded"
    await azure.create_group()
    _, _, listed = await azure.call("GET", at(SCOPE))
    assert listed == {"value": []}
    assert azure.receiver.deliveries == []
    again, _, _ = await azure.call("DELETE", at(SCOPE, "to-mesh"))
    assert again == 204


async def test_subscriptions_are_not_among_the_resources_of_a_group(azure: Azure) -> None:
    await azure.create_group()
    await azure.subscribe(GROUP)
    _, _, listed = await azure.call("GET", f"{GROUP}/resources?api-version=2021-04-01")
    assert listed["value"] == []


async def test_subscriptions_are_listed_by_the_kind_of_scope(azure: Azure) -> None:
    await azure.create_group()
    await azure.subscribe(SCOPE)
    await azure.subscribe(GROUP)
    for kind, topic in (("Subscriptions", SCOPE), ("ResourceGroups", GROUP)):
        path = (
            f"{SCOPE}/providers/Microsoft.EventGrid/topicTypes/Microsoft.Resources.{kind}/eventSubscriptions"
        )
        _, _, listed = await azure.call("GET", path)
        [shown] = cast(list[dict[str, object]], listed["value"])
        assert properties(shown)["topic"] == topic


async def test_a_patch_changes_what_it_names_and_keeps_the_rest(azure: Azure) -> None:
    await azure.subscribe(SCOPE, labels=["before"])
    _, headers, _ = await azure.call("PATCH", at(SCOPE, "to-mesh"), {"labels": ["after"]})
    await azure.finish(headers)
    _, _, listed = await azure.call("GET", at(SCOPE))
    [shown] = cast(list[dict[str, object]], listed["value"])
    assert properties(shown)["labels"] == ["after"]
    _, _, full = await azure.call("POST", at(SCOPE, "to-mesh") + "/getFullUrl")
    assert full["endpointUrl"] == azure.receiver.url


async def test_an_invalid_body_is_refused_at_once(azure: Azure) -> None:
    body = {"properties": samples.properties(azure.receiver.url, retryPolicy={"maxDeliveryAttempts": 99})}
    status, _, answer = await azure.call("PUT", at(SCOPE, "to-mesh"), body)
    assert (status, cast(dict[str, str], answer["error"])["code"]) == (400, "InvalidRequest")


async def test_the_control_endpoint_disturbs_and_counts(azure: Azure) -> None:
    async with azure.client.put(CONTROL, json={"timeScale": 0.001, "duplicates": 2}) as response:
        assert response.status == 200
    await azure.subscribe(SCOPE, filter={"subjectEndsWith": "/orders"})
    await azure.create_group()
    received = await azure.receiver.wait_for(3)
    assert len({str(item.event["id"]) for item in received}) == 1
    async with azure.client.get(CONTROL) as response:
        shown = await response.json()
    assert shown["disturbances"]["duplicates"] == 2
    assert shown["counters"]["accepted"] == 1


@pytest.mark.parametrize("wrong", [{"drop": 2}, {"timeScale": 0}, {"speed": 1}])
async def test_the_control_endpoint_names_what_it_does_not_understand(azure: Azure, wrong: object) -> None:
    async with azure.client.put(CONTROL, json=wrong) as response:
        assert response.status == 400
        assert next(iter(cast(dict[str, object], wrong))) in await response.text()


def properties(resource: dict[str, object]) -> dict[str, object]:
    return cast(dict[str, object], resource["properties"])
