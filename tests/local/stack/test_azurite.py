"""Azurite as a child: it serves, keeps what it should, and says what to do where it is not installed."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from azure.data.tables import TableServiceClient
from azure.storage.blob import ContainerClient

from local import azurite
from local.azurite import Azurite, AzuriteNotInstalled
from tests.support.azurite import running_azurite


@pytest.fixture(scope="module")
def storage() -> Iterator[Azurite]:
    with running_azurite() as running:
        yield running


def test_the_sdks_reach_it_by_its_connection_string(storage: Azurite) -> None:
    with TableServiceClient.from_connection_string(storage.connection_string) as tables:
        table = tables.create_table_if_not_exists("nodes")
        table.upsert_entity({"PartitionKey": "s", "RowKey": "g", "state": "Ready"})
        assert table.get_entity("s", "g")["state"] == "Ready"
    with ContainerClient.from_connection_string(storage.connection_string, "letters") as container:
        container.create_container()
        container.upload_blob("a", b"content")
        assert [blob.name for blob in container.list_blobs()] == ["a"]


def test_with_a_location_its_data_outlive_it(tmp_path: Path) -> None:
    for round_ in ("first", "second"):
        with (
            azurite.running(tmp_path / "data", tmp_path / "azurite.log") as running,
            TableServiceClient.from_connection_string(running.connection_string) as tables,
        ):
            table = tables.create_table_if_not_exists("kept")
            table.upsert_entity({"PartitionKey": "p", "RowKey": round_})
            found = [entity["RowKey"] for entity in table.list_entities()]
    assert found == ["first", "second"]


def test_it_is_gone_after_the_block_even_when_the_block_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), azurite.running(log=tmp_path / "azurite.log") as running:
        raise ZeroDivisionError
    assert not psutil.pid_exists(running.child.pid)


async def test_it_can_be_started_from_an_event_loop(tmp_path: Path) -> None:
    running = await asyncio.to_thread(azurite.start, None, tmp_path / "azurite.log")
    assert running.child.returncode is None
    await asyncio.to_thread(running.stop)
    assert running.child.returncode is not None


def test_without_node_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AzuriteNotInstalled, match=r"Node\.js"):
        azurite.start(None, tmp_path / "azurite.log")


def test_without_the_package_it_names_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(azurite, "_SCRIPT", tmp_path / "azurite.js")
    with pytest.raises(AzuriteNotInstalled, match="make setup"):
        azurite.start(None, tmp_path / "azurite.log")
