"""What happens to resources of any type."""

import re
from dataclasses import dataclass

from local.arm import tags as tag_rules
from local.arm.catalog import LOCATIONS, canonical_type, location_name
from local.arm.clock import timestamp
from local.arm.documents import JsonObject, copied, merged, object_in, tags_in, text_in
from local.arm.errors import ArmError, parent_not_found, resource_not_found
from local.arm.ids import ResourceId
from local.arm.manager import ResourceManager
from local.arm.operations import Effects, LongOperation
from local.arm.providers.generic.models import rules
from local.arm.store import Resource

SETTLE = "settle"
_NAMESPACE = re.compile(r"\w+(\.\w+)+")
_OWN = ("id", "name", "type", "systemData", "etag")
_UNLOCATED = {*LOCATIONS, "global"}
# Storage accounts: what the recordings announce.
_RETRY_AFTER = 17


@dataclass(frozen=True, slots=True)
class Resources:
    manager: ResourceManager

    def register(self) -> None:
        self.manager.operations.register(SETTLE, Effects(self._settled("Succeeded"), self._settled("Failed")))

    def get(self, resource: ResourceId) -> Resource:
        self.manager.store.group(resource.subscription, resource.group or "")
        self._check_parent(resource, "read")
        found = self.manager.store.find(resource.text)
        if found is None:
            raise resource_not_found(resource)
        return found

    def put(self, resource: ResourceId, body: JsonObject) -> tuple[Resource, bool]:
        """Create or replace; whether it is new."""
        if _NAMESPACE.fullmatch(resource.provider) is None:
            raise ArmError(
                404, "InvalidResourceNamespace", f"The resource namespace '{resource.provider}' is invalid."
            )
        self.manager.store.group_for_writing(resource.subscription, resource.group or "")
        self._check_parent(resource, "write")
        existing = self.manager.store.find(resource.text)
        kept = {name: copied(value) for name, value in body.items() if name not in _OWN}
        self._check_location(resource, kept, existing)
        tag_rules.check(tags_in(kept))
        properties = {**rules(resource).defaults(resource, kept), **object_in(kept, "properties")}
        properties["provisioningState"] = "Succeeded"
        kept["properties"] = properties
        now = timestamp(self.manager.clock.now())
        stored = Resource(
            id=existing.id if existing else resource,
            type=existing.type if existing else canonical_type(resource.type),
            body=kept,
            created=existing.created if existing else now,
            changed=now,
        )
        self.manager.store.put(stored)
        return stored, existing is None

    def patch(self, resource: ResourceId, change: JsonObject) -> Resource:
        self.manager.store.group_for_writing(resource.subscription, resource.group or "")
        found = self.get(resource)
        body = merged(found.body, {name: value for name, value in change.items() if name not in _OWN})
        if "tags" in change:
            # Tags are replaced as a whole; only properties merge.
            body["tags"] = copied(change["tags"])
        tag_rules.check(tags_in(body))
        found.body = body
        found.changed = timestamp(self.manager.clock.now())
        return found

    def delete(self, resource: ResourceId) -> Resource | None:
        """Remove it with its children; None where there was nothing."""
        self.manager.store.group_for_writing(resource.subscription, resource.group or "")
        self._check_parent(resource, "delete")
        return self.manager.remove(resource.text)

    def begin(self, resource: Resource) -> LongOperation:
        """Let a PUT that is already stored count as running for a while."""
        resource.properties["provisioningState"] = "Creating"
        return self.manager.operations.start(
            name="asyncoperations",
            subscription=resource.id.subscription,
            location=resource.location,
            target=resource.id.text,
            effect=SETTLE,
            retry_after=_RETRY_AFTER,
        )

    def _settled(self, state: str):  # type: ignore[no-untyped-def]
        def settle(operation: LongOperation) -> None:
            resource = self.manager.store.find(operation.target)
            if resource is not None:
                resource.properties["provisioningState"] = state

        return settle

    def _check_parent(self, resource: ResourceId, verb: str) -> None:
        parent = resource.parent
        if (
            parent is not None
            and self.manager.store.find(parent.text) is None
            and not _implied(parent, self.manager)
        ):
            raise parent_not_found(resource, verb, parent)

    def _check_location(self, resource: ResourceId, body: JsonObject, existing: Resource | None) -> None:
        given = text_in(body, "location")
        if given is None:
            if existing is not None and existing.location:
                body["location"] = existing.location
            elif rules(resource).needs_location:
                raise ArmError(
                    400, "LocationRequired", "The location property is required for this definition."
                )
            return
        location = location_name(given)
        if location not in _UNLOCATED:
            raise ArmError(
                400,
                "LocationNotAvailableForResourceType",
                f"The provided location '{given}' is not available for resource type '{resource.type}'. List of "
                f"available regions for the resource type is '{','.join(LOCATIONS)}'.",
            )
        if existing is not None and existing.location not in ("", location):
            raise ArmError(
                409,
                "InvalidResourceLocation",
                f"The resource '{resource.name}' already exists in location '{existing.location}' in resource "
                f"group '{resource.group}'. A resource with the same name cannot be created in location "
                f"'{location}'. Please select a new resource name.",
            )
        body["location"] = location


def _implied(parent: ResourceId, manager: ResourceManager) -> bool:
    """Services such as `blobServices/default` exist with their account without having been created."""
    above = parent.parent
    return (
        parent.name.lower() == "default" and above is not None and manager.store.find(above.text) is not None
    )
