"""What an identity may do at a scope: role definitions' actions, as Azure compares them. Pure.

"Understand Azure role definitions" of Azure RBAC's documentation: `*` stands for any run of characters, spelling does
not matter, and what one role leaves out by `notActions` another one may grant.
"""

import re
from collections.abc import Iterable, Mapping

import msgspec


class Permission(msgspec.Struct, frozen=True):
    """What one role that the identity has allows, and leaves out of that."""

    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()


type Known = Mapping[str, tuple[Permission, ...]]
"""By the normal id of a scope, what the identity may do there; a scope that could not be read is left out."""


def allowed(permissions: Iterable[Permission], action: str) -> bool:
    """Whether any of the roles allows an action, such as `Microsoft.Network/virtualNetworks/peer/action`."""
    return any(_named(p.actions, action) and not _named(p.not_actions, action) for p in permissions)


def _named(patterns: Iterable[str], action: str) -> bool:
    return any(_fits(pattern, action) for pattern in patterns)


def _fits(pattern: str, action: str) -> bool:
    parts = ".*".join(map(re.escape, pattern.split("*")))
    return re.fullmatch(parts, action, re.IGNORECASE) is not None
