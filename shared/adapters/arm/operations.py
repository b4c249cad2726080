"""Long operations of Resource Manager, in both styles.

"Track asynchronous Azure operations": `Azure-AsyncOperation` names a status document; `Location` answers 202 while
it runs. Recordings: a network PUT answers 201 with the first alone, a DELETE 202 with both; a PUT that changed
nothing answers 200 `Succeeded` with the header all the same; a failed operation may say so in PascalCase.
"""

import json
from collections.abc import Mapping

from shared.adapters.arm.translate import answer_error, read_error, retry_after
from shared.domain.errors import Conflict, Denied, Terminal
from shared.domain.plan import Accepted, OperationStatus

DEFAULT_POLL = 10.0
"""Seconds, where Resource Manager does not say."""

_FAILED = frozenset({"failed", "canceled", "cancelled"})


def accepted(status: int, headers: Mapping[str, str], body: str) -> Accepted:
    """What a write's answer asks us to do: look at a URL again, or nothing more."""
    url = headers.get("azure-asyncoperation") or headers.get("location") or ""
    if not url or status == 204 or (status == 200 and _state(_fields(body)) in ("succeeded", "")):
        return Accepted()
    return Accepted(url, _pause(headers))


def operation_status(status: int, headers: Mapping[str, str], body: str, url: str) -> OperationStatus:
    """What an answer of a polling URL says.

    Raises what passes or forbids (Waiting, Transient, NotFound, Denied); an error that repeats is the operation's.
    """
    if status >= 400:
        error = answer_error(status, headers, body, url)
        if isinstance(error, Denied) or not isinstance(error, Terminal | Conflict):
            raise error
        return OperationStatus("Failed", code=error.reason, message=error.message)
    fields = _fields(body)
    state = _state(fields)
    if state in _FAILED:
        codes, message = read_error(body)
        return OperationStatus("Failed", code=codes[-1] if codes else state.capitalize(), message=message)
    if status == 202 or state not in ("", "succeeded"):
        return OperationStatus("Running", retry_after=_pause(headers))
    return OperationStatus("Succeeded")


def _pause(headers: Mapping[str, str]) -> float:
    said = retry_after(headers)
    return DEFAULT_POLL if said is None else said


def _fields(body: str) -> dict[str, object]:
    try:
        found = json.loads(body) if body.strip() else {}
    except ValueError:
        return {}
    return {str(name).lower(): value for name, value in found.items()} if isinstance(found, dict) else {}


def _state(fields: dict[str, object]) -> str:
    properties = fields.get("properties")
    inside = properties.get("provisioningState") if isinstance(properties, dict) else None
    return str(fields.get("status") or inside or "").lower()
