"""Named queries through the whole stack: producer, Event Hub, log store, app, HTTP."""

from datetime import UTC, datetime

import pytest

from demo.stack import ROOT
from local.caller import Json
from tests.e2e.mesh import Mesh, wait_for
from tests.e2e.test_telemetry import body, record

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack"), pytest.mark.timeout(900)]


def now(entry: Json) -> Json:
    return {**entry, "time": datetime.now(UTC).isoformat()}


def rows(mesh: Mesh, path: str) -> list[Json]:
    """The rows of a query's answer."""
    answer = mesh.api(f"telemetry/{path}")
    assert answer.status == 200, answer.text
    found = answer.body["rows"]
    assert isinstance(found, list)
    return found


def test_errors_of_a_node_are_found_by_their_name_alone(mesh: Mesh) -> None:
    """What went into the Event Hub comes out of the API as rows of the node that was asked for, and of no other."""
    denied = now(record(mesh.vault_id("queried"), "SecretGet"))
    quiet = now(record(mesh.vault_id("queried"), "SecretList", "Informational"))
    other = now(record(mesh.vault_id("unqueried"), "KeySign"))
    mesh.send([body(denied, denied), body(quiet, other)], "1")
    node = f"node/{mesh.subscription}/queried"
    found = wait_for(
        "two errors",
        lambda: [r for r in rows(mesh, f"errors?hours=1&node={node}") if r["Errors"] == 2],
    )
    assert [(r["Node"], r["Category"], r["Operation"]) for r in found] == [(node, "AuditEvent", "SecretGet")]
    assert datetime.fromisoformat(str(found[0]["LastSeen"])) <= datetime.now(UTC)
    [refused] = [r for r in rows(mesh, f"key-vault-denials?node={node}") if r["Operation"] == "SecretGet"]
    assert (refused["Denials"], refused["Vault"]) == (2, mesh.vault_id("queried").lower().rpartition("/")[2])


def test_every_named_query_is_answered(mesh: Mesh) -> None:
    """Through the client that asks Azure Monitor in the cloud."""
    listed = mesh.api("telemetry").body["items"]
    assert isinstance(listed, list)
    names = [str(query["name"]) for query in listed]
    assert sorted(names) == sorted(path.stem for path in (ROOT / "infra/queries").glob("*.kql"))
    for name in names:
        assert mesh.api(f"telemetry/{name}").status == 200, name


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("errors?kql=AzureDiagnostics", 400),
        ("errors?hours=1%20or%20true", 400),
        ("errors?node=%27%20or%20true%20or%20%27", 200),
        ("anything", 404),
    ],
)
def test_nothing_but_the_named_and_their_parameters_is_taken(mesh: Mesh, path: str, status: int) -> None:
    answer = mesh.api(f"telemetry/{path}")
    assert answer.status == status, answer.text
    assert answer.body.get("rows", []) == []
