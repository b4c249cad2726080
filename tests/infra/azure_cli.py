"""A stand-in for `az` on a PATH: answers lists out of a file of what there is, and takes out of it what is deleted.

Knows the commands and queries of scripts/teardown, and fails on any other. Run as a program by that alone.
"""

import json
import os
import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any  # it is started many times a test, and this is slow to import

KINDS = {
    "functionapp": "name",
    "group": "name",
    "policy assignment": "name",
    "policy set-definition": "name",
    "policy definition": "name",
    "role assignment": "id",
    "role definition": "name",
    "eventgrid system-topic": "name",
    "eventgrid system-topic event-subscription": "name",
    "monitor diagnostic-settings subscription": "name",
    "ad app": "appId",
    "network vnet": "name",
    "monitor log-analytics workspace": "name",
}
KEYS = ("--name", "--ids", "--id", "--workspace-name")
SINGLE = {
    "id": "main",
    "tenantId": "tenant",
    "defaultHostName": "mesh.example",
    "functionKeys.default": "key",
}

type World = "dict[str, list[dict[str, Any]]]"


def options(args: list[str]) -> dict[str, str]:
    """Each option with the value after it."""
    return {name: value for name, value in zip(args, [*args[1:], ""], strict=True) if name.startswith("--")}


def queried(found: "list[dict[str, Any]]", query: str) -> list[str]:
    """What the few forms of JMESPath in that script find."""
    if query == "[].virtualNetworkPeerings[].name":
        return [name for each in found for name in each.get("peerings", [])]
    match = re.fullmatch(
        r"(?:\(value \|\| @\))?\[(?:\?(?:(\w+)\()?(\w+)(?:==|, )'([^']*)'\)?)?\]\.(?:identity\.)?(\w+)", query
    )
    assert match, query
    call, member, value, shown = match.groups()
    return [str(each[shown]) for each in found if not member or fits(call, str(each[member]), value)]


def fits(call: str | None, text: str, value: str) -> bool:
    """Whether a text is as a query wants it."""
    if call == "starts_with":
        return text.startswith(value)
    return text.endswith(value) if call == "ends_with" else text == value


def answer(args: list[str], world: World) -> str:
    """What a command prints; deletes change the world."""
    given = options(args)
    words = " ".join(args[: next((i for i, a in enumerate(args) if a.startswith("--")), len(args))])
    place = given.get("--subscription", "main")
    if words == "group exists":
        there = any((g["name"], g["in"]) == (given["--name"], place) for g in world["group"])
        return str(there).lower()
    if words == "functionapp config appsettings list":
        return "\n".join(queried(world["settings"], given["--query"]))
    if words == "functionapp config appsettings set":
        name, _, value = given["--settings"].partition("=")
        world["settings"] = [{"name": name, "value": value}]
        return ""
    kind, _, verb = words.rpartition(" ")
    if verb in ("show", "keys list") or kind in ("account", "functionapp keys"):
        return SINGLE.get(given["--query"], "identity")
    wanted = [
        each for each in world.get(kind, []) if kind == "ad app" or "--ids" in given or each["in"] == place
    ]
    if "--resource-group" in given:
        wanted = [each for each in wanted if each["group"] == given["--resource-group"]]
    if verb == "list":
        address = given.get("--identifier-uri")
        return "\n".join(
            queried([e for e in wanted if address in (None, e.get("address"))], given["--query"])
        )
    assert verb == "delete", args
    key = next(given[name] for name in KEYS if name in given)
    [gone] = [each for each in wanted if each[KINDS[kind]] == key]
    world[kind].remove(gone)
    if kind == "group":
        for of in world.values():
            of[:] = [each for each in of if (each.get("group"), each.get("in")) != (key, place)]
    return ""


def main() -> None:
    folder, args = os.environ["FAKE_AZURE"], sys.argv[1:]
    said = " ".join(args)
    with open(f"{folder}/calls", "a") as calls:
        calls.write(f"{said}\n")
    with open(f"{folder}/failing") as failing:
        if any(each in said for each in failing.read().splitlines()):
            sys.exit("ERROR: not now")
    with open(f"{folder}/world.json") as file:
        before = file.read()
    world = json.loads(before)
    print(answer(args, world))
    if (after := json.dumps(world)) != before:  # a list may be read while what it names is deleted
        with open(f"{folder}/world.json", "w") as file:
            file.write(after)


if __name__ == "__main__":
    main()
