"""The whole local Azure: real clients reach every part, events flow, and nothing is left behind."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast
from uuid import uuid4

import psutil
import pytest
from azure.eventhub import EventData, EventHubProducerClient
from azure.identity import DefaultAzureCredential
from azure.identity.aio import DefaultAzureCredential as AsyncCredential
from azure.mgmt.resource.resources import ResourceManagementClient
from azure.monitor.query import LogsQueryResult
from azure.monitor.query.aio import LogsQueryClient
from azure.storage.blob import ContainerClient

from local.arm.access.roles import READER
from local.azurite import AzuriteNotInstalled
from local.caller import RequestFailed
from local.child import ROOT, ChildFailed
from local.functions_app import FunctionsHost
from local.identity.tokens import ManagedIdentity
from local.stack import Carried, LocalAzure, Options, Ports
from tests.local.event_grid.receiver import receiving

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("local-azure"), pytest.mark.timeout(600)]

CARRIED: Carried = "records"
GROUPS = "?api-version=2021-04-01"
APP = """
import os
import pathlib
import azure.functions as func

app = func.FunctionApp()

@app.event_grid_trigger(arg_name="event")
def on_event(event: func.EventGridEvent) -> None:
    partial = pathlib.Path(os.environ["SEEN"] + ".partial")
    partial.write_text(event.event_type)
    partial.rename(os.environ["SEEN"])
"""


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAzure]:
    folder = tmp_path_factory.mktemp("azure")
    groups, logged = {"telemetry": ("app",)}, {"telemetry": CARRIED}
    with LocalAzure(
        Options(folder=folder, hubs={"telemetry": 2}, consumer_groups=groups, logged=logged)
    ) as running:
        yield running


def group(azure: LocalAzure, name: str) -> str:
    return f"/subscriptions/{azure.endpoints.subscriptions[0]}/resourceGroups/{name}{GROUPS}"


def assign(azure: LocalAzure, principal: str, role: str) -> None:
    """A role at the first subscription."""
    scope = f"/subscriptions/{azure.endpoints.subscriptions[0]}/providers/Microsoft.Authorization"
    properties = {
        "roleDefinitionId": f"{scope}/roleDefinitions/{role}",
        "principalId": ManagedIdentity(principal).object_id,
    }
    path = f"{scope}/roleAssignments/{uuid4()}?api-version=2022-04-01"
    azure.caller().request("PUT", path, {"properties": properties})


def test_each_principal_reaches_resource_manager_as_itself(azure: LocalAzure) -> None:
    """The last is the person at the keyboard, and owns everything; the other may do what it is assigned."""
    path, body = group(azure, "shared"), {"location": "westeurope"}
    with pytest.raises(RequestFailed, match="AuthorizationFailed"):
        azure.caller("app").request("PUT", path, body)
    assert azure.caller("operator").request("PUT", path, body).status == 201
    assign(azure, "app", READER)
    assert azure.caller("app").request("GET", path).body["name"] == "shared"
    with pytest.raises(RequestFailed, match="AuthorizationFailed"):
        azure.caller("app").request("PUT", path, body)


def test_a_refusal_is_raised_with_azures_own_words(azure: LocalAzure) -> None:
    with pytest.raises(RequestFailed, match="ResourceGroupNotFound"):
        azure.caller().request("GET", group(azure, "nowhere"))


def test_the_unmodified_sdk_signs_in_by_managed_identity(
    azure: LocalAzure, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = azure.endpoints
    monkeypatch.setenv("IDENTITY_ENDPOINT", found.identity_endpoint)
    monkeypatch.setenv("IDENTITY_HEADER", found.identity_headers["operator"])
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(found.ca_bundle))
    with (
        DefaultAzureCredential() as credential,
        ResourceManagementClient(
            credential,
            found.subscriptions[0],
            base_url=found.resource_manager,
            credential_scopes=["https://management.azure.com/.default"],
        ) as client,
    ):
        client.resource_groups.create_or_update("by-sdk", {"location": "westeurope", "tags": {"a": "b"}})
        listed = client.resource_groups.list(filter="tagName eq 'a' and tagValue eq 'b'")
        assert [group.name for group in listed] == ["by-sdk"]
    assert azure.control("GET", "/operations")["value"]


def test_the_event_hubs_client_sends_to_it(azure: LocalAzure) -> None:
    with EventHubProducerClient.from_connection_string(
        azure.endpoints.event_hubs_connection_string, eventhub_name="telemetry"
    ) as producer:
        producer.send_batch([EventData("hello")], partition_id="1")
        assert producer.get_partition_properties("1")["last_enqueued_sequence_number"] == 0


async def test_the_log_store_answers_a_managed_identity(
    azure: LocalAzure, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = azure.endpoints
    monkeypatch.setenv("IDENTITY_ENDPOINT", found.identity_endpoint)
    monkeypatch.setenv("IDENTITY_HEADER", found.identity_headers["app"])
    async with (
        AsyncCredential() as credential,
        LogsQueryClient(
            credential,
            endpoint=found.logs,
            audience="https://api.loganalytics.io",
            connection_verify=str(found.ca_bundle),
        ) as client,
    ):
        result = await client.query_workspace("any", "print Answer = 42", timespan=None)
    assert isinstance(result, LogsQueryResult)
    assert result.tables[0].rows[0]["Answer"] == 42


async def test_an_event_reaches_a_registered_webhook_and_a_refused_one_becomes_a_blob(
    azure: LocalAzure,
) -> None:
    storage = azure.endpoints.storage_connection_string
    with ContainerClient.from_connection_string(storage, "dead") as container:
        container.create_container()
        async with receiving() as receiver:
            receiver.status_of = lambda _: 400
            await asyncio.to_thread(azure.control, "PUT", "/event-grid", {"timeScale": 0.001})
            account = f"/subscriptions/{azure.endpoints.subscriptions[0]}/resourceGroups/x/providers/storageAccounts/y"
            dead = {"resourceId": account, "blobContainerName": "dead"}
            await asyncio.to_thread(
                azure.register_webhook,
                receiver.url,
                filter={"subjectEndsWith": "/refused"},
                deadLetterDestination={"endpointType": "StorageBlob", "properties": dead},
            )
            await asyncio.to_thread(
                azure.caller().request, "PUT", group(azure, "refused"), {"location": "westeurope"}
            )
            [received] = await receiver.wait_for(1)
            async with asyncio.timeout(45):
                while not (names := [blob.name for blob in container.list_blobs()]):  # noqa: ASYNC110 no event for it
                    await asyncio.sleep(0.05)
        [letter] = json.loads(container.download_blob(names[0]).readall())
    assert letter["id"] == received.event["id"]
    assert letter["deadLetterReason"] == "UndeliverableDueToHttpBadRequest"


def test_an_event_reaches_a_function_of_a_running_app(azure: LocalAzure, tmp_path: Path) -> None:
    app, seen = tmp_path / "app", tmp_path / "seen"
    app.mkdir()
    (app / "function_app.py").write_text(APP)
    (app / "host.json").write_text('{"version": "2.0"}')
    with FunctionsHost(app, {"SEEN": str(seen)}, tmp_path / "state") as host:
        azure.register_webhook(
            host.event_grid_url("on_event"), name="app", filter={"subjectEndsWith": "/heard"}
        )
        azure.caller().request("PUT", group(azure, "heard"), {"location": "westeurope"})
        deadline = time.monotonic() + 90
        while not seen.exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert seen.read_text() == "Microsoft.Resources.ResourceWriteSuccess"


def test_a_webhook_that_fails_the_handshake_is_not_registered(azure: LocalAzure) -> None:
    with pytest.raises(RequestFailed, match="handshake failed"):
        azure.register_webhook("http://127.0.0.1:9/nobody", name="nobody")


def test_when_one_part_cannot_start_the_others_end(tmp_path: Path) -> None:
    with pytest.raises(ChildFailed, match=r"local\.events\.hubs"):
        LocalAzure(Options(folder=tmp_path, hubs={"telemetry": 99})).start()
    assert _processes_naming(tmp_path) == []


def test_without_azurite_what_started_before_it_ends(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("local.azurite._SCRIPT", tmp_path / "nothing.js")
    with pytest.raises(AzuriteNotInstalled):
        LocalAzure(Options(folder=tmp_path)).start()
    assert _processes_naming(tmp_path) == []


def test_kept_state_is_there_at_the_next_start(tmp_path: Path) -> None:
    options = Options(folder=tmp_path, keep=True)
    with LocalAzure(options) as first:
        first.caller().request("PUT", group(first, "kept"), {"location": "westeurope"})
    with LocalAzure(options) as second:
        assert second.caller().request("GET", group(second, "kept")).status == 200


def test_a_part_that_ends_by_itself_is_noticed(tmp_path: Path) -> None:
    with LocalAzure(Options(folder=tmp_path)) as azure:
        azure.check()
        [manager] = [item for item in _processes_naming(tmp_path) if "local.arm" in item.cmdline()]
        manager.kill()
        psutil.wait_procs([manager], timeout=10)
        with pytest.raises(ChildFailed, match=r"local\.arm ended by itself"):
            azure.check()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_the_command_line_ends_with_all_its_processes(tmp_path: Path, number: signal.Signals) -> None:
    fed = ["--hub", "telemetry=1", "--logged", "telemetry=records"]
    command = [sys.executable, "-m", "local", "--json", "--folder", str(tmp_path), *fed]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process, process.stdout:
        ready = cast(dict[str, str], json.loads(process.stdout.readline()))
        assert ready["resource_manager"].startswith("https://localhost:")
        assert ready["logs"].startswith("https://localhost:")
        parts = psutil.Process(process.pid).children(recursive=True)
        os.kill(process.pid, number)
        expected = -signal.SIGKILL if number == signal.SIGKILL else 0
        assert process.wait(30) == expected
    assert len(parts) == 5
    assert psutil.wait_procs(parts, timeout=20)[1] == []


def test_a_wish_for_a_taken_port_fails_with_the_parts_own_words(azure: LocalAzure, tmp_path: Path) -> None:
    taken = int(azure.endpoints.resource_manager.rpartition(":")[2])
    with pytest.raises(ChildFailed, match=r"(?s)local\.arm.*address already in use"):
        LocalAzure(Options(folder=tmp_path, ports=Ports(resource_manager=taken))).start()


def _processes_naming(folder: Path) -> list[psutil.Process]:
    """Processes with `folder` on their command line."""
    return [
        item
        for item in psutil.process_iter(["cmdline"])
        if str(folder) in " ".join(item.info["cmdline"] or [])
    ]
