"""Whether resources are reachable from public networks, read from the list of their type in a group.

The list of a type gives what the group's own list leaves out, for all of them in one request ("List By Resource Group"
of each type's REST API).
"""

from collections.abc import Mapping

import msgspec

from shared.adapters.arm.connection import ArmConnection, decoded
from shared.domain.exposure import Access, ExposedType, access_of
from shared.domain.ids import NodeKey, normal_id


class ArmAccess(ArmConnection):
    """The part of the Azure port that reads access."""

    async def list_access(self, key: NodeKey, kind: ExposedType) -> Mapping[str, Access]:
        found: dict[str, Access] = {}
        link = self._url(f"{key.group_id}/providers/{kind.name}", kind.version)
        while link:
            page, link = read_access(await self._read(link, key.group_id), kind, key.group_id)
            found |= page
        return found


class _Page(msgspec.Struct, rename="camel"):
    value: list[dict[str, object]]
    next_link: str | None = None


def read_access(body: bytes, kind: ExposedType, target: str) -> tuple[dict[str, Access], str]:
    """One page, and the link to the next or an empty text. Raises Transient where it is no page."""
    page = decoded(body, _Page, target)
    found = {normal_id(str(one.get("id", ""))): access_of(kind, one) for one in page.value}
    return found, page.next_link or ""
