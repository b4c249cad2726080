"""Custom roles and assignments as JSON, for the saved state of Resource Manager."""

from typing import cast

import msgspec

from local.arm.access.book import Access
from local.arm.access.roles import Permission, RoleAssignment, RoleDefinition
from local.arm.documents import JsonObject, objects_in, text_in, texts_in


def dump(access: Access) -> JsonObject:
    """`definitions` without the built-in ones, and `assignments`."""
    definitions = [_definition_document(d) for d in access.definitions() if not d.built_in]
    assignments = [cast(JsonObject, msgspec.to_builtins(a)) for a in access.assignments()]
    return {"definitions": [*definitions], "assignments": [*assignments]}


def load(access: Access, document: JsonObject) -> None:
    """Replaces what there was. Owners of now stay owners."""
    access.clear()
    for definition in objects_in(document, "definitions"):
        access.define(_definition(definition))
    for assignment in objects_in(document, "assignments"):
        access.assign(msgspec.convert(assignment, RoleAssignment))


def _definition_document(definition: RoleDefinition) -> JsonObject:
    return {
        "name": definition.name,
        "roleName": definition.role_name,
        "description": definition.description,
        "permissions": [permission_document(p) for p in definition.permissions],
        "assignableScopes": [*definition.assignable_scopes],
        "created": definition.created,
        "updated": definition.updated,
        "createdBy": definition.created_by,
        "updatedBy": definition.updated_by,
    }


def _definition(document: JsonObject) -> RoleDefinition:
    return RoleDefinition(
        name=text_in(document, "name") or "",
        role_name=text_in(document, "roleName") or "",
        description=text_in(document, "description"),
        permissions=tuple(map(permission, objects_in(document, "permissions"))),
        assignable_scopes=tuple(texts_in(document, "assignableScopes")),
        created=text_in(document, "created") or "",
        updated=text_in(document, "updated") or "",
        created_by=text_in(document, "createdBy"),
        updated_by=text_in(document, "updatedBy"),
    )


def permission_document(permission: Permission) -> JsonObject:
    """As role definitions and the caller's permissions show it."""
    return {
        "actions": [*permission.actions],
        "notActions": [*permission.not_actions],
        "dataActions": [*permission.data_actions],
        "notDataActions": [*permission.not_data_actions],
    }


def permission(document: JsonObject) -> Permission:
    """What is left out is empty."""
    return Permission(
        tuple(texts_in(document, "actions")),
        tuple(texts_in(document, "notActions")),
        tuple(texts_in(document, "dataActions")),
        tuple(texts_in(document, "notDataActions")),
    )
