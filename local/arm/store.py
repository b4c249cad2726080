"""The resources and resource groups that exist, found by id, group and type."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from local.arm.documents import JsonObject, object_in, text_in
from local.arm.errors import group_being_deleted, group_not_found
from local.arm.ids import ResourceId, group_id


@dataclass(slots=True, kw_only=True)
class ResourceGroup:
    """`tags` is None where the group was made without any; Azure then leaves the field out."""

    subscription: str
    name: str
    location: str
    tags: dict[str, str] | None = None
    managed_by: str | None = None
    state: str = "Succeeded"
    created: str = ""
    changed: str = ""

    @property
    def id(self) -> str:
        return group_id(self.subscription, self.name)

    @property
    def key(self) -> str:
        return self.id.lower()


@dataclass(slots=True, kw_only=True)
class Resource:
    """`body` is what the resource's answer holds besides id, name and type: location, tags, properties ..."""

    id: ResourceId
    type: str
    body: JsonObject
    created: str = ""
    changed: str = ""

    @property
    def key(self) -> str:
        return self.id.key

    @property
    def name(self) -> str:
        return self.id.name

    @property
    def location(self) -> str:
        return text_in(self.body, "location") or ""

    @property
    def properties(self) -> JsonObject:
        return object_in(self.body, "properties")

    @property
    def tracked(self) -> bool:
        """Whether the group's list shows it: what has a location of its own, which subnets and the like have not."""
        return "location" in self.body


@dataclass(slots=True)
class Store:
    """Ids are compared in lower case. Groups keep the order in which they and their resources were created."""

    _groups: dict[str, ResourceGroup] = field(default_factory=dict)
    _resources: dict[str, Resource] = field(default_factory=dict)
    _by_group: dict[str, dict[str, Resource]] = field(default_factory=dict)
    _by_type: dict[str, dict[str, Resource]] = field(default_factory=dict)
    _by_collection: dict[str, dict[str, Resource]] = field(default_factory=dict)
    _put_hooks: dict[str, Callable[[Resource], None]] = field(default_factory=dict)

    def on_put(self, type_: str, hook: Callable[[Resource], None]) -> None:
        """Call `hook` with every resource of a type that has just been stored: one hook a type."""
        self._put_hooks[type_.lower()] = hook

    def groups(self, subscription: str) -> list[ResourceGroup]:
        wanted = subscription.lower()
        return [group for group in self._groups.values() if group.subscription.lower() == wanted]

    def all_groups(self) -> list[ResourceGroup]:
        return list(self._groups.values())

    def find_group(self, subscription: str, name: str) -> ResourceGroup | None:
        return self._groups.get(group_id(subscription, name).lower())

    def group(self, subscription: str, name: str) -> ResourceGroup:
        """The group, or the error that its absence is."""
        found = self.find_group(subscription, name)
        if found is None:
            raise group_not_found(name)
        return found

    def group_for_writing(self, subscription: str, name: str) -> ResourceGroup:
        found = self.group(subscription, name)
        if found.state == "Deleting":
            raise group_being_deleted(found.name)
        return found

    def put_group(self, group: ResourceGroup) -> None:
        self._groups[group.key] = group

    def remove_group(self, group: ResourceGroup) -> None:
        """Remove the group and what is still in it, without any effect on others."""
        for resource in self.in_group(group.key):
            self.remove(resource.key)
        self._groups.pop(group.key, None)

    def find(self, identifier: str) -> Resource | None:
        return self._resources.get(identifier.lower())

    def put(self, resource: Resource) -> None:
        self._resources[resource.key] = resource
        self._by_group.setdefault(_group_key(resource.id), {})[resource.key] = resource
        self._by_type.setdefault(resource.type.lower(), {})[resource.key] = resource
        self._by_collection.setdefault(_collection(resource.key), {})[resource.key] = resource
        hook = self._put_hooks.get(resource.type.lower())
        if hook is not None:
            hook(resource)

    def remove(self, identifier: str) -> Resource | None:
        """Remove one resource and its children; the resource, or None where there was none."""
        key = identifier.lower()
        removed = self._resources.get(key)
        if removed is None:
            return None
        for child in [*self.beneath(key), removed]:
            del self._resources[child.key]
            del self._by_group[_group_key(child.id)][child.key]
            del self._by_type[child.type.lower()][child.key]
            del self._by_collection[_collection(child.key)][child.key]
        return removed

    def in_group(self, group_key: str) -> list[Resource]:
        return list(self._by_group.get(group_key.lower(), {}).values())

    def of_type(self, type_: str) -> list[Resource]:
        return list(self._by_type.get(type_.lower(), {}).values())

    def children(self, parent: ResourceId, type_: str) -> list[Resource]:
        """Direct children of one type, for example the subnets of a virtual network."""
        return list(self._by_collection.get(f"{parent.key}/{type_.lower()}", {}).values())

    def beneath(self, key: str) -> list[Resource]:
        """Everything whose id continues `key`, deepest first."""
        resource = self._resources.get(key)
        if resource is None:
            return []
        prefix = key + "/"
        found = [
            item for item in self._by_group[_group_key(resource.id)].values() if item.key.startswith(prefix)
        ]
        return sorted(found, key=lambda item: -len(item.id.types))

    def __iter__(self) -> Iterator[Resource]:
        return iter(list(self._resources.values()))

    def clear(self) -> None:
        indexes = (self._resources, self._by_group, self._by_type, self._by_collection)
        self._groups.clear()
        for index in indexes:
            index.clear()


def _group_key(resource: ResourceId) -> str:
    return group_id(resource.subscription, resource.group).lower() if resource.group else ""


def _collection(key: str) -> str:
    """The id of the collection that a resource is in: `.../virtualnetworks/v/subnets`."""
    return key.rpartition("/")[0]
