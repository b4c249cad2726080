"""The real `az` CLI against the local Resource Manager: what a person types works."""

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from local.arm.documents import Json, JsonObject, object_in
from tests.local.arm.test_process import Processes, write_files
from tests.support.local_arm import SUBSCRIPTION

AZ = os.environ.get("MESHPLANE_AZ") or shutil.which("az")

pytestmark = [
    pytest.mark.stack,
    pytest.mark.timeout(300),
    pytest.mark.skipif(AZ is None, reason="the az CLI is not installed (set MESHPLANE_AZ to its path)"),
]


@dataclass(frozen=True, slots=True)
class Cli:
    environment: dict[str, str]

    def __call__(self, command: str) -> Json:
        """Run one command; its JSON output, None where it prints nothing."""
        assert AZ is not None
        done = subprocess.run(
            [AZ, *command.split(" "), "--output", "json"],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"az {command}: {done.stderr}"
        return cast(Json, json.loads(done.stdout)) if done.stdout.strip() else None


@pytest.fixture
def az(tmp_path: Path) -> Iterator[Cli]:
    """The CLI, registered with the local cloud and signed in, in a configuration folder of its own."""
    processes = Processes(tmp_path)
    options = write_files(tmp_path)
    key = str(tmp_path / "token.key")
    header = secrets.token_hex(16)
    try:
        identity = processes.start("local.identity", "--token-key-file", key, "--principal", f"az={header}")
        arm = processes.start("local.arm", *options)
        cli = Cli(
            {
                **os.environ,
                "AZURE_CONFIG_DIR": str(tmp_path / "azure"),
                "AZURE_CORE_COLLECT_TELEMETRY": "false",
                "REQUESTS_CA_BUNDLE": str(tmp_path / "ca.pem"),
                "IDENTITY_ENDPOINT": str(identity["endpoint"]),
                "IDENTITY_HEADER": header,
            }
        )
        cli(f"cloud register --name local --endpoint-resource-manager {arm['endpoint']}")
        cli("cloud set --name local")
        cli("login --identity")
        yield cli
    finally:
        processes.stop()


def _objects(answer: Json) -> list[JsonObject]:
    assert isinstance(answer, list)
    return [item for item in answer if isinstance(item, dict)]


def _object(answer: Json) -> JsonObject:
    assert isinstance(answer, dict)
    return answer


def test_a_person_builds_and_removes_a_node(az: Cli) -> None:
    """Groups, tags, networks, peerings, a workspace, diagnostic settings, lists, and the end of it all."""
    az("group create --name node --location westeurope --tags mesh-node=sales")
    az("group update --name node --set tags.mesh-owner=team")
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/node"
    tagged = _object(az(f"tag update --resource-id {group} --operation merge --tags mesh-domain=trade"))
    assert object_in(tagged, "properties", "tags") == {
        "mesh-node": "sales",
        "mesh-owner": "team",
        "mesh-domain": "trade",
    }
    az(
        "network vnet create -g node -n spoke --address-prefixes 10.1.0.0/16"
        " --subnet-name d --subnet-prefixes 10.1.0.0/24"
    )
    az("network vnet create -g node -n hub --address-prefixes 10.0.0.0/16")
    az(
        "network vnet peering create -g node -n to-hub --vnet-name spoke --remote-vnet hub --allow-vnet-access"
    )
    az(
        "network vnet peering create -g node -n to-spoke --vnet-name hub --remote-vnet spoke --allow-vnet-access"
    )
    peerings = _objects(az("network vnet peering list -g node --vnet-name spoke"))
    assert [(item["name"], item["peeringState"]) for item in peerings] == [("to-hub", "Connected")]
    az("monitor log-analytics workspace create -g node -n logs -l westeurope")
    az("storage account create -g node -n meshacct -l westeurope --sku Standard_LRS")
    spoke = f"{group}/providers/Microsoft.Network/virtualNetworks/spoke"
    workspace = f"{group}/providers/Microsoft.OperationalInsights/workspaces/logs"
    logs = '[{"categoryGroup":"allLogs","enabled":true}]'
    az(f"monitor diagnostic-settings create --resource {spoke} -n mesh --workspace {workspace} --logs {logs}")
    settings = _objects(az(f"monitor diagnostic-settings list --resource {spoke}"))
    assert [(item["name"], item["workspaceId"]) for item in settings] == [("mesh", workspace)]
    listed = _objects(az("resource list -g node"))
    assert sorted(str(item["name"]) for item in listed) == ["hub", "logs", "meshacct", "spoke"]
    az("group delete --name node --yes")
    assert az("group exists --name node") is False
