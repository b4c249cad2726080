"""The state of Resource Manager as one JSON document, to save and to load."""

import json
from datetime import datetime
from pathlib import Path
from typing import cast

from local.arm.access import persistence as access
from local.arm.documents import Json, JsonObject, as_json, copied, object_in, objects_in, tags_in, text_in
from local.arm.ids import ResourceId
from local.arm.operations import LongOperation, Status
from local.arm.resource_manager import ResourceManager
from local.arm.store import Resource, ResourceGroup

VERSION = 1


class InvalidState(ValueError):
    """The document is not a state that this version can load."""


def dump(manager: ResourceManager) -> JsonObject:
    """Groups, resources, diagnostic settings, roles and operations. Claims of callers are left out."""
    return {
        "version": VERSION,
        "groups": [_group_document(group) for group in manager.store.all_groups()],
        "resources": [_resource_document(resource) for resource in manager.store],
        "diagnosticSettings": copied(cast(Json, manager.diagnostic_settings)),
        "subscriptionTags": copied(cast(Json, manager.subscription_tags)),
        "access": access.dump(manager.access),
        "operations": [_operation_document(operation) for operation in manager.operations.all()],
    }


def load(manager: ResourceManager, state: JsonObject) -> None:
    """Replace what the manager holds. Operations that were running go on; their end raises no event."""
    if state.get("version") != VERSION:
        raise InvalidState(f"the state's version is {state.get('version')!r}, not {VERSION}")
    groups = [_group(document) for document in objects_in(state, "groups")]
    resources = [_resource(document) for document in objects_in(state, "resources")]
    operations = [_operation(document) for document in objects_in(state, "operations")]
    manager.store.clear()
    for group in groups:
        manager.store.put_group(group)
    for resource in resources:
        manager.store.put(resource)
    manager.diagnostic_settings = {
        key: {name: copied(object_in(settings, name)) for name in settings}
        for key, settings in object_in(state, "diagnosticSettings").items()
        if isinstance(settings, dict)
    }
    tags = object_in(state, "subscriptionTags")
    manager.subscription_tags = {name: tags_in({"tags": tags[name]}) for name in tags}
    access.load(manager.access, object_in(state, "access"))
    manager.operations.restore(operations)


def save_file(manager: ResourceManager, path: Path) -> None:
    """Write the state so that a crash leaves either the old file or the new one."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(dump(manager), indent=1), encoding="utf-8")
    partial.replace(path)


def load_file(manager: ResourceManager, path: Path) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(document, dict):
        raise InvalidState(f"{path} does not hold a JSON object")
    load(manager, document)


def _group_document(group: ResourceGroup) -> JsonObject:
    return {
        "subscription": group.subscription,
        "name": group.name,
        "location": group.location,
        "tags": None if group.tags is None else as_json(dict(group.tags)),
        "managedBy": group.managed_by,
        "state": group.state,
        "created": group.created,
        "changed": group.changed,
    }


def _group(document: JsonObject) -> ResourceGroup:
    return ResourceGroup(
        subscription=_text(document, "subscription"),
        name=_text(document, "name"),
        location=_text(document, "location"),
        tags=None if document.get("tags") is None else tags_in(document),
        managed_by=text_in(document, "managedBy"),
        state=_text(document, "state"),
        created=_text(document, "created"),
        changed=_text(document, "changed"),
    )


def _resource_document(resource: Resource) -> JsonObject:
    return {
        "id": resource.id.text,
        "type": resource.type,
        "body": copied(resource.body),
        "created": resource.created,
        "changed": resource.changed,
    }


def _resource(document: JsonObject) -> Resource:
    identifier = ResourceId.parse(_text(document, "id"))
    if identifier is None:
        raise InvalidState(f"{document.get('id')!r} is not a resource id")
    return Resource(
        id=identifier,
        type=_text(document, "type"),
        body=copied(object_in(document, "body")),
        created=_text(document, "created"),
        changed=_text(document, "changed"),
    )


def _operation_document(operation: LongOperation) -> JsonObject:
    return {
        "id": operation.id,
        "name": operation.name,
        "subscription": operation.subscription,
        "location": operation.location,
        "target": operation.target,
        "effect": operation.effect,
        "started": operation.started.isoformat(),
        "retryAfter": operation.retry_after,
        "status": operation.status,
        "reads": operation.reads,
        "ended": operation.ended.isoformat() if operation.ended else None,
        "failure": copied(operation.failure),
    }


def _operation(document: JsonObject) -> LongOperation:
    ended = text_in(document, "ended")
    failure = document.get("failure")
    return LongOperation(
        id=_text(document, "id"),
        name=_text(document, "name"),
        subscription=_text(document, "subscription"),
        location=_text(document, "location"),
        target=_text(document, "target"),
        effect=_text(document, "effect"),
        started=datetime.fromisoformat(_text(document, "started")),
        retry_after=_number(document, "retryAfter"),
        status=cast(Status, _text(document, "status")),
        reads=_number(document, "reads"),
        ended=datetime.fromisoformat(ended) if ended else None,
        failure=copied(failure) if isinstance(failure, dict) else None,
    )


def _text(document: JsonObject, name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str):
        raise InvalidState(f"{name} is missing in {sorted(document)}")
    return value


def _number(document: JsonObject, name: str) -> int:
    value = document.get(name)
    if not isinstance(value, int):
        raise InvalidState(f"{name} is missing in {sorted(document)}")
    return value
