"""What our own identity may do, as Microsoft.Authorization tells ("Permissions" of its REST API, 2022-04-01)."""

from collections.abc import Sequence

import msgspec

from shared.adapters.arm.connection import ArmConnection, decoded
from shared.domain.permissions import Permission

API_VERSION = "2022-04-01"


class ArmPermissions(ArmConnection):
    """The part of the Azure port that reads permissions."""

    async def list_permissions(self, scope: str) -> Sequence[Permission]:
        found: list[Permission] = []
        link = self._url(f"{scope}/providers/Microsoft.Authorization/permissions", API_VERSION)
        while link:
            page, link = read_permissions(await self._read(link, scope), scope)
            found += page
        return found


class _Permission(msgspec.Struct, rename="camel"):
    actions: list[str] | None = None
    not_actions: list[str] | None = None


class _Permissions(msgspec.Struct, rename="camel"):
    value: list[_Permission]
    next_link: str | None = None


def read_permissions(body: bytes, target: str) -> tuple[list[Permission], str]:
    """One page of permissions, and the link to the next or an empty text. Raises Transient where it is no page."""
    page = decoded(body, _Permissions, target)
    found = [Permission(tuple(p.actions or ()), tuple(p.not_actions or ())) for p in page.value]
    return found, page.next_link or ""
