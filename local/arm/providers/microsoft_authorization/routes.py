"""Requests to Microsoft.Authorization at a subscription, a resource group or a resource."""

from dataclasses import dataclass

from local.arm.errors import ArmError, group_not_found, resource_not_found
from local.arm.ids import ResourceId, group_of, subscription_of
from local.arm.messages import ArmRequest, ArmResponse
from local.arm.providers.microsoft_authorization.models import permissions_document
from local.arm.resource_manager import ResourceManager
from local.arm.routing import Router

_SUBSCRIPTION = "/subscriptions/{subscription}"
_GROUP = _SUBSCRIPTION + "/resourceGroups/{group}"
_PERMISSIONS = "/providers/Microsoft.Authorization/permissions"


def mount(router: Router, manager: ResourceManager) -> None:
    routes = AuthorizationRoutes(manager)
    router.add("GET", _SUBSCRIPTION + _PERMISSIONS, routes.permissions)
    router.add("GET", _GROUP + _PERMISSIONS, routes.permissions)
    router.add("GET", _GROUP + "/providers/{resource*}" + _PERMISSIONS, routes.permissions)


@dataclass(frozen=True, slots=True)
class AuthorizationRoutes:
    """The paths and the answer's shape are those of "Permissions", List For Resource Group and List For Resource
    (2022-04-01), and for a subscription of "Use Resource Manager authentication API to access subscriptions"; there is
    no recording of any."""

    manager: ResourceManager

    def permissions(self, request: ArmRequest) -> ArmResponse:
        """What the caller's roles allow; no roles are enforced here, so that everybody may do everything."""
        self._check(request.path[: -len(_PERMISSIONS)])
        return ArmResponse(body=permissions_document())

    def _check(self, scope: str) -> None:
        """404 for a scope that is not there (inferred)."""
        group = group_of(scope)
        if group is None:
            return
        if self.manager.store.find_group(subscription_of(scope), group) is None:
            raise group_not_found(group)
        if "/providers/" not in scope.lower():
            return
        resource = ResourceId.parse(scope)
        if resource is None:
            raise ArmError(404, "InvalidResourceType", f"The requested path '{scope}' is not served.")
        if self.manager.store.find(resource.text) is None:
            raise resource_not_found(resource)
