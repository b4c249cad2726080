"""Which actions of which roles were needed, as the local Azure's log of requests tells."""

import json
from collections import defaultdict
from collections.abc import Iterable

from demo.rights import FOLDER
from local.arm.request_log import LoggedRequest
from tests.support.rights import PRODUCT

ROLES = {json.loads(file.read_text())["name"]: file for file in sorted(FOLDER.glob("*.json"))}


def listed() -> dict[str, set[str]]:
    """By the name of a role, its actions in lower case."""
    return {name: {a.lower() for a in json.loads(f.read_text())["actions"]} for name, f in ROLES.items()}


def used(requests: Iterable[LoggedRequest]) -> dict[str, set[str]]:
    """By the name of a role, the product's actions that this role alone allowed, in lower case."""
    found: dict[str, set[str]] = defaultdict(set)
    for request in requests:
        for right in request.rights if request.principal == PRODUCT else ():
            if len(right.roles) == 1:
                found[right.roles[0]].add(right.action.lower())
    return found


def refused(requests: Iterable[LoggedRequest]) -> set[str]:
    """The operations that the product was not allowed."""
    return {r.operation for r in requests if r.principal == PRODUCT and r.status == 403}
