"""The command line against the running mesh: nodes, an edge from its request to its end, and the doctor."""

import pytest

from tests.e2e.asking import Desk
from tests.e2e.mesh import Mesh
from tests.e2e.shell import PATIENCE, meshplane

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack-edges"), pytest.mark.timeout(900)]


def test_an_edge_is_asked_for_approved_watched_and_given_up_from_a_shell(mesh: Mesh) -> None:
    """Each wait is for a state that stays; what was revoked cannot become Active, which is an exit code of its own."""
    desk, reader, shop = Desk(mesh, mesh.app), "shell-reader", "shell-shop"
    desk.nodes((reader, "none", ()), (shop, "none", ("blob",)))
    consumer, provider = f"{mesh.subscription}/{reader}", f"{mesh.subscription}/{shop}"
    found = {
        f"{n['subscription']}/{n['group']}" for n in meshplane(mesh.app, "nodes", "list", "--state", "Ready")
    }
    assert {consumer, provider} <= found

    way = (consumer, provider, "-i", "storage", "-t", desk.target(shop, "blob"), "-p", "to be tested")
    assert meshplane(mesh.app, "plan", "edge", *way)["route"]["exposure"] == "service-endpoint"
    edge = meshplane(mesh.app, "edges", "request", *way, "--idempotency-key", "from-a-shell")["id"]
    assert meshplane(mesh.app, "edges", "request", *way, "--idempotency-key", "from-a-shell")["id"] == edge
    meshplane(mesh.app, "edges", "approve", edge, "--reason", "it is a test")
    watched = ("edges", "watch", edge, "--timeout", str(PATIENCE), "--interval", "0.5")
    active = meshplane(mesh.app, *watched)
    assert active["route"]["exposure"] == "service-endpoint"
    assert [each["id"] for each in meshplane(mesh.app, "edges", "list", "--consumer", consumer)] == [edge]

    meshplane(mesh.app, "edges", "revoke", edge, "--reason", "it is over")
    assert meshplane(mesh.app, *watched, "--until", "Revoked")["state"] == "Revoked"
    meshplane(mesh.app, *watched, "--until", "Active", codes=(4,))
    meshplane(mesh.app, "edges", "approve", edge, "--reason", "once more", codes=(1,))


def test_the_doctor_finds_the_running_mesh_in_order(mesh: Mesh) -> None:
    """From outside and from within: rights are those of infra/roles, every dependency answers, no key is overdue.

    Hubs, nodes and dead letters of other tests may be in any state: of them it may say what it likes.
    """
    told = meshplane(mesh.app, "doctor", codes=(0, 6))
    assert {each["severity"] for each in told["outside"]} == {""}
    assert {each["name"] for each in told["dependencies"]} >= {"tables", "queue", "rules"}
    assert all(each["healthy"] for each in told["dependencies"])
    codes = {each["code"]: each["severity"] for each in told["findings"]}
    assert {"CallersUnknown", "SecretInSettings", "DataRightsNotAsked"} <= set(codes)
    assert not set(codes) & {"RightsMissing", "RightsNotTold", "RolesNotDeployed"}
    assert {code for code, severity in codes.items() if severity == "error"} <= {"HubNotReady"}
