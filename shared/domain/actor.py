"""Who asks: the caller of the HTTP API, as far as the platform vouches for them. No names, no addresses, no tokens."""

from enum import StrEnum

import msgspec


class Role(StrEnum):
    """Application roles, each of which may do what those before it may."""

    READER = "Mesh.Reader"
    REQUESTER = "Mesh.Requester"
    APPROVER = "Mesh.Approver"
    OPERATOR = "Mesh.Operator"


class Actor(msgspec.Struct, frozen=True):
    """`subject` is an object id of the directory, or `function-key` where only a key was shown.

    `identities` is what a node's owner tag is compared with: the subject, their groups, and digests of their names.
    """

    subject: str
    roles: frozenset[Role] = frozenset()
    identities: frozenset[str] = frozenset()

    def may(self, role: Role) -> bool:
        """Whether the actor has a role, or one that includes it."""
        order = list(Role)
        return any(order.index(mine) >= order.index(role) for mine in self.roles)


SYSTEM = Actor("meshplane", frozenset(Role))
"""What Meshplane does by itself: leases that end, rules that decide."""
