"""Between aiohttp and Resource Manager: requests read, answers rendered."""

import json
import uuid
from datetime import datetime

from aiohttp import web

from local.arm.documents import JsonObject
from local.arm.errors import ArmError
from local.arm.messages import ANONYMOUS, ArmRequest, ArmResponse

_JSON = ("application/json", "text/json")
_ALWAYS = {
    "Cache-Control": "no-cache",
    "Pragma": "no-cache",
    "Expires": "-1",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
}


def arm_request(request: web.Request, moment: datetime) -> ArmRequest:
    """A request without its body and caller, which are read and judged later."""
    identifier = str(uuid.uuid4())
    return ArmRequest(
        method=request.method,
        path=_path(request.path),
        query={name.lower(): value for name, value in request.query.items()},
        headers={name.lower(): value for name, value in request.headers.items()},
        body=None,
        principal=ANONYMOUS,
        request_id=identifier,
        correlation_id=request.headers.get("x-ms-correlation-request-id", identifier),
        base_url=str(request.url.origin()),
        url=str(request.url),
        time=moment,
    )


def _path(sent: str) -> str:
    """Without empty segments, as ARM takes a path: `az resource` sends one where a resource has no parent."""
    return "/" + "/".join(filter(None, sent.split("/")))


async def body_of(request: web.Request) -> JsonObject | None:
    """The JSON object that was sent, None where there was nothing or something else."""
    try:
        raw = await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise ArmError(  # (inferred)
            413, "RequestEntityTooLarge", "The request content exceeds the maximum size."
        ) from error
    if not raw:
        return None
    if request.headers.get("Content-Type") is None or request.content_type not in _JSON:
        given = request.content_type if "Content-Type" in request.headers else "<null>"
        raise ArmError(
            415,
            "UnsupportedMediaType",
            f"The content media type '{given}' is not supported. Only 'application/json' is supported.",
        )
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ArmError(
            400,
            "InvalidRequestContent",
            f"The request content was invalid and could not be deserialized: '{error}'.",
        ) from error
    return document if isinstance(document, dict) else None


def rendered(arm: ArmRequest, response: ArmResponse, moment: datetime) -> web.Response:
    """The answer as bytes, with the headers that every answer has."""
    headers = {
        **_ALWAYS,
        "x-ms-request-id": arm.request_id,
        "x-ms-correlation-request-id": arm.correlation_id,
        "x-ms-routing-request-id": f"LOCAL:{moment:%Y%m%dT%H%M%SZ}:{arm.request_id}",
        **response.headers,
    }
    if "x-ms-client-request-id" in arm.headers:
        headers["x-ms-client-request-id"] = arm.headers["x-ms-client-request-id"]
    if response.body is None:
        return web.Response(status=response.status, headers=headers)
    payload = json.dumps(response.body, separators=(",", ":"), ensure_ascii=False).encode()
    return web.Response(
        status=response.status,
        headers=headers,
        body=payload,
        content_type="application/json",
        charset="utf-8",
    )
