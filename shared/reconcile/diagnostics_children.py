"""Resources inside resources, which a group's list does not show and which have diagnostics of their own. Data, pure.

Which parts an account or a server has: the REST documents of Microsoft.Storage, Microsoft.Sql, Microsoft.Synapse and
Microsoft.Web.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from shared.domain.errors import MeshError
from shared.domain.ids import normal_id, type_of
from shared.domain.node import EVERYTHING, Coverage
from shared.ports import Resource


class Collection(msgspec.Struct, frozen=True):
    """Children of one kind: to be listed with `version`, or, without one, the single child `default`."""

    name: str
    version: str = ""


_BLOB, _FILE, _QUEUE, _TABLE = (Collection(f"{part}Services") for part in ("blob", "file", "queue", "table"))
_STORAGE: dict[str, tuple[Collection, ...]] = {
    "blobstorage": (_BLOB,),
    "blockblobstorage": (_BLOB,),
    "filestorage": (_FILE,),
}
"""By the kind of an account; any other has all four services."""

_COLLECTIONS: dict[str, tuple[Collection, ...]] = {
    "microsoft.storage/storageaccounts": (_BLOB, _FILE, _QUEUE, _TABLE),
    "microsoft.sql/servers": (Collection("databases", "2021-11-01"),),
    "microsoft.sql/managedinstances": (Collection("databases", "2021-11-01"),),
    "microsoft.synapse/workspaces": (
        Collection("sqlPools", "2021-06-01"),
        Collection("bigDataPools", "2021-06-01"),
    ),
    "microsoft.web/sites": (Collection("slots", "2022-03-01"),),
}


type ChildLook = tuple[Resource, ...] | MeshError
"""What is in a collection, or why it could not be listed."""


class Inside(msgspec.Struct, frozen=True):
    """A collection of one parent that is to be listed."""

    parent: Resource
    collection: Collection

    @property
    def id(self) -> str:
        return f"{self.parent.id}/{self.collection.name}"

    def child(self, found: Resource) -> Resource:
        """A child as it was listed, in its parent's region where it names none."""
        return Resource(found.id, self.itself.type, found.location or self.parent.location, found.kind)

    @property
    def itself(self) -> Resource:
        """What stands for the collection where it cannot be listed."""
        return Resource(self.id, f"{self.parent.type}/{self.collection.name}", self.parent.location)


def has_children(resource_id: str) -> bool:
    """Whether what is inside such a resource has to be looked for."""
    return type_of(resource_id) in _COLLECTIONS


def fixed_children(resources: Iterable[Resource]) -> list[Resource]:
    """The children that are there as soon as their parent is."""
    return [
        Resource(
            f"{parent.id}/{part.name}/default", f"{parent.type}/{part.name}", parent.location, parent.kind
        )
        for parent in resources
        for part in _collections(parent)
        if not part.version
    ]


def listed(resources: Iterable[Resource]) -> list[Inside]:
    """The collections that have to be listed to know what is in them."""
    return [Inside(parent, part) for parent in resources for part in _collections(parent) if part.version]


def _collections(parent: Resource) -> Sequence[Collection]:
    parts = _COLLECTIONS.get(parent.type.lower(), ())
    return _STORAGE.get(parent.kind.lower(), parts) if _BLOB in parts else parts


def to_list(
    inside: Iterable[Inside],
    coverage: Iterable[Coverage],
    touched: Sequence[str],
    now: datetime,
    audit_seconds: float,
) -> list[Inside]:
    """The collections of which nothing is known, or which may have changed: the parent's age counts for them.

    One that could not be listed has a row of its own, and is listed again.
    """
    rows = {normal_id(c.id): c for c in coverage}
    fresh_after = now - timedelta(seconds=audit_seconds)

    def known(one: Inside) -> bool:
        parent, collection = normal_id(one.parent.id), normal_id(one.id)
        row = rows.get(parent)
        if row is None or row.checked_at <= fresh_after or EVERYTHING in touched or collection in rows:
            return False
        return not any(t == parent or t.startswith(f"{collection}/") for t in touched)

    return [one for one in inside if not known(one)]


def children_of(
    resources: Sequence[Resource], coverage: Sequence[Coverage], lists: Mapping[str, ChildLook]
) -> tuple[tuple[Resource, ...], dict[str, MeshError]]:
    """The children that a group's list leaves out, and the collections that could not be listed, by normal id.

    `lists` are the collections that were listed, by id; of the others, and of those that failed, what is remembered.
    """
    there = {normal_id(r.id) for r in resources}
    found, failed = fixed_children(resources), dict[str, MeshError]()
    for one in listed(resources):
        look = lists.get(one.id)
        if isinstance(look, MeshError):
            failed[normal_id(one.id)] = look
            found.append(one.itself)
        found += remembered(one, coverage) if look is None or isinstance(look, MeshError) else look
    return tuple(r for r in found if normal_id(r.id) not in there), failed


def remembered(one: Inside, coverage: Iterable[Coverage]) -> list[Resource]:
    """The children of a collection that the record knows."""
    start = normal_id(one.id) + "/"
    parent = one.parent
    return [
        Resource(c.id, one.itself.type, parent.location, c.kind)
        for c in coverage
        if normal_id(c.id).startswith(start) and "/" not in normal_id(c.id)[len(start) :]
    ]
