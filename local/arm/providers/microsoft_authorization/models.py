"""The documents of role definitions, role assignments and permissions, as the recordings show them (2022-04-01)."""

from collections.abc import Sequence

from local.arm.access.persistence import permission_document
from local.arm.access.roles import Permission, RoleAssignment, RoleDefinition
from local.arm.documents import JsonObject

DEFINITIONS = "Microsoft.Authorization/roleDefinitions"
ASSIGNMENTS = "Microsoft.Authorization/roleAssignments"


def permissions_document(permissions: Sequence[Permission]) -> JsonObject:
    """One page: what each role of the caller's allows."""
    return {"value": [permission_document(permission) for permission in permissions]}


def definition_document(definition: RoleDefinition, subscription: str) -> JsonObject:
    """Wherever it was asked for, its id is that in the subscription."""
    prefix = f"/subscriptions/{subscription}" if subscription else ""
    return {
        "properties": {
            "roleName": definition.role_name,
            "type": "BuiltInRole" if definition.built_in else "CustomRole",
            "description": definition.description,
            "assignableScopes": [*definition.assignable_scopes],
            "permissions": [permission_document(p) for p in definition.permissions],
            "createdOn": definition.created,
            "updatedOn": definition.updated,
            "createdBy": definition.created_by,
            "updatedBy": definition.updated_by,
        },
        "id": f"{prefix}/providers/{DEFINITIONS}/{definition.name}",
        "type": DEFINITIONS,
        "name": definition.name,
    }


def assignment_document(assignment: RoleAssignment) -> JsonObject:
    """The role's id is that in the assignment's subscription."""
    subscription = "/".join(assignment.scope.split("/")[:3])
    return {
        "properties": {
            "roleDefinitionId": f"{subscription}/providers/{DEFINITIONS}/{assignment.definition}",
            "principalId": assignment.principal,
            "principalType": assignment.principal_type,
            "scope": assignment.scope,
            "condition": None,
            "conditionVersion": None,
            "createdOn": assignment.created,
            "updatedOn": assignment.updated,
            "createdBy": assignment.created_by,
            "updatedBy": assignment.updated_by,
            "delegatedManagedIdentityResourceId": None,
            "description": assignment.description,
        },
        "id": assignment.id,
        "type": ASSIGNMENTS,
        "name": assignment.name,
    }
