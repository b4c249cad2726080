"""Role definitions: `{scope}/providers/Microsoft.Authorization/roleDefinitions/{guid}`.

Recordings Test_Authorization_RoleDefinition...Scope_CRUD: PUT 201, DELETE 200 with the document, 404
`RoleDefinitionDoesNotExist`. The other refusals are of issue threads, where people quote them.
"""

import re
from dataclasses import dataclass, replace

from local.arm.access.persistence import permission
from local.arm.access.roles import RoleDefinition
from local.arm.clock import timestamp
from local.arm.documents import object_in, objects_in, text_in, texts_in
from local.arm.errors import ArmError
from local.arm.ids import subscription_of
from local.arm.messages import ArmRequest, ArmResponse
from local.arm.providers.microsoft_authorization.models import definition_document
from local.arm.providers.microsoft_authorization.scopes import (
    badly_formatted,
    check_scope,
    is_at_or_above,
    is_guid,
)
from local.arm.resource_manager import ResourceManager
from local.arm.routing import Router

_COLLECTION = "/providers/Microsoft.Authorization/roleDefinitions"
_NAMED = re.compile(r"roleName\s+eq\s+'([^']*)'", re.IGNORECASE)
_TYPED = re.compile(r"type\s+eq\s+'([^']*)'", re.IGNORECASE)


def mount(router: Router, manager: ResourceManager) -> None:
    routes = RoleDefinitions(manager)
    for scope in ("", "{scope*}"):
        router.add("GET", scope + _COLLECTION, routes.list)
        router.add("GET", scope + _COLLECTION + "/{name}", routes.get)
    router.add("PUT", "{scope*}" + _COLLECTION + "/{name}", routes.put)
    router.add("DELETE", "{scope*}" + _COLLECTION + "/{name}", routes.delete)


@dataclass(frozen=True, slots=True)
class RoleDefinitions:
    """One set for all subscriptions, as one directory has; a scope shows those that may be assigned there."""

    manager: ResourceManager

    def list(self, request: ArmRequest) -> ArmResponse:
        scope, text = request.parameters.get("scope", ""), request.query.get("$filter", "")
        named, typed = _NAMED.search(text), _TYPED.search(text)
        found = [
            d
            for d in self.manager.access.definitions()
            if any(is_at_or_above(s, scope) for s in d.assignable_scopes)
            and (named is None or d.role_name.lower() == named[1].lower())
            and (typed is None or typed[1].lower() == ("builtinrole" if d.built_in else "customrole"))
        ]
        return ArmResponse(body={"value": [definition_document(d, subscription_of(scope)) for d in found]})

    def get(self, request: ArmRequest) -> ArmResponse:
        found = self._found(request.parameters["name"])
        scope = request.parameters.get("scope", "")
        return ArmResponse(body=definition_document(found, subscription_of(scope)))

    def put(self, request: ArmRequest) -> ArmResponse:
        """201, whether it is new or changed; a custom role's name is taken once in a directory."""
        scope, name = request.parameters["scope"], request.parameters["name"].lower()
        check_scope(self.manager, scope)
        if not is_guid(name):
            raise badly_formatted()
        wanted = self._wanted(request, name)
        access = self.manager.access
        if any(
            d.role_name.lower() == wanted.role_name.lower() and d.name != name for d in access.definitions()
        ):
            raise ArmError(
                409,
                "RoleDefinitionWithSameNameExists",
                "A custom role with the same name already exists in this directory. Use a different name.",
                cause=None,
            )
        access.define(wanted)
        # What has just been made names nobody who made it: the recording does so too.
        shown = replace(wanted, created_by=None)
        return ArmResponse(status=201, body=definition_document(shown, subscription_of(scope)))

    def delete(self, request: ArmRequest) -> ArmResponse:
        found = self.manager.access.definition(request.parameters["name"])
        if found is None:
            return ArmResponse(status=204)
        if found.built_in or any(a.definition == found.name for a in self.manager.access.assignments()):
            raise ArmError(
                400,
                "RoleDefinitionHasAssignments",
                "There are existing role assignments referencing role (code: RoleDefinitionHasAssignments)",
                cause=None,
            )
        self.manager.access.undefine(found.name)
        return ArmResponse(body=definition_document(found, subscription_of(request.parameters["scope"])))

    def _wanted(self, request: ArmRequest, name: str) -> RoleDefinition:
        properties = object_in(request.document(), "properties")
        role_name, scopes = text_in(properties, "roleName"), texts_in(properties, "assignableScopes")
        permissions = objects_in(properties, "permissions")
        if not (role_name and scopes and permissions):
            raise badly_formatted()
        before, now = self.manager.access.definition(name), timestamp(self.manager.clock.now())
        caller = request.principal.oid
        return RoleDefinition(
            name=name,
            role_name=role_name,
            description=text_in(properties, "description"),
            permissions=tuple(map(permission, permissions)),
            assignable_scopes=tuple(scopes),
            created=before.created if before else now,
            updated=now,
            created_by=before.created_by if before else caller,
            updated_by=caller,
        )

    def _found(self, name: str) -> RoleDefinition:
        found = self.manager.access.definition(name)
        if found is None:
            raise does_not_exist(name)
        return found


def does_not_exist(name: str) -> ArmError:
    return ArmError(
        404,
        "RoleDefinitionDoesNotExist",
        f"The specified role definition with ID '{name}' does not exist.",
        cause=None,
    )
