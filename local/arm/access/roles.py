"""Role definitions and assignments as values, and the built-in roles that every subscription has.

"Understand Azure role definitions": a role allows what its actions name and its notActions do not; `*` stands for any
run of characters, and spelling does not matter. Built-in roles are those of "Azure built-in roles", General.
"""

import re
from dataclasses import dataclass, field

OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"


class Patterns:
    """Names of actions, some with wildcards; asked for thousands of times a second."""

    def __init__(self, names: tuple[str, ...]) -> None:
        lowered = [name.lower() for name in names]
        self._exact = frozenset(name for name in lowered if "*" not in name)
        wild = [".*".join(map(re.escape, name.split("*"))) for name in lowered if "*" in name]
        self._wild = re.compile("|".join(wild)) if wild else None

    def name(self, action: str) -> bool:
        """Whether an action, in lower case, is among them."""
        return action in self._exact or (self._wild is not None and self._wild.fullmatch(action) is not None)


@dataclass(frozen=True, slots=True)
class Permission:
    """What a role allows, and leaves out of that. Data actions are kept and shown; nothing here asks for them."""

    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()
    not_data_actions: tuple[str, ...] = ()
    _allowed: Patterns = field(init=False, repr=False, compare=False)
    _left_out: Patterns = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_allowed", Patterns(self.actions))
        object.__setattr__(self, "_left_out", Patterns(self.not_actions))

    def allows(self, action: str) -> bool:
        """Of an action in lower case."""
        return self._allowed.name(action) and not self._left_out.name(action)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleDefinition:
    """`name` is a GUID; `assignable_scopes` are ids of subscriptions and groups, or `/`."""

    name: str
    role_name: str
    description: str | None
    permissions: tuple[Permission, ...]
    assignable_scopes: tuple[str, ...]
    built_in: bool = False
    created: str = ""
    updated: str = ""
    created_by: str | None = None
    updated_by: str | None = None

    def allows(self, action: str) -> bool:
        """Of an action in lower case."""
        return any(permission.allows(action) for permission in self.permissions)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleAssignment:
    """`name` is a GUID, `definition` that of the role; `scope` the id of a subscription, a group or a resource."""

    name: str
    scope: str
    principal: str
    principal_type: str
    definition: str
    description: str | None = None
    created: str = ""
    updated: str = ""
    created_by: str | None = None
    updated_by: str | None = None

    @property
    def id(self) -> str:
        return f"{self.scope}/providers/Microsoft.Authorization/roleAssignments/{self.name}"

    @property
    def key(self) -> str:
        return self.id.lower()


_NOT_OF_CONTRIBUTORS = (
    "Microsoft.Authorization/*/Delete",
    "Microsoft.Authorization/*/Write",
    "Microsoft.Authorization/elevateAccess/Action",
    "Microsoft.Blueprint/blueprintAssignments/write",
    "Microsoft.Blueprint/blueprintAssignments/delete",
    "Microsoft.Compute/galleries/share/action",
    "Microsoft.Purview/consents/write",
    "Microsoft.Purview/consents/delete",
    "Microsoft.Resources/deploymentStacks/manageDenySetting/action",
    "Microsoft.Subscription/cancel/action",
    "Microsoft.Subscription/enable/action",
)


def _built_in(name: str, role_name: str, description: str, permission: Permission) -> RoleDefinition:
    return RoleDefinition(
        name=name,
        role_name=role_name,
        description=description,
        permissions=(permission,),
        assignable_scopes=("/",),
        built_in=True,
        created="2015-02-02T21:55:09.8806423Z",
        updated="2021-11-11T20:13:47.8628684Z",
    )


BUILT_IN = {
    role.name: role
    for role in (
        _built_in(
            OWNER,
            "Owner",
            "Grants full access to manage all resources, including the ability to assign roles in Azure RBAC.",
            Permission(("*",)),
        ),
        _built_in(
            CONTRIBUTOR,
            "Contributor",
            "Grants full access to manage all resources, but does not allow you to assign roles in Azure RBAC, "
            "manage assignments in Azure Blueprints, or share image galleries.",
            Permission(("*",), _NOT_OF_CONTRIBUTORS),
        ),
        _built_in(
            READER,
            "Reader",
            "View all resources, but does not allow you to make any changes.",
            Permission(("*/read",)),
        ),
    )
}
