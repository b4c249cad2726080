"""What differs between a recorded answer and ours, as sentences that name the place and the difference."""

import re
from collections.abc import Iterator, Mapping

from local.arm.documents import Json, JsonObject, object_in, text_in
from tests.local.arm.conformance.recordings import Exchange
from tests.support.local_arm import Answer

# What Azure makes up, and texts for people.
_MADE_UP = {
    "etag",
    "resourceguid",
    "message",
    "customerid",
    "nextlink",
    # Public addresses and names that Azure draws.
    "ipaddress",
    "ipprefix",
    "tunnelipaddresses",
    "internaldomainnamesuffix",
    "macaddress",
    "web",
    "createdby",
    "createdbytype",
    "lastmodifiedby",
    "lastmodifiedbytype",
}
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)|\w{3}, \d\d \w{3} \d{4} [\d:]+ GMT")
_GUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
_HEADERS = ("azure-asyncoperation", "location")


def compare(recorded: Exchange, ours: Answer, *, timing: bool) -> Iterator[str]:
    """`timing`: the recording kept its `Retry-After`."""
    if recorded.status != ours.status:
        yield f"status {ours.status} instead of {recorded.status}"
    theirs, code = _error(recorded.body), ours.error
    if theirs != code:
        yield f"error {code} instead of {theirs}"
    yield from _headers(recorded.headers, ours.headers, timing=timing)
    if recorded.status == ours.status and theirs == code:
        yield from _differences(_comparable(recorded.body), _comparable(ours.body), "body")


def _error(body: Json) -> str | None:
    if not isinstance(body, dict):
        return None
    for name in ("error", "Error", "odata.error"):
        if isinstance(body.get(name), dict):
            wrapped = object_in(body, name)
            return text_in(wrapped, "code") or text_in(wrapped, "Code")
    return text_in(body, "code")


def _headers(recorded: Mapping[str, str], ours: Mapping[str, str], *, timing: bool) -> Iterator[str]:
    for name in (*_HEADERS, "retry-after") if timing else _HEADERS:
        if (name in recorded) != (name in ours):
            yield f"header {name} is only {'here' if name in ours else 'in the recording'}"


def _comparable(body: Json) -> Json:
    return {} if body is None else body


def _differences(recorded: Json, ours: Json, where: str) -> Iterator[str]:
    if isinstance(recorded, dict) and isinstance(ours, dict):
        for name in sorted({*recorded, *ours}):
            if name not in recorded or name not in ours:
                side = "here" if name in ours else "in the recording"
                yield f"{where}.{name} is only {side}"
            elif name == "type" and str(recorded[name]).lower() == str(ours[name]).lower():
                continue
            elif name.lower() not in _MADE_UP:
                yield from _differences(recorded[name], ours[name], f"{where}.{name}")
    elif isinstance(recorded, list) and isinstance(ours, list):
        yield from _list_differences(recorded, ours, where)
    elif not _alike(recorded, ours):
        yield f"{where} is {_short(ours)} instead of {_short(recorded)}"


def _list_differences(recorded: list[Json], ours: list[Json], where: str) -> Iterator[str]:
    """Resources are matched by id: the order of a list is no promise."""
    theirs, here = _by_id(recorded), _by_id(ours)
    if len(theirs) == len(recorded) and len(here) == len(ours):
        for key in sorted({*theirs, *here}):
            if key not in theirs or key not in here:
                yield f"{where}[] has an item only {'here' if key in here else 'in the recording'}"
            else:
                yield from _differences(theirs[key], here[key], f"{where}[]")
    elif len(recorded) != len(ours):
        yield f"{where} has {len(ours)} items instead of {len(recorded)}"
    else:
        for left, right in zip(recorded, ours, strict=True):
            yield from _differences(left, right, f"{where}[]")


def _by_id(items: list[Json]) -> dict[str, JsonObject]:
    found: dict[str, JsonObject] = {}
    for item in items:
        if isinstance(item, dict):
            key = text_in(item, "id") or text_in(item, "name")
            if key:
                # Names may hold a guid that Azure draws.
                found[_GUID.sub("#", key.lower())] = item
    return found


def _alike(recorded: Json, ours: Json) -> bool:
    if recorded == ours and type(recorded) is type(ours):
        return True
    if isinstance(recorded, str) and isinstance(ours, str):
        if recorded.startswith("/subscriptions/"):
            return _GUID.sub("#", recorded.lower()) == _GUID.sub("#", ours.lower())
        return any(pattern.fullmatch(recorded) and pattern.fullmatch(ours) for pattern in (_TIME, _GUID))
    return False


def _short(value: Json) -> str:
    text = repr(value)
    return text if len(text) < 60 else text[:57] + "..."
