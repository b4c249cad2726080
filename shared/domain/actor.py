"""Who asks: the caller of the HTTP API, as far as the platform vouches for them. No names, no addresses, no tokens.

Claims are those of App Service authentication for Microsoft Entra ("Work with user identities in Azure App Service
authentication") and of its access tokens ("Access token claims reference").
"""

from collections.abc import Iterable
from enum import StrEnum
from hashlib import sha256

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

    def is_known_as(self, subject: str) -> bool:
        """Whether a subject is for certain this very person."""
        return self.subject == subject and self.subject != KEY_HOLDER.subject


SYSTEM = Actor("meshplane", frozenset(Role))
"""What Meshplane does by itself: leases that end, rules that decide."""

KEY_HOLDER = Actor("function-key", frozenset({Role.OPERATOR}))
"""Whoever shows the function key, where that is the only gate: callers cannot be told apart."""


class Claim(msgspec.Struct, frozen=True):
    """One claim of a principal, as the platform writes it: `typ` is a claim's short name or its URI."""

    typ: str
    val: str


_SOAP = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
_MICROSOFT = "http://schemas.microsoft.com/ws/2008/06/identity/claims/"
_SUBJECTS = frozenset({"oid", "http://schemas.microsoft.com/identity/claims/objectidentifier"})
_ROLES = frozenset({"roles", f"{_MICROSOFT}role"})
_GROUPS = frozenset({"groups", f"{_MICROSOFT}groups"})
# Not `email`: nobody verifies it, and whoever administers a directory can write any address into it.
_NAMES = frozenset({"preferred_username", "upn", f"{_SOAP}upn"})


def actor_of(claims: Iterable[Claim], role_type: str = "") -> Actor | None:
    """The caller that claims speak of; None where they name no object of the directory.

    `role_type` is what else the platform calls its role claims. Of names, only digests are kept.
    """
    found = list(claims)
    subject = next((c.val.lower() for c in found if c.typ in _SUBJECTS and c.val), "")
    if not subject:
        return None
    of_role = _ROLES | ({role_type} - {""})
    roles = {role for role in Role if any(c.typ in of_role and c.val == role for c in found)}
    groups = {c.val.lower() for c in found if c.typ in _GROUPS and c.val}
    names = {digest(c.val) for c in found if c.typ in _NAMES and c.val}
    return Actor(subject, frozenset(roles), frozenset({subject} | groups | names))


def digest(name: str) -> str:
    """What is kept of a person's address: the SHA-256 of its lower case, in hex."""
    return sha256(name.strip().lower().encode(errors="replace")).hexdigest()
