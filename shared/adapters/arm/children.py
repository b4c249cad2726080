"""Resources inside a resource, read from the plain answer to a list: one shape for every kind of child."""

import msgspec

from shared.adapters.arm.connection import decoded
from shared.ports import Resource


class _Child(msgspec.Struct):
    id: str
    type: str | None = None
    location: str | None = None
    kind: str | None = None


class _Children(msgspec.Struct, rename="camel"):
    value: tuple[_Child, ...] = ()
    next_link: str | None = None


def read_children(body: bytes, target: str) -> tuple[list[Resource], str]:
    """One page of children, and the link to the next or an empty text. Raises Transient where the body is cut off."""
    page = decoded(body, _Children, target)
    found = [Resource(c.id, c.type or "", c.location or "", c.kind or "") for c in page.value]
    return found, page.next_link or ""
