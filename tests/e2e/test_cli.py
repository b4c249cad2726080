"""The command line against the running mesh: nodes, an edge from its request to its end, and the doctor."""

import json
import os
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.asking import Desk
from tests.e2e.mesh import Mesh

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack-edges"), pytest.mark.timeout(900)]

COMMAND = Path(sys.executable).parent / "meshplane"
PATIENCE = 240


def meshplane(mesh: Mesh, *args: str, codes: Collection[int] = (0,)) -> Any:
    """What a command says as JSON, once it has ended with one of these exit codes; None where it says nothing."""
    known = {name: value for name, value in os.environ.items() if not name.startswith("MESHPLANE_")}
    ran = subprocess.run(
        [COMMAND, *args, "--output", "json"],
        env={
            **known,
            "MESHPLANE_URL": mesh.app.endpoint,
            "MESHPLANE_KEY": mesh.app.function_key,
            "NO_PROXY": "*",
        },
        capture_output=True,
        text=True,
        timeout=PATIENCE + 30,
        check=False,
    )
    assert ran.returncode in codes, ran
    return json.loads(ran.stdout or "null")


def test_an_edge_is_asked_for_approved_watched_and_given_up_from_a_shell(mesh: Mesh) -> None:
    """Each wait is for a state that stays; what was revoked cannot become Active, which is an exit code of its own."""
    desk, reader, shop = Desk(mesh, mesh.app), "shell-reader", "shell-shop"
    desk.nodes((reader, "none", ()), (shop, "none", ("blob",)))
    consumer, provider = f"{mesh.subscription}/{reader}", f"{mesh.subscription}/{shop}"
    found = {
        f"{n['subscription']}/{n['group']}" for n in meshplane(mesh, "nodes", "list", "--state", "Ready")
    }
    assert {consumer, provider} <= found

    way = (consumer, provider, "-i", "storage", "-t", desk.target(shop, "blob"), "-p", "to be tested")
    assert meshplane(mesh, "plan", "edge", *way)["route"]["exposure"] == "service-endpoint"
    edge = meshplane(mesh, "edges", "request", *way, "--idempotency-key", "from-a-shell")["id"]
    assert meshplane(mesh, "edges", "request", *way, "--idempotency-key", "from-a-shell")["id"] == edge
    meshplane(mesh, "edges", "approve", edge, "--reason", "it is a test")
    watched = ("edges", "watch", edge, "--timeout", str(PATIENCE), "--interval", "0.5")
    active = meshplane(mesh, *watched)
    assert active["route"]["exposure"] == "service-endpoint"
    assert [each["id"] for each in meshplane(mesh, "edges", "list", "--consumer", consumer)] == [edge]

    meshplane(mesh, "edges", "revoke", edge, "--reason", "it is over")
    assert meshplane(mesh, *watched, "--until", "Revoked")["state"] == "Revoked"
    meshplane(mesh, *watched, "--until", "Active", codes=(4,))
    meshplane(mesh, "edges", "approve", edge, "--reason", "once more", codes=(1,))


def test_the_doctor_finds_the_running_mesh_in_order(mesh: Mesh) -> None:
    """From outside and from within: rights are those of infra/roles, every dependency answers, no key is overdue.

    Hubs, nodes and dead letters of other tests may be in any state: of them it may say what it likes.
    """
    told = meshplane(mesh, "doctor", codes=(0, 6))
    assert {each["severity"] for each in told["outside"]} == {""}
    assert {each["name"] for each in told["dependencies"]} >= {"tables", "queue", "rules"}
    assert all(each["healthy"] for each in told["dependencies"])
    codes = {each["code"]: each["severity"] for each in told["findings"]}
    assert {"CallersUnknown", "SecretInSettings", "DataRightsNotAsked"} <= set(codes)
    assert not set(codes) & {"RightsMissing", "RightsNotTold", "RolesNotDeployed"}
    assert {code for code, severity in codes.items() if severity == "error"} <= {"HubNotReady"}
