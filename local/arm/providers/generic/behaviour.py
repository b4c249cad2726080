"""What happens to resources of any type."""

from dataclasses import dataclass

from local.arm import tags as tag_rules
from local.arm.catalog import canonical_type
from local.arm.clock import timestamp
from local.arm.documents import JsonObject, copied, merged, object_in, tags_in
from local.arm.errors import resource_not_found
from local.arm.ids import ResourceId
from local.arm.operations import Effect, Effects, LongOperation
from local.arm.placement import check_parent, place
from local.arm.providers.generic.models import rules
from local.arm.resource_manager import ResourceManager
from local.arm.store import Resource

SETTLE = "settle"
_OWN = ("id", "name", "type", "systemData", "etag")
# Storage accounts: what the recordings announce.
_RETRY_AFTER = 17


@dataclass(frozen=True, slots=True)
class Resources:
    manager: ResourceManager

    def register(self) -> None:
        self.manager.operations.register(SETTLE, Effects(self._settled("Succeeded"), self._settled("Failed")))

    def get(self, resource: ResourceId) -> Resource:
        self.manager.store.group(resource.subscription, resource.group or "")
        check_parent(resource, self.manager.store, "read")
        found = self.manager.store.find(resource.text)
        if found is None:
            raise resource_not_found(resource)
        return found

    def put(self, resource: ResourceId, body: JsonObject) -> tuple[Resource, bool]:
        """Create or replace; whether it is new."""
        group = self.manager.store.group_for_writing(resource.subscription, resource.group or "")
        check_parent(resource, self.manager.store, "write")
        type_ = canonical_type(resource.type)
        existing = self.manager.store.find(resource.text)
        kept = {name: copied(value) for name, value in body.items() if name not in _OWN}
        place(resource, kept, existing, needed=rules(resource).needs_location)
        tag_rules.check(tags_in(kept))
        properties = {**rules(resource).defaults(resource, kept), **object_in(kept, "properties")}
        properties["provisioningState"] = "Succeeded"
        kept["properties"] = properties
        now = timestamp(self.manager.clock.now())
        stored = Resource(
            id=existing.id if existing else resource.spelled(group.name, type_),
            type=existing.type if existing else type_,
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
        self.manager.store.put(found)
        return found

    def delete(self, resource: ResourceId) -> Resource | None:
        """Remove it with its children; None where there was nothing."""
        self.manager.store.group_for_writing(resource.subscription, resource.group or "")
        check_parent(resource, self.manager.store, "delete")
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

    def _settled(self, state: str) -> Effect:
        def settle(operation: LongOperation) -> None:
            resource = self.manager.store.find(operation.target)
            if resource is not None:
                resource.properties["provisioningState"] = state

        return settle
