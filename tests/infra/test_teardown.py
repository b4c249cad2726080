"""scripts/teardown removes what infra/ deploys and nothing of others, in its order, and may be run again."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.infra import azure_cli
from tests.infra.arm import known
from tests.infra.azure_cli import World
from tests.infra.deployment import SUBSCRIPTION, deployments, known_turns, main_with
from tests.infra.sources import INFRA

pytestmark = pytest.mark.timeout(600)  # each run starts some fifty processes

SCRIPT = INFRA.parent / "scripts" / "teardown"
ORDER = [
    "role assignment delete",  # that of the backstop
    "policy assignment delete",
    "policy set-definition delete",
    "policy definition delete",
    "functionapp config appsettings set",
    "meshplane teardown",
    "eventgrid system-topic delete",
    "monitor diagnostic-settings subscription delete",
    "role assignment delete",
    "role definition delete",
    "ad app delete",
    "group delete",
]
KINDS = {
    "Microsoft.Resources/resourceGroups": "group",
    "Microsoft.Authorization/policyAssignments": "policy assignment",
    "Microsoft.Authorization/policySetDefinitions": "policy set-definition",
    "Microsoft.Authorization/policyDefinitions": "policy definition",
    "Microsoft.Authorization/roleDefinitions": "role definition",
    "Microsoft.Authorization/roleAssignments": "role assignment",
    "Microsoft.EventGrid/systemTopics": "eventgrid system-topic",
    "Microsoft.Insights/diagnosticSettings": "monitor diagnostic-settings subscription",
    "Microsoft.OperationalInsights/workspaces": "monitor log-analytics workspace",
    "Microsoft.Web/sites": "functionapp",
    "Microsoft.Graph/applications": "ad app",
}
"""What does not go with a group, and what tells where something is."""
THEIRS = {"principalId": "theirs", "appId": "theirs"}


@cache
def deployed(name: str) -> list[tuple[str, str, dict[str, Any]]]:
    """What main.bicep deploys with its defaults, by the file that does: the kinds above."""
    return list(_deployed(name))


def _deployed(name: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for file, evaluator in deployments(main_with({"name": name, "codeIsDeployed": True})):
        for resource in file.resources.values():
            if resource.type in KINDS and not resource.is_existing:
                for local in known_turns(evaluator, resource.value):
                    body = known(resource.body, evaluator, local)
                    assert isinstance(body, dict)
                    yield file.path.stem, KINDS[resource.type], body


def world(name: str, others: bool = True) -> World:
    """Azure after a deployment, as the stand-in for `az` knows it; and what others have there."""
    found: World = {kind: [] for kind in (*KINDS.values(), "network vnet")}
    found["settings"] = []
    for number, (file, kind, body) in enumerate(deployed(name)):
        called, properties = str(body.get("name", "")), body.get("properties")
        role = str(properties.get("roleName", "")) if isinstance(properties, dict) else ""
        principal = {"policies": "backstop", "containerrole": "topic"}.get(file, "identity")
        found[kind].append(
            {
                "name": called,
                "in": "main",
                "group": ""
                if kind in ("group", "role assignment") and file != "containerrole"
                else f"rg-{name}",
                "id": f"/assignment/{number}",
                "principalId": "backstop" if kind == "policy assignment" else principal,
                "roleName": role.replace(SUBSCRIPTION, "main"),
                "roleDefinitionId": f"/roles/{number}",
                "appId": f"app-{number}",
                "address": f"api://tenant/{found_name(body)}",
            }
        )
    suffix = found["functionapp"][0]["name"].removeprefix("func-")
    assert [app["address"] for app in found["ad app"]] == [f"api://tenant/{suffix}"]
    if others:
        for kind, theirs in world(f"{name}-too", others=False).items():
            found[kind] += [each | THEIRS | {"id": f"{each['id']}-too"} for each in theirs]
    return found


def found_name(body: dict[str, Any]) -> str:
    return str(body.get("uniqueName", ""))


class Shell:
    """A PATH whose `az` and `meshplane` tell a folder what they were asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.codes("0")
        (folder / "failing").write_text("")
        self.remember(world("m1"))
        program = shlex.join([sys.executable, "-I", "-S", azure_cli.__file__])
        self._write("az", f'exec {program} "$@"')
        self._write(
            "meshplane",
            'echo "meshplane $*" >>"$FAKE_AZURE/calls"; code=$(head -n 1 "$FAKE_AZURE/codes");'
            ' sed -i 1d "$FAKE_AZURE/codes"; exit "$code"',
        )
        self._write("sleep", 'echo "sleep $*" >>"$FAKE_AZURE/calls"')

    def _write(self, name: str, body: str) -> None:
        (self.folder / name).write_text(f"#!/usr/bin/env bash\n{body}\n")
        (self.folder / name).chmod(0o755)

    def codes(self, *codes: str) -> None:
        """With which exit codes `meshplane` ends, one run after the other."""
        (self.folder / "codes").write_text("\n".join(codes) + "\n")

    def remember(self, there: World) -> None:
        (self.folder / "world.json").write_text(json.dumps(there))

    @property
    def world(self) -> World:
        found: World = json.loads((self.folder / "world.json").read_text())
        return found

    def run(self, *args: str, code: int = 0, answer: str = "") -> list[str]:
        """The calls of a run that ends with this code; what it printed is in `out`."""
        (self.folder / "calls").write_text("")
        path = f"{self.folder}{os.pathsep}{os.environ['PATH']}"
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("MESH", "AZURE"))}
        environment = clean | {"PATH": path, "FAKE_AZURE": str(self.folder), "MESHPLANE": "meshplane"}
        ran = subprocess.run(
            [SCRIPT, "--name", "m1", *args],
            env=environment,
            input=answer,
            capture_output=True,
            text=True,
            timeout=250,
            check=False,
        )
        assert ran.returncode == code, ran
        self.out = ran.stdout.splitlines()
        return (self.folder / "calls").read_text().splitlines()


def changes(calls: list[str]) -> list[str]:
    return [c for c in calls if " delete" in c or " set " in c or c.startswith("meshplane")]


def names(there: World) -> dict[str, set[str]]:
    return {
        kind: {f"{each.get('name') or each['address']} {each['principalId']}" for each in found}
        for kind, found in there.items()
        if kind != "settings" and found
    }


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_all_that_is_deployed_goes_in_order_and_nothing_of_another_mesh(shell: Shell) -> None:
    """A dry run before it prints the same and changes nothing; a run after it finds nothing to do."""
    everything = ("--hubs", "--purge")
    assert changes(shell.run("--dry-run", *everything)) == []
    printed = shell.out
    calls = changes(shell.run("--yes", *everything))
    assert printed == [c if c.startswith("meshplane") else f"az {c}" for c in calls]
    theirs = {
        kind: {name for name in found if "m1-too" in name or "theirs" in name}
        for kind, found in names(world("m1")).items()
    }
    assert names(shell.world) == theirs
    steps = [next(step for step in ORDER if c.startswith(step)) for c in calls if "workspace" not in c]
    assert [step for at, step in enumerate(steps) if at == 0 or steps[at - 1] != step] == ORDER
    assert calls[-1].endswith("--name rg-m1")
    assert calls[-2].startswith("monitor log-analytics workspace delete")
    assert changes(shell.run("--yes", "--hubs")) == []


def test_a_run_that_was_cut_off_is_run_again(shell: Shell) -> None:
    (shell.folder / "failing").write_text("role definition delete")
    shell.run(code=1, answer="m1\n")
    (shell.folder / "failing").write_text("")
    shell.codes("0")
    again = changes(shell.run("--yes"))
    assert not [c for c in again if c.startswith(("policy", "functionapp", "eventgrid"))]
    assert again[-1].endswith("--name rg-m1")


def test_what_is_left_of_the_mesh_stops_it_before_anything_that_the_mesh_needs_goes(shell: Shell) -> None:
    """Somebody may go on all the same; a hub that others are peered with stays."""
    there = shell.world
    peered = {"in": "main", "group": "rg-m1-hub-westeurope", "peerings": ["to-on-premises"]}
    there["network vnet"].append(peered)
    shell.remember(there)
    shell.codes("4", "4")
    assert changes(shell.run("--yes", code=4))[-1].startswith("meshplane teardown --watch")
    calls = changes(shell.run("--yes", "--hubs", "--despite-left"))
    assert [c for c in calls if c.startswith("group")] == [
        "group delete --yes --subscription main --name rg-m1"
    ]


def test_an_app_that_starts_anew_is_asked_again_and_a_topic_that_was_there_before_stays(shell: Shell) -> None:
    there = shell.world
    subscription = {"name": "m1-events", "in": "main", "group": "theirs"}
    there["eventgrid system-topic event-subscription"] = [subscription]
    shell.remember(there)
    shell.codes("3", "1", "0")
    (shell.folder / "failing").write_text("monitor diagnostic-settings")  # enough of a run
    calls = shell.run("--yes", "--topic", "theirs/shared", code=1)
    assert len([c for c in calls if c.startswith("meshplane")]) == 3
    assert len([c for c in calls if c.startswith("sleep")]) == 2
    assert not [c for c in calls if c.startswith("eventgrid system-topic delete")]
    assert shell.world["eventgrid system-topic event-subscription"] == []


def test_whoever_does_not_type_its_name_changes_nothing(shell: Shell) -> None:
    assert changes(shell.run(code=1, answer="no\n")) == []


def test_a_subscription_that_joined_is_left_too_and_hubs_stay_unless_they_are_named(shell: Shell) -> None:
    there = shell.world
    for kind in ("policy assignment", "policy definition", "monitor diagnostic-settings subscription"):
        there[kind] += [each | {"in": "other"} for each in there[kind] if "too" not in each["name"]]
    there["group"].append({"name": "rg-m1-events", "in": "other", "principalId": ""})
    topic = {"name": "evgt-m1", "in": "other", "group": "rg-m1-events", "principalId": ""}
    there["eventgrid system-topic"].append(topic)
    shell.remember(there)
    shell.run("--yes", "--member", "other")
    assert [each for found in shell.world.values() for each in found if each.get("in") == "other"] == []
    assert "rg-m1-hub-westeurope" in {group["name"] for group in shell.world["group"]}
