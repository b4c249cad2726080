"""Every role definition and assignment, and what they allow: the question that each request asks."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field

from local.arm.access.roles import BUILT_IN, OWNER, Permission, RoleAssignment, RoleDefinition

_NAMES = uuid.UUID("0f6a2c0e-53a8-4a53-9d43-7a0c1f0f5f11")
_MOST_REMEMBERED = 50_000


@dataclass(frozen=True, slots=True)
class Right:
    """One action at a scope that a request needed, and the names of the roles by which it was allowed, if any."""

    action: str
    scope: str
    roles: tuple[str, ...]


@dataclass(slots=True)
class Access:
    """`owners` are the object ids that are Owner of every subscription from the start; with None nothing is checked.

    A decision looks at the caller's own assignments only, and is remembered until one of anybody's changes.
    """

    subscriptions: tuple[str, ...] = ()
    owners: tuple[str, ...] | None = None
    _definitions: dict[str, RoleDefinition] = field(default_factory=dict)
    _assignments: dict[str, RoleAssignment] = field(default_factory=dict)
    _of_principal: dict[str, list[RoleAssignment]] = field(default_factory=dict)
    _decided: dict[tuple[str, str, str], Right] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.clear()

    @property
    def enforced(self) -> bool:
        return self.owners is not None

    def clear(self) -> None:
        """Forget every custom role and assignment but the owners'."""
        self._definitions = dict(BUILT_IN)
        self._assignments = {}
        self._of_principal = {}
        self._decided.clear()
        for subscription in self.subscriptions:
            for owner in self.owners or ():
                scope = f"/subscriptions/{subscription}"
                name = str(uuid.uuid5(_NAMES, f"{scope}/{owner}"))
                self.assign(
                    RoleAssignment(
                        name=name,
                        scope=scope,
                        principal=owner,
                        principal_type="ServicePrincipal",
                        definition=OWNER,
                    )
                )

    # --- decisions

    def right(self, principal: str, action: str, scope: str) -> Right:
        """What a principal has of an action at a scope."""
        key = (principal, action.lower(), scope.lower())
        found = self._decided.get(key)
        if found is None:
            if len(self._decided) >= _MOST_REMEMBERED:
                self._decided.clear()
            names = {d.role_name for d in self._roles(principal, key[2]) if d.allows(key[1])}
            found = self._decided[key] = Right(action, scope, tuple(sorted(names)))
        return found

    def allows(self, principal: str, action: str, scope: str) -> bool:
        return not self.enforced or bool(self.right(principal, action, scope).roles)

    def permissions(self, principal: str, scope: str) -> list[Permission]:
        """What a principal's roles allow at a scope, one after the other."""
        if not self.enforced:
            return [Permission(("*",))]
        return [p for d in self._roles(principal, scope.lower()) for p in d.permissions]

    def is_within(self, principal: str, scope: str) -> bool:
        """Whether a principal has any role at a scope, above or beneath it."""
        lowered = scope.lower()
        return not self.enforced or any(
            _holds(a.scope.lower(), lowered) or _holds(lowered, a.scope.lower())
            for a in self._of_principal.get(principal, ())
        )

    def _roles(self, principal: str, scope: str) -> Iterable[RoleDefinition]:
        for assignment in self._of_principal.get(principal, ()):
            if _holds(assignment.scope.lower(), scope):
                yield self._definitions[assignment.definition]

    # --- definitions

    def definition(self, name: str) -> RoleDefinition | None:
        return self._definitions.get(name.lower())

    def definitions(self) -> list[RoleDefinition]:
        return list(self._definitions.values())

    def define(self, definition: RoleDefinition) -> None:
        self._decided.clear()
        self._definitions[definition.name] = definition

    def undefine(self, name: str) -> None:
        self._decided.clear()
        del self._definitions[name]

    # --- assignments

    def assignment(self, identifier: str) -> RoleAssignment | None:
        return self._assignments.get(identifier.lower())

    def assignments(self) -> list[RoleAssignment]:
        return list(self._assignments.values())

    def assign(self, assignment: RoleAssignment) -> None:
        self.unassign(assignment.key)
        self._assignments[assignment.key] = assignment
        self._of_principal.setdefault(assignment.principal, []).append(assignment)

    def unassign(self, identifier: str) -> None:
        self._decided.clear()
        gone = self._assignments.pop(identifier.lower(), None)
        if gone is not None:
            self._of_principal[gone.principal].remove(gone)

    def forget_beneath(self, scope: str) -> None:
        """What was assigned at a group or a resource goes with it."""
        lowered = scope.lower()
        for key, assignment in list(self._assignments.items()):
            if _holds(lowered, assignment.scope.lower()):
                self.unassign(key)


def _holds(above: str, scope: str) -> bool:
    """Whether a scope, in lower case, is another or lies beneath it."""
    return scope == above or scope.startswith(above + "/")
