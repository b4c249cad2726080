"""Settings: everything that is missing or wrong is named at once, and the sample is complete."""

import json
import re
from pathlib import Path

import pytest

from shared.settings import SettingsError, load_settings

ROOT = Path(__file__).resolve().parents[2]
SAMPLE: dict[str, str] = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]


def faults(**changed: str) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        load_settings({**SAMPLE, **changed})
    return raised.value.faults


def test_an_empty_environment_is_answered_with_every_missing_setting_at_once() -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings({})
    message = str(raised.value)
    for name in (
        "AzureWebJobsStorage",
        "MESH_EVENTHUB",
        "MESH_TELEMETRY_HUB",
        "MESH_TELEMETRY_CONSUMER_GROUP",
        "MESH_SUBSCRIPTIONS",
        "MESH_HUBS",
        "MESH_RESYNC_SCHEDULE",
        "MESH_DISCOVERY_SCHEDULE",
    ):
        assert f"{name} is missing" in message


def test_the_sample_is_valid_and_names_every_setting_that_the_code_reads() -> None:
    load_settings(SAMPLE)
    read = set(re.findall(r'"((?:MESH_|AzureWebJobs)[A-Za-z_]+)"', (ROOT / "shared/settings.py").read_text()))
    bound = {
        name
        for file in (ROOT / "functions").glob("*.py")
        for name in re.findall(r"%(\w+)%", file.read_text())
    }
    assert read | bound == {name for name in SAMPLE if name != "FUNCTIONS_WORKER_RUNTIME"}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("MESH_SUBSCRIPTIONS", "not-a-guid", "not a subscription id"),
        ("MESH_HUBS", "{", "not a JSON array of hubs"),
        ("MESH_HUBS", "[]", "at least one hub"),
        ("MESH_HUBS", '[{"id":"h","network":"x","workspace":"y"}]', "no virtual network id"),
        ("MESH_HUBS", '[{"id":"h","network":"x","workspace":"y","gatway":true}]', "gatway"),
        ("MESH_NAME", "Mesh Plane!", "lower-case"),
        ("MESH_LEASE_SECONDS", "soon", "number of seconds"),
        ("MESH_LEASE_SECONDS", "0", "number of seconds"),
        ("MESH_LEASE_SECONDS", "nan", "number of seconds"),
        ("MESH_RESOURCE_MANAGER", "http://management.example", "https://"),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_wrong(name: str, value: str, said: str) -> None:
    assert any(name in fault and said in fault for fault in faults(**{name: value}))


def test_storage_and_event_hubs_can_be_named_for_the_managed_identity() -> None:
    environment = {k: v for k, v in SAMPLE.items() if k not in ("AzureWebJobsStorage", "MESH_EVENTHUB")}
    settings = load_settings(
        {
            **environment,
            "AzureWebJobsStorage__accountName": "meshstate",
            "MESH_EVENTHUB__fullyQualifiedNamespace": "mesh.servicebus.windows.net",
        }
    )
    assert settings.storage.tables_endpoint == "https://meshstate.table.core.windows.net"
    assert settings.storage.queues_endpoint == "https://meshstate.queue.core.windows.net"
    assert settings.event_hub.namespace == "mesh.servicebus.windows.net"


def test_a_secret_in_a_setting_is_not_repeated_in_the_message() -> None:
    message = "\n".join(faults(MESH_HUBS='[{"id": 1, "AccountKey": "hunter2"}]', MESH_NAME="!"))
    assert "hunter2" not in message
