"""Pages of a list: `$top`, `$skiptoken` and `nextLink`."""

import base64
from collections.abc import Callable, Sequence
from urllib.parse import quote

from local.arm.documents import JsonObject
from local.arm.errors import ArmError
from local.arm.messages import ArmRequest


def page[T](
    request: ArmRequest,
    items: Sequence[T],
    *,
    key: Callable[[T], str],
    render: Callable[[T], JsonObject],
    wanted: Callable[[T], bool] = lambda _item: True,
    size: int,
) -> JsonObject:
    """One page of `items` in the order of their keys.

    Azure fills pages first and filters them afterwards, so a page may be short, even empty, and still have a
    `nextLink`. The token names the last key seen: what is added or removed meanwhile shifts nothing.
    """
    after = _token(request)
    top = _top(request)
    ordered = sorted((item for item in items if key(item) > after), key=key)
    current = ordered[: min(size, top) if top else size]
    body: JsonObject = {"value": [render(item) for item in current if wanted(item)]}
    if len(ordered) > len(current):
        body["nextLink"] = _next_link(request, key(current[-1]))
    return body


def _next_link(request: ArmRequest, last: str) -> str:
    query = {name: value for name, value in request.query.items() if name != "$skiptoken"}
    query["$skiptoken"] = base64.urlsafe_b64encode(last.encode()).decode()
    encoded = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query.items())
    return f"{request.base_url}{request.path}?{encoded}"


def _token(request: ArmRequest) -> str:
    token = request.query.get("$skiptoken", "")
    try:
        return base64.urlsafe_b64decode(token).decode()
    except ValueError as error:
        raise ArmError(400, "InvalidSkipToken", f"The provided skip token '{token}' is invalid.") from error


def _top(request: ArmRequest) -> int | None:
    text = request.query.get("$top")
    if text is None:
        return None
    if not text.isdecimal() or int(text) == 0:
        raise ArmError(
            400, "InvalidTopInQueryString", f"Invalid $top '{text}' specified in the query string."
        )
    return int(text)
