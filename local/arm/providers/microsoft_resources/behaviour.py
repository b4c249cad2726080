"""What happens to resource groups and their tags."""

from dataclasses import dataclass, replace

from local.arm import tags as tag_rules
from local.arm.catalog import LOCATIONS, location_name
from local.arm.clock import timestamp
from local.arm.documents import JsonObject, as_json, tags_in, text_in
from local.arm.errors import ArmError
from local.arm.ids import ResourceId, subscription_of
from local.arm.operations import Effects, LongOperation
from local.arm.providers.microsoft_resources.models import blocked_deletion
from local.arm.resource_manager import ResourceManager
from local.arm.store import Resource, ResourceGroup

REMOVE_GROUP = "remove-group"
_RETRY_AFTER = 15


@dataclass(frozen=True, slots=True)
class Groups:
    manager: ResourceManager

    def register(self) -> None:
        self.manager.operations.register(REMOVE_GROUP, Effects(self._removed, self._kept))

    def put(self, subscription: str, name: str, body: JsonObject) -> tuple[ResourceGroup, bool]:
        """Create or replace; whether it is new. Tags that the body leaves out are gone."""
        location = location_name(text_in(body, "location") or "")
        existing = self.manager.store.find_group(subscription, name)
        _check_location(location, existing)
        tags = None if body.get("tags") is None else tags_in(body)
        tag_rules.check(tags or {})
        now = timestamp(self.manager.clock.now())
        if existing is None:
            group = ResourceGroup(
                subscription=subscription,
                name=name,
                location=location,
                tags=tags,
                managed_by=text_in(body, "managedBy"),
                created=now,
                changed=now,
            )
        else:
            existing = self.manager.store.group_for_writing(subscription, name)
            group = replace(existing, tags=tags, managed_by=text_in(body, "managedBy"), changed=now)
        self.manager.store.put_group(group)
        return group, existing is None

    def patch(self, subscription: str, name: str, body: JsonObject) -> ResourceGroup:
        """Replace the tags when the body has some; everything else of a group is fixed."""
        group = self.manager.store.group_for_writing(subscription, name)
        if body.get("tags") is not None:
            tags = tags_in(body)
            tag_rules.check(tags)
            group.tags = tags
        group.changed = timestamp(self.manager.clock.now())
        return group

    def delete(self, subscription: str, name: str) -> tuple[LongOperation, ResourceGroup]:
        """Begin to delete; a second request while that runs joins the first."""
        group = self.manager.store.group(subscription, name)
        running = [
            operation
            for operation in self.manager.operations.running(group.key)
            if operation.effect == REMOVE_GROUP
        ]
        if running:
            return running[0], group
        group.state = "Deleting"
        operation = self.manager.operations.start(
            name="ResourceGroupDeletionJob",
            subscription=subscription,
            location=group.location,
            target=group.id,
            effect=REMOVE_GROUP,
            retry_after=_RETRY_AFTER,
        )
        return operation, group

    def _removed(self, operation: LongOperation) -> None:
        group = self._group_of(operation)
        if group is None:
            return
        blocked: dict[str, list[str]] = {}
        for resource in [item for item in self.manager.store.in_group(group.key) if len(item.id.types) == 1]:
            users = [
                user
                for user in self.manager.blockers(resource)
                if not user.lower().startswith(group.key + "/")
            ]
            if users:
                blocked[resource.id.text] = users
                continue
            self.manager.remove(resource.key)
            self._publish(operation, resource)
        if blocked:
            group.state = "Succeeded"
            operation.failure = blocked_deletion(group.name, blocked)
        else:
            self.manager.access.forget_beneath(group.key)
            self.manager.store.remove_group(group)

    def _kept(self, operation: LongOperation) -> None:
        group = self._group_of(operation)
        if group is not None:
            group.state = "Succeeded"

    def _group_of(self, operation: LongOperation) -> ResourceGroup | None:
        return self.manager.store.find_group(operation.subscription, operation.target.rpartition("/")[2])

    def _publish(self, operation: LongOperation, resource: Resource) -> None:
        """Each resource of a deleted group has its own event, on behalf of whoever deleted the group."""
        if operation.event is None:
            return
        self.manager.feed.publish(
            replace(
                operation.event,
                time=self.manager.clock.now(),
                outcome="Success",
                resource_id=resource.id.text,
                operation_name=f"{resource.type}/delete",
                status_code=200,
            )
        )


@dataclass(frozen=True, slots=True)
class Tags:
    """Tags of a subscription, group or resource through `/{scope}/providers/Microsoft.Resources/tags/default`."""

    manager: ResourceManager

    def read(self, scope: str) -> dict[str, str]:
        if _is_subscription(scope):
            return dict(self.manager.subscription_tags.get(scope.lower(), {}))
        subject = self._subject(scope)
        return dict(subject.tags or {}) if isinstance(subject, ResourceGroup) else tags_in(subject.body)

    def write(self, scope: str, tags: dict[str, str]) -> dict[str, str]:
        tag_rules.check(tags)
        if _is_subscription(scope):
            self.manager.subscription_tags[scope.lower()] = tags
            return tags
        subject = self._subject(scope)
        if isinstance(subject, ResourceGroup):
            self.manager.store.group_for_writing(subject.subscription, subject.name)
            subject.tags = tags
        else:
            self.manager.store.group_for_writing(subject.id.subscription, subject.id.group or "")
            subject.body["tags"] = as_json(dict(tags))
        subject.changed = timestamp(self.manager.clock.now())
        return tags

    def patch(self, scope: str, operation: str, tags: dict[str, str]) -> dict[str, str]:
        match operation.lower():
            case "merge":
                return self.write(scope, tag_rules.merge(self.read(scope), tags))
            case "replace":
                return self.write(scope, tags)
            case "delete":
                return self.write(scope, tag_rules.without(self.read(scope), tags))
            case _:
                raise ArmError(
                    400,
                    "InvalidTagsPatchOperation",
                    f"The tags patch operation '{operation}' is invalid. The supported operations are "
                    "'Replace, Merge, Delete'.",
                )

    def _subject(self, scope: str) -> ResourceGroup | Resource:
        from_id = ResourceId.parse(scope)
        if from_id is None:
            return self.manager.store.group(subscription_of(scope), scope.rpartition("/")[2])
        group = self.manager.store.group(from_id.subscription, from_id.group or "")
        found = self.manager.store.find(scope)
        if found is None:
            raise ArmError(
                404,
                "ResourceNotFound",
                f"The Resource '{from_id.relative}' under resource group '{group.name}' was not found. "
                "For more details please go to https://aka.ms/ARMResourceNotFoundFix",
            )
        return found


def _is_subscription(scope: str) -> bool:
    return len(scope.strip("/").split("/")) == 2


def _check_location(location: str, existing: ResourceGroup | None) -> None:
    if not location:
        raise ArmError(400, "LocationRequired", "The location property is required for this definition.")
    if existing is not None and existing.location != location:
        raise ArmError(
            409,
            "InvalidResourceGroupLocation",
            f"Invalid resource group location '{location}'. The Resource group already exists in location "
            f"'{existing.location}'.",
        )
    if location not in LOCATIONS:
        raise ArmError(
            400,
            "LocationNotAvailableForResourceGroup",
            f"The provided location '{location}' is not available for resource group. List of available regions "
            f"is '{','.join(LOCATIONS)}'.",
        )
