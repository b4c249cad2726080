"""One Azurite, and one host with three instances of the basic app, for the whole session."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from azure.storage.queue import (
    QueueClient,
    QueueServiceClient,
    TextBase64DecodePolicy,
    TextBase64EncodePolicy,
)

from local.azurite import Azurite
from tests.support.azurite import running_azurite
from tests.support.functions_host import RunningHost, functions_host

APPS = Path(__file__).parent / "apps"


@pytest.fixture(scope="session")
def storage() -> Iterator[Azurite]:
    """An Azurite for the session."""
    with running_azurite() as running:
        yield running


@dataclass(frozen=True, slots=True)
class Seen:
    """What the functions of a sample app wrote down."""

    file: Path

    def of(self, function: str) -> list[dict[str, object]]:
        text = self.file.read_text() if self.file.exists() else ""
        lines = text.rpartition("\n")[0].splitlines()  # the last one may be half written
        entries: list[dict[str, object]] = [json.loads(line) for line in lines]
        return [entry for entry in entries if entry["function"] == function]


@dataclass(frozen=True, slots=True)
class Running:
    """A host with what tests look at: its notes and its work queue."""

    host: RunningHost
    seen: Seen
    storage: Azurite
    work: str

    def queue(self, suffix: str = "") -> QueueClient:
        service: QueueServiceClient = QueueServiceClient.from_connection_string(
            self.storage.connection_string
        )
        return service.get_queue_client(
            self.work + suffix,
            message_encode_policy=TextBase64EncodePolicy(),
            message_decode_policy=TextBase64DecodePolicy(),
        )


@pytest.fixture(scope="session")
def basic(storage: Azurite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The basic app on three instances, with a work queue of its own."""
    folder = tmp_path_factory.mktemp("basic")
    seen = Seen(folder / "seen.jsonl")
    work = f"work-{uuid.uuid4().hex[:8]}"
    settings = {
        "Storage": storage.connection_string,
        "AzureWebJobsStorage": storage.connection_string,
        "SEEN": str(seen.file),
        "WORK": work,
        "SHOWN": "from the settings",
        "AzureWebJobs.switched_off.Disabled": "true",
    }
    with functions_host(APPS / "basic", folder / "host.log", settings, "--instances", "3") as host:
        running = Running(host, seen, storage, work)
        running.queue().create_queue()
        yield running
