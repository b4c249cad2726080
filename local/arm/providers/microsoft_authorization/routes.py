"""Requests to Microsoft.Authorization: permissions here, roles and assignments in modules of their own."""

from dataclasses import dataclass

from local.arm.messages import ArmRequest, ArmResponse
from local.arm.providers.microsoft_authorization.models import permissions_document
from local.arm.providers.microsoft_authorization.role_assignments import mount as mount_assignments
from local.arm.providers.microsoft_authorization.role_definitions import mount as mount_definitions
from local.arm.providers.microsoft_authorization.scopes import check_scope
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
    mount_definitions(router, manager)
    mount_assignments(router, manager)


@dataclass(frozen=True, slots=True)
class AuthorizationRoutes:
    """The paths and the answer's shape are those of "Permissions", List For Resource Group and List For Resource
    (2022-04-01), and for a subscription of "Use Resource Manager authentication API to access subscriptions"; there is
    no recording of any."""

    manager: ResourceManager

    def permissions(self, request: ArmRequest) -> ArmResponse:
        """What the caller's roles allow at the scope and above."""
        scope = request.path[: -len(_PERMISSIONS)]
        check_scope(self.manager, scope)
        found = self.manager.access.permissions(request.principal.oid, scope)
        return ArmResponse(body=permissions_document(found))
