"""What all of Microsoft.Authorization has in common: scopes that must be there, names that are GUIDs."""

import re

from local.arm.errors import ArmError, group_not_found, resource_not_found
from local.arm.ids import ResourceId, group_of, subscription_of
from local.arm.resource_manager import ResourceManager

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def is_guid(text: str) -> bool:
    return _GUID.fullmatch(text) is not None


def badly_formatted() -> ArmError:
    """Of issue threads: what any body gets that lacks something or has it in the wrong form."""
    return ArmError(400, "BadRequestFormat", "The request was incorrectly formatted.", cause=None)


def check_scope(manager: ResourceManager, scope: str) -> None:
    """404 for a scope that is not there (inferred)."""
    group = group_of(scope)
    if group is None:
        return
    if manager.store.find_group(subscription_of(scope), group) is None:
        raise group_not_found(group)
    if "/providers/" not in scope.lower():
        return
    resource = ResourceId.parse(scope)
    if resource is None:
        raise ArmError(404, "InvalidResourceType", f"The requested path '{scope}' is not served.")
    if manager.store.find(resource.text) is None:
        raise resource_not_found(resource)


def is_at_or_above(scope: str, other: str) -> bool:
    """Whether what holds at a scope holds at the other one too."""
    above, lowered = scope.rstrip("/").lower(), other.lower()
    return lowered == above or lowered.startswith(above + "/")
