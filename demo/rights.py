"""Gives the app's identity the mesh's roles of infra/roles through Microsoft.Authorization, as a deployment does."""

import json
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from local.caller import Caller
from local.identity.tokens import ManagedIdentity

type Role = Literal["node", "hub", "operations", "sink"]

FOLDER = Path(__file__).resolve().parent.parent / "infra" / "roles"
APP = ManagedIdentity("app").object_id
VERSION = "2022-04-01"
_NAMES = uuid.UUID("8d4f7f6e-6c1b-4f0a-9a57-2f1f3c7f0e52")


def grant(caller: Caller, scopes: Mapping[Role, Iterable[str]]) -> None:
    """Defines each role for the subscriptions of its scopes, and assigns it there."""
    for role, places in scopes.items():
        listed = sorted(set(places))
        define(caller, role, listed)
        for scope in listed:
            assign(caller, role, scope)


def define(caller: Caller, role: Role, scopes: Iterable[str]) -> None:
    """The role of a file, assignable in the subscriptions of some scopes."""
    subscriptions = sorted({subscription_of(scope) for scope in scopes})
    caller.request(
        "PUT",
        f"{definition(subscriptions[0], role)}?api-version={VERSION}",
        definition_body(role, subscriptions),
    )


def assign(caller: Caller, role: Role, scope: str, principal: str = APP) -> None:
    body = {
        "properties": {
            "roleDefinitionId": definition(subscription_of(scope), role),
            "principalId": principal,
            "principalType": "ServicePrincipal",
        }
    }
    caller.request("PUT", f"{assignment(role, scope, principal)}?api-version={VERSION}", body)


def revoke(caller: Caller, role: Role, scope: str, principal: str = APP) -> None:
    caller.request("DELETE", f"{assignment(role, scope, principal)}?api-version={VERSION}")


def definition_body(role: Role, subscriptions: Iterable[str]) -> dict[str, object]:
    """What Microsoft.Authorization takes for the role of a file."""
    found = json.loads((FOLDER / f"{role}.json").read_text())
    permission = {name: found[name] for name in ("actions", "notActions", "dataActions", "notDataActions")}
    return {
        "properties": {
            "roleName": found["name"],
            "description": found["description"],
            "permissions": [permission],
            "assignableScopes": list(subscriptions),
        }
    }


def assignment(role: Role, scope: str, principal: str = APP) -> str:
    """The id of the assignment of a role at a scope."""
    name = uuid.uuid5(_NAMES, f"{role}/{scope}/{principal}".lower())
    return f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}"


def group_of(resource: str) -> str:
    """The id of the group that a resource lies in."""
    return "/".join(resource.split("/")[:5])


def definition(subscription: str, role: Role) -> str:
    return f"{subscription}/providers/Microsoft.Authorization/roleDefinitions/{uuid.uuid5(_NAMES, role)}"


def subscription_of(scope: str) -> str:
    return "/".join(scope.split("/")[:3])
