"""`local.settings.sample.json` is complete: copied, it runs the app beside the local Azure at its addresses."""

import json
import re
import shutil
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import cast

import pytest

from demo.addresses import FUNCTIONS_PORT, PortTaken, check_free, sample_ports, sample_settings
from demo.stack import POOLS, REGION, ZONES, app_settings, hub_settings, sink_settings
from local.arm.resource_manager import DEFAULT_SUBSCRIPTION
from local.caller import Caller, Json
from local.stack import Endpoints
from tests.e2e.azure import wait_for
from tests.e2e.program import running

ROOT = Path(__file__).resolve().parents[2]
SUBSCRIPTION = f"/subscriptions/{DEFAULT_SUBSCRIPTION}"
# Shorter times than in the cloud, an absolute path, and addresses of storage instead of a word for them.
OTHERS = {
    "AzureWebJobsStorage",
    "MESH_EVENT_DELAY_SECONDS",
    "MESH_HUBS",
    "MESH_JUDGE_SCHEDULE",
    "MESH_RESYNC_SCHEDULE",
    "MESH_SINKS",
    "SSL_CERT_FILE",
}


def test_it_is_what_make_up_gives_the_app() -> None:
    """Every name, and every value but times and paths; hubs and sinks are those that `make up` creates."""
    sample = sample_settings()
    ports = sample_ports()
    given = app_settings(
        Endpoints(
            resource_manager=f"https://localhost:{ports.resource_manager}",
            control="",
            ca_file=Path("ca.pem"),
            ca_bundle=Path("ca-bundle.pem"),
            identity_endpoint=f"http://127.0.0.1:{ports.identity}/msi/token",
            identity_headers={"app": sample["IDENTITY_HEADER"]},
            storage_connection_string="",
            blobs="",
            queues="",
            tables="",
            event_hubs_connection_string=sample["MESH_EVENTHUB"],
            event_hubs_namespace="",
            logs=f"https://localhost:{ports.logs}",
            subscriptions=(DEFAULT_SUBSCRIPTION,),
            tenant="",
        )
    )
    assert given.keys() == sample.keys()
    assert {name for name in given if given[name] != sample[name]} <= OTHERS
    assert sample["MESH_HUBS"] == hub_settings(DEFAULT_SUBSCRIPTION, ZONES, POOLS)
    assert sample["MESH_SINKS"] == sink_settings(DEFAULT_SUBSCRIPTION)


def test_what_listens_there_already_is_named() -> None:
    """Before anything is started, with the way out."""
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"{port} \(resource manager\).*--free-ports"):
            check_free({"resource_manager": port, "logs": 0})
    check_free({"resource_manager": port, "logs": 0})


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A folder as a person has it: the app, and the sample copied to local.settings.json."""
    for name in ("function_app.py", "functions", "shared", "infra", "host.json"):
        (tmp_path / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "local.settings.sample.json", tmp_path / "local.settings.json")
    return tmp_path


@pytest.fixture
def operator(app: Path) -> Iterator[Caller]:
    """`make up ARGS=--azure-only` and the local host beside it, as two terminals; a person who calls Azure."""
    try:
        check_free({**asdict(sample_ports()), "functions": FUNCTIONS_PORT})
    except PortTaken as error:
        pytest.skip(f"the sample's addresses are in use: {error}")
    folder = app / ".local-azure"
    with running("demo.up", "--azure-only", "--folder", str(folder)) as azure:
        command = azure.read_until("local.functions_host", 120)
        azure.read_until("Ctrl-C stops everything.", 10)
        header = re.search(r"export IDENTITY_HEADER=(\S+)", azure.output)
        assert header is not None, azure.output
        keys = command.rpartition(" ")[2].strip()
        port = str(FUNCTIONS_PORT)
        with running("local.functions_host", "--app", str(app), "--port", port, "--keys-file", keys):
            azure.read_until("Event Grid delivers to", 120)
            sample = sample_settings()
            authority = folder / "certificates" / "ca.pem"
            yield Caller(sample["MESH_RESOURCE_MANAGER"], authority, sample["IDENTITY_ENDPOINT"], header[1])


@pytest.mark.stack
@pytest.mark.xdist_group("package")
@pytest.mark.timeout(600)
def test_the_local_host_runs_on_it(app: Path, operator: Caller) -> None:
    """With nothing but the copied file, a tagged group's network comes to be peered with the hub's."""
    group = f"{SUBSCRIPTION}/resourceGroups/orders"
    network = f"{group}/providers/Microsoft.Network/virtualNetworks/net"
    space = {"addressSpace": {"addressPrefixes": ["10.1.0.0/16"]}}
    tagged = {"location": REGION, "tags": {"mesh-node": "orders"}}
    operator.complete("PUT", f"{group}?api-version=2021-04-01", tagged)
    operator.complete("PUT", f"{network}?api-version=2023-09-01", {"location": REGION, "properties": space})
    key = json.loads((app / ".local-azure" / "functions-keys.json").read_text())["functionKey"]
    node = f"http://localhost:{FUNCTIONS_PORT}/api/nodes/{DEFAULT_SUBSCRIPTION}/orders"

    assert wait_for("orders Ready", lambda: _ready(node, key), 120)
    health = wait_for("every dependency to answer", lambda: _healthy(key), 120)
    assert {"event-hub mesh-events", "event-hub telemetry"} <= health
    peerings = operator.request("GET", f"{network}/virtualNetworkPeerings?api-version=2023-09-01").body
    assert [
        cast(Json, each["properties"])["peeringState"] for each in cast(list[Json], peerings["value"])
    ] == ["Connected"]


def _healthy(key: str) -> set[str] | None:
    """The names of the dependencies once all of them answer: Event Hubs takes the sample's key, too."""
    address = f"http://localhost:{FUNCTIONS_PORT}/api/health"
    request = urllib.request.Request(address, headers={"x-functions-key": key})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return {str(each["name"]) for each in json.load(answer)["dependencies"]}
    except urllib.error.HTTPError as error:
        error.close()
        return None


def _ready(node: str, key: str) -> Json | None:
    request = urllib.request.Request(node, headers={"x-functions-key": key})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            found = cast(Json, json.load(answer))
    except urllib.error.HTTPError as error:
        error.close()
        return None
    return found if found["state"] == "Ready" else None
