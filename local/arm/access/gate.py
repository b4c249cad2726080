"""The check of a request's rights: Resource Manager's own, before any provider hears of it.

Texts: recordings of azure-cli (policy identity) and of the .NET libraries (events) for `AuthorizationFailed`; issue
threads for `LinkedAuthorizationFailed`, of which there is no recording.
"""

from local.arm.access.book import Access, Right
from local.arm.access.linked import linked
from local.arm.actions import Action
from local.arm.errors import ArmError
from local.arm.messages import ArmRequest

# Who may not list everything is shown what they may read, as `az group list` with a role in one group shows.
_NARROWED = frozenset(
    {
        "microsoft.resources/subscriptions/resourcegroups/read",
        "microsoft.resources/subscriptions/resources/read",
    }
)


def authorize(access: Access, arm: ArmRequest, action: Action) -> tuple[Right, ...]:
    """What the request needed and was allowed by, its own action first. Raises 403 for what no role allows.

    Nothing is asked for outside subscriptions (lists of subscriptions and tenants show what the caller may see).
    """
    if not access.enforced or not action.subscription:
        return ()
    oid, scope = arm.principal.oid, scope_of(action)
    own = access.right(oid, action.name, scope)
    if not own.roles:
        if _is_narrowed(access, oid, action, scope):
            return ()
        raise _refused(oid, action.name, scope)
    rights = [own]
    for need in linked(action.name, scope, arm.body):
        right = access.right(oid, need.action, need.scope)
        if not right.roles:
            raise _linked_refused(oid, action.name, scope, need.shown, need.scope)
        rights.append(right)
    return tuple(rights)


def scope_of(action: Action) -> str:
    """Where an action has to be allowed: at the resource, or at what a list is of (recorded: its last segment goes)."""
    resource = action.resource_id
    parts = resource.strip("/").split("/")
    if action.kind == "action" or len(parts) % 2 == 0:
        return resource
    return "/" + "/".join(parts[:-1])


def _is_narrowed(access: Access, oid: str, action: Action, scope: str) -> bool:
    return action.name.lower() in _NARROWED and action.group is None and access.is_within(oid, scope)


def _refused(oid: str, action: str, scope: str) -> ArmError:
    return ArmError(
        403,
        "AuthorizationFailed",
        f"The client '{oid}' with object id '{oid}' does not have authorization to perform action '{action}' over "
        f"scope '{scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.",
    )


def _linked_refused(oid: str, action: str, scope: str, needed: str, where: str) -> ArmError:
    return ArmError(
        403,
        "LinkedAuthorizationFailed",
        f"The client '{oid}' with object id '{oid}' has permission to perform action '{action}' on scope '{scope}'; "
        f"however, it does not have permission to perform action '{needed}' on the linked scope(s) '{where}' or the "
        "linked scope(s) are invalid.",
    )
