"""Role assignments: `{scope}/providers/Microsoft.Authorization/roleAssignments/{guid}`, at any scope.

Recordings Test_Authorization_RoleAssignment_On..._CRUD: PUT 201, DELETE 200 with the document, 404
`RoleAssignmentNotFound`. The other refusals are of issue threads, where people quote them. Who a principal is nobody
here knows: any GUID is taken.
"""

import re
from dataclasses import dataclass, replace

from local.arm.access.roles import RoleAssignment
from local.arm.clock import timestamp
from local.arm.documents import object_in, text_in
from local.arm.errors import ArmError
from local.arm.messages import ArmRequest, ArmResponse
from local.arm.providers.microsoft_authorization.models import assignment_document
from local.arm.providers.microsoft_authorization.role_definitions import does_not_exist
from local.arm.providers.microsoft_authorization.scopes import (
    badly_formatted,
    check_scope,
    is_at_or_above,
    is_guid,
)
from local.arm.resource_manager import ResourceManager
from local.arm.routing import Router

_COLLECTION = "{scope*}/providers/Microsoft.Authorization/roleAssignments"
_OF_PRINCIPAL = re.compile(r"principalId\s+eq\s+'([^']*)'|assignedTo\('([^']*)'\)", re.IGNORECASE)


def mount(router: Router, manager: ResourceManager) -> None:
    routes = RoleAssignments(manager)
    router.add("GET", _COLLECTION, routes.list)
    for method, handler in (("GET", routes.get), ("PUT", routes.put), ("DELETE", routes.delete)):
        router.add(method, _COLLECTION + "/{name}", handler)


@dataclass(frozen=True, slots=True)
class RoleAssignments:
    manager: ResourceManager

    def list(self, request: ArmRequest) -> ArmResponse:
        """Those at the scope, above and beneath it; with `atScope()` none beneath ("List For Scope")."""
        scope, text = request.parameters["scope"], request.query.get("$filter", "")
        check_scope(self.manager, scope)
        beneath, who = "atscope()" not in text.lower(), _OF_PRINCIPAL.search(text)
        found = [
            a
            for a in self.manager.access.assignments()
            if (is_at_or_above(a.scope, scope) or (beneath and is_at_or_above(scope, a.scope)))
            and (who is None or a.principal == (who[1] or who[2]).lower())
        ]
        return ArmResponse(body={"value": [assignment_document(a) for a in found]})

    def get(self, request: ArmRequest) -> ArmResponse:
        found = self._find(request)
        if found is None:
            name = request.parameters["name"]
            raise ArmError(
                404, "RoleAssignmentNotFound", f"The role assignment '{name}' is not found.", cause=None
            )
        return ArmResponse(body=assignment_document(found))

    def put(self, request: ArmRequest) -> ArmResponse:
        """201, or 200 where it is there as it is wanted."""
        scope, name = request.parameters["scope"], request.parameters["name"]
        check_scope(self.manager, scope)
        if not is_guid(name):
            raise ArmError(
                400,
                "InvalidRoleAssignmentId",
                f"The role assignment ID '{name}' is not valid. The role assignment ID must be a GUID.",
                cause=None,
            )
        wanted, existing = self._wanted(request), self._find(request)
        if existing is not None:
            return self._again(existing, wanted)
        self._check_new(wanted)
        self.manager.access.assign(wanted)
        return ArmResponse(status=201, body=assignment_document(replace(wanted, created_by=None)))

    def delete(self, request: ArmRequest) -> ArmResponse:
        found = self._find(request)
        if found is None:
            return ArmResponse(status=204)
        self.manager.access.unassign(found.key)
        return ArmResponse(body=assignment_document(found))

    def _find(self, request: ArmRequest) -> RoleAssignment | None:
        return self.manager.access.assignment(request.path)

    def _again(self, existing: RoleAssignment, wanted: RoleAssignment) -> ArmResponse:
        if (existing.principal, existing.definition) != (wanted.principal, wanted.definition):
            raise ArmError(
                400,
                "RoleAssignmentUpdateNotPermitted",
                "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.",
                cause=None,
            )
        return ArmResponse(body=assignment_document(existing))

    def _check_new(self, wanted: RoleAssignment) -> None:
        definition = self.manager.access.definition(wanted.definition)
        if definition is None:
            raise does_not_exist(wanted.definition)
        if not any(is_at_or_above(scope, wanted.scope) for scope in definition.assignable_scopes):
            raise ArmError(  # (inferred)
                400,
                "RoleAssignmentScopeNotAssignableToRoleDefinition",
                f"The given role assignment scope '{wanted.scope}' is not assignable to role definition "
                f"'{definition.role_name}'.",
                cause=None,
            )
        same = (wanted.scope.lower(), wanted.principal, wanted.definition)
        if any(
            (a.scope.lower(), a.principal, a.definition) == same for a in self.manager.access.assignments()
        ):
            raise ArmError(409, "RoleAssignmentExists", "The role assignment already exists.", cause=None)

    def _wanted(self, request: ArmRequest) -> RoleAssignment:
        properties = object_in(request.document(), "properties")
        principal = (text_in(properties, "principalId") or "").lower()
        definition = (text_in(properties, "roleDefinitionId") or "").rpartition("/")[2].lower()
        if not (is_guid(principal) and is_guid(definition)):
            raise badly_formatted()
        now, caller = timestamp(self.manager.clock.now()), request.principal.oid
        return RoleAssignment(
            name=request.parameters["name"].lower(),
            scope=request.parameters["scope"],
            principal=principal,
            principal_type=text_in(properties, "principalType") or "ServicePrincipal",
            definition=definition,
            description=text_in(properties, "description"),
            created=now,
            updated=now,
            created_by=caller,
            updated_by=caller,
        )
