"""Where a resource may be: its region, and the parent that it needs."""

from local.arm.catalog import LOCATIONS, location_name
from local.arm.documents import JsonObject, text_in
from local.arm.errors import ArmError, parent_not_found, resource_not_found
from local.arm.ids import ResourceId
from local.arm.store import Resource, Store

_ALLOWED = {*LOCATIONS, "global"}


def place(resource: ResourceId, body: JsonObject, existing: Resource | None, *, needed: bool) -> None:
    """Normalise the body's location, or refuse it; an update may leave it out and keeps it."""
    given = text_in(body, "location")
    if given is None:
        if existing is not None and existing.location:
            body["location"] = existing.location
        elif needed:
            raise ArmError(400, "LocationRequired", "The location property is required for this definition.")
        return
    location = location_name(given)
    if location not in _ALLOWED:
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


def check_parent(resource: ResourceId, store: Store, verb: str) -> None:
    """Refuse a child whose parent is missing. Services such as `blobServices/default` exist with their account."""
    parent = resource.parent
    if parent is None or store.find(parent.text) is not None:
        return
    above = parent.parent
    implied = parent.name.lower() == "default" and above is not None and store.find(above.text) is not None
    if not implied:
        raise parent_not_found(resource, verb, parent)


def check_parent_of_deleted(resource: ResourceId, store: Store) -> None:
    """The network provider's children: what a DELETE misses is the parent itself, as the recordings show."""
    parent = resource.parent
    if parent is not None and store.find(parent.text) is None:
        raise resource_not_found(parent)
