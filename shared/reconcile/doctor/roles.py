"""Which rights the identity needs at which scope, by the roles in `infra/roles`, and which of them it lacks. Pure.

Where each role is assigned: `infra/roles/README.md`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from shared.domain.examination import Trouble
from shared.domain.ids import NodeKey, normal_id
from shared.domain.mesh import Mesh
from shared.domain.permissions import Permission, allowed

type RoleName = Literal["node", "hub", "operations", "sink"]
NAMES: tuple[RoleName, ...] = ("node", "hub", "operations", "sink")


class Role(msgspec.Struct, frozen=True):
    """A role file: what a custom role of Azure's is made of."""

    name: str
    actions: tuple[str, ...]


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription or a group at which `actions` of a role are needed; `within`: or at this resource in it."""

    id: str
    role: str
    actions: tuple[str, ...]
    within: str = ""


def read_roles(folder: Path) -> dict[RoleName, Role]:
    """The roles that are deployed with the app. Raises FileNotFoundError, msgspec.DecodeError."""
    return {name: msgspec.json.decode((folder / f"{name}.json").read_bytes(), type=Role) for name in NAMES}


def scopes_of(mesh: Mesh, roles: Mapping[RoleName, Role]) -> list[Scope]:
    """Every scope of the mesh at which something is needed."""
    return [
        *(_whole(f"/subscriptions/{each}", roles["node"]) for each in mesh.subscriptions),
        *_of_hubs(mesh, roles),
        *_of_sinks(mesh, roles["sink"]),
    ]


def _of_hubs(mesh: Mesh, roles: Mapping[RoleName, Role]) -> Iterator[Scope]:
    """A hub's group needs what is about networks, a zone's group what is about zones."""
    found: dict[Scope, None] = {}
    for hub in mesh.hubs:
        found.update(dict.fromkeys(_at(hub.network, roles["hub"], "Microsoft.Network/virtualNetworks")))
        for zone in hub.zones:
            found.update(dict.fromkeys(_at(zone, roles["hub"], "Microsoft.Network/privateDns")))
        subscription = _subscription(hub.network)
        if subscription and subscription not in mesh.subscriptions:
            found[_whole(f"/subscriptions/{subscription}", roles["operations"])] = None
    yield from found


def _of_sinks(mesh: Mesh, role: Role) -> Iterator[Scope]:
    """Each sink needs what is about its own kind of resource."""
    roots = [normal_id(hub.workspace) for hub in mesh.hubs] + [sink.root for sink in mesh.sinks]
    for root in dict.fromkeys(roots):
        namespace = root.partition("/providers/")[2].partition("/")[0]
        yield from _at(root, role, f"{namespace}/")


def lacking(scope: Scope, *permissions: Iterable[Permission]) -> list[str]:
    """The actions that are needed and not allowed, by what is allowed at the scope or at the resource within."""
    held = [each for at in permissions for each in at]
    return [action for action in scope.actions if not allowed(held, action)]


def missing(scope: Scope, actions: Sequence[str]) -> Trouble:
    """The identity lacks rights."""
    return Trouble(
        area="rights",
        severity="error",
        code="RightsMissing",
        subject=scope.within or scope.id,
        what=f"Meshplane's identity lacks {len(actions)} of {len(scope.actions)} actions of the role {scope.role!r}:"
        f" {', '.join(actions)}.",
        remedy=f"Assign it that role at {scope.id} (infra/roles); it takes Azure some minutes to know.",
    )


def only_in_groups(scope: Scope, actions: Sequence[str], groups: int) -> Trouble:
    """The identity has in every node's group what it lacks in the subscription."""
    return Trouble(
        area="rights",
        severity="warning",
        code="RightsOfGroupsOnly",
        subject=scope.id,
        what=f"Meshplane's identity has the role {scope.role!r} in the groups of the {groups} nodes that were asked"
        f" about, not in their subscription: {', '.join(actions)} are missing there, and groups tagged from now on are"
        " not found.",
        remedy=f"Assign it that role at {scope.id} (infra/roles).",
    )


def not_told(scope_id: str, error: str) -> Trouble:
    """Azure does not say what the identity may do there."""
    return Trouble(
        area="rights",
        severity="warning",
        code="RightsNotTold",
        subject=scope_id,
        what=f"What Meshplane's identity may do there could not be read: {error}",
        remedy="Check that it exists, and that the identity has its role there: each has"
        " Microsoft.Authorization/permissions/read.",
    )


ROLES_ABSENT = Trouble(
    area="rights",
    severity="warning",
    code="RolesNotDeployed",
    subject="infra/roles",
    what="The role files are not deployed with the app: what the identity needs is not known here.",
    remedy="Deploy the app whole; until then compare with docs/rights.md.",
)
NOT_ASKED = Trouble(
    area="rights",
    severity="note",
    code="DataRightsNotAsked",
    subject="storage, Event Hubs, log store",
    what="Rights to data, such as Storage Table Data Contributor, cannot be asked for beforehand.",
    remedy="See whether the dependencies answer; a write that is refused shows in the app's log.",
)


def _whole(scope_id: str, role: Role) -> Scope:
    return Scope(id=scope_id, role=role.name, actions=role.actions)


def _at(resource: str, role: Role, prefix: str) -> Iterator[Scope]:
    key = NodeKey.containing(resource)
    needed = tuple(action for action in role.actions if action.lower().startswith(prefix.lower()))
    if key and needed:
        yield Scope(id=key.group_id, role=role.name, actions=needed, within=resource)


def _subscription(resource: str) -> str:
    key = NodeKey.containing(resource)
    return key.subscription if key else ""
