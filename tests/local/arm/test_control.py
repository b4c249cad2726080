"""The control endpoint: faults, modes, the log of requests, state."""

import json
from pathlib import Path

import aiohttp
import pytest

from local.arm.documents import objects_in
from local.arm.persistence import InvalidState, load, load_file
from tests.support.local_arm import (
    INSIGHTS,
    NETWORK,
    LocalArm,
    group_path,
    network_path,
    resource_path,
    running_arm,
)

GROUP = group_path("node-a")


async def test_a_fault_hits_as_often_as_it_says(arm: LocalArm) -> None:
    """Status, code, message and headers as given, for matching requests only; then all is well again."""
    fault = {
        "match": {"operation": "resourceGroups/read$", "kind": "read", "principal": "tests"},
        "status": 503,
        "code": "ServerTimeout",
        "message": "Later.",
        "headers": {"Retry-After": "7"},
        "times": 2,
    }
    await arm.make_group("node-a")
    await arm.control("POST", "/faults", fault)
    assert (await arm.call("GET", GROUP, principal="another")).status == 200
    hit = [await arm.call("GET", GROUP) for _ in range(3)]
    assert [answer.status for answer in hit] == [503, 503, 200]
    assert (hit[0].error, hit[0].headers["Retry-After"]) == ("ServerTimeout", "7")
    assert objects_in(await arm.control("GET", "/faults"), "value")[0]["hits"] == 2


async def test_a_permanent_fault_ends_when_it_is_removed(arm: LocalArm) -> None:
    """`times: null` goes on until DELETE, of the one by its id or of all."""
    for status in (500, 503):
        fault = {"match": {"path": "/resourcegroups"}, "status": status, "times": None}
        await arm.control("POST", "/faults", fault)
    assert [(await arm.call("GET", GROUP)).status for _ in range(3)] == [500] * 3
    first = str(objects_in(await arm.control("GET", "/faults"), "value")[0]["id"])
    await arm.control("DELETE", f"/faults/{first}")
    assert (await arm.call("GET", GROUP)).status == 503
    await arm.control("DELETE", "/faults")
    assert (await arm.call("GET", GROUP)).status == 404


@pytest.mark.parametrize(("moment", "exists"), [("before", False), ("after", True)])
async def test_a_dropped_connection(arm: LocalArm, moment: str, exists: bool) -> None:
    """The client sees the connection break; the write has happened, or has not.

    Twice, because aiohttp by itself repeats an idempotent request once on a fresh connection.
    """
    await arm.control("POST", "/faults", {"match": {"method": "PUT"}, "drop": moment, "times": 2})
    with pytest.raises(aiohttp.ClientConnectionError):
        await arm.call("PUT", GROUP, {"location": "westeurope"})
    assert ((await arm.call("GET", GROUP)).status == 200) == exists
    log = objects_in(await arm.control("GET", "/operations"), "value")
    assert (log[0]["status"], log[0]["method"]) == (0, "PUT")


async def test_every_request_is_logged_with_who_and_what(arm: LocalArm) -> None:
    """Principal, action name, kind, status and error code; `since` gives the later ones; DELETE forgets."""
    await arm.make_group("node-a")
    network = network_path("node-a", "v") + "/virtualNetworkPeerings/p"
    await arm.call("GET", network, version=NETWORK, principal="reader")
    log = objects_in(await arm.control("GET", "/operations"), "value")
    assert [(entry["principal"], entry["operation"], entry["kind"], entry["status"]) for entry in log] == [
        ("tests", "Microsoft.Resources/subscriptions/resourceGroups/write", "write", 201),
        ("reader", "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/read", "read", 404),
    ]
    assert log[1]["error"] == "ParentResourceNotFound"
    later = await arm.control("GET", f"/operations?since={log[0]['number']}")
    assert len(objects_in(later, "value")) == 1
    await arm.control("DELETE", "/operations")
    assert await arm.control("GET", "/operations") == {"value": []}


async def test_modes_are_read_changed_and_reset(arm: LocalArm) -> None:
    """What a change leaves out stays; reset empties the subscription and restores the defaults."""
    before = await arm.control("GET", "/mode")
    change = {
        "latency_ms": 1,
        "page_size": 3,
        "throttling": {"enabled": True, "reads": {"size": 9, "per_second": 1}},
    }
    changed = await arm.control("PUT", "/mode", change)
    assert (changed["latency_ms"], changed["page_size"], changed["operations"]) == (
        1,
        3,
        before["operations"],
    )
    await arm.make_group("node-a")
    await arm.control("POST", "/reset")
    assert await arm.control("GET", "/mode") == before
    assert (await arm.call("GET", GROUP)).status == 404


async def test_what_cannot_be_understood_is_a_400(arm: LocalArm) -> None:
    """A misspelled field, a body that is no JSON, a state of another version, no file to save to."""
    for method, path, body in (
        ("PUT", "/mode", {"latencyms": 1}),
        ("POST", "/faults", {"status": "bad"}),
        ("PUT", "/state", {"version": 9}),
        ("POST", "/state/save", None),
    ):
        async with arm.session.request(method, f"{arm.url}/_control{path}", json=body) as response:
            assert (response.status, "message" in await response.json()) == (400, True)


async def _populated(arm: LocalArm) -> None:
    await arm.make_group("node-a", tags={"mesh-node": "a"})
    spoke = await arm.make_network("node-a", "spoke", "10.1.0.0/16")
    hub = await arm.make_network("node-a", "hub", "10.0.0.0/16")
    await arm.peer(spoke, hub, "to-hub")
    await arm.peer(hub, spoke, "to-spoke")
    await arm.make("node-a", "Microsoft.OperationalInsights/workspaces/logs")
    workspace = resource_path("node-a", "Microsoft.OperationalInsights/workspaces/logs")
    properties = {"workspaceId": workspace, "logs": [{"categoryGroup": "allLogs", "enabled": True}]}
    setting = spoke + "/providers/Microsoft.Insights/diagnosticSettings/one"
    made = await arm.call("PUT", setting, {"properties": properties}, version=INSIGHTS)
    assert made.status == 200


async def test_state_is_saved_and_loaded(arm: LocalArm, tmp_path: Path) -> None:
    """A server that loads another's state answers every read as the other did, etags included."""
    await _populated(arm)
    state = await arm.control("GET", "/state")
    spoke = network_path("node-a", "spoke")
    reads = [
        (GROUP, "2022-09-01"),
        (GROUP + "/resources", "2022-09-01"),
        (spoke, NETWORK),
        (spoke + "/providers/Microsoft.Insights/diagnosticSettings/one", INSIGHTS),
    ]
    expected = [(await arm.call("GET", path, version=version)).body for path, version in reads]
    state_file = tmp_path / "state.json"
    async with running_arm(tmp_path, state_file=state_file) as other:
        await other.control("PUT", "/state", state)
        assert [(await other.call("GET", path, version=version)).body for path, version in reads] == expected
        await other.control("POST", "/state/save")
        assert await other.control("GET", "/state") == state
    assert json.loads(state_file.read_text()) == state


async def test_a_state_file_that_is_none(arm: LocalArm, tmp_path: Path) -> None:
    """Broken files are named as such, and change nothing."""
    await arm.make_group("node-a")
    file = tmp_path / "state.json"
    file.write_text("[]")
    with pytest.raises(InvalidState, match="JSON object"):
        load_file(arm.manager, file)
    with pytest.raises(InvalidState, match="name is missing"):
        load(arm.manager, {"version": 1, "groups": [{"subscription": "s"}]})
    assert (await arm.call("GET", GROUP)).status == 200


async def test_running_operations_survive_a_restart_without_claims(arm: LocalArm, tmp_path: Path) -> None:
    """A deletion that ran when the state was saved goes on after loading; no claim is in the file."""
    await arm.make_group("node-a")
    await arm.control("PUT", "/mode", {"operations": {"advance": "after-reads", "amount": 5}})
    await arm.call("DELETE", GROUP)
    state = await arm.control("GET", "/state")
    assert "sts.windows.net" not in json.dumps(state)
    async with running_arm(tmp_path) as other:
        await other.control("PUT", "/state", state)
        assert (await other.call("GET", GROUP)).status == 404
