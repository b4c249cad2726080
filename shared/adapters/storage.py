"""How to reach the storage account, and the one translation of what the storage SDKs raise."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.adapters.translation import Translation
from shared.domain.errors import Conflict, Denied, MeshError, NotFound, Terminal, Transient

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.core.exceptions import HttpResponseError

CONNECTION_TIMEOUT = 5.0
READ_TIMEOUT = 20.0
RETRIES = 2
BACKOFF = 0.2
"""Seconds and counts for both SDKs: what outlasts two quick tries is for the engine to judge."""

_CODE = re.compile(r'"code"\s*:\s*"(\w+)"')
_CONFLICTS = frozenset({"EntityAlreadyExists", "UpdateConditionNotSatisfied", "ConditionNotMet"})


@dataclass(frozen=True, slots=True)
class StorageConnection:
    """Either a connection string, or the endpoints of both services for use with an identity."""

    connection_string: str = ""
    tables_endpoint: str = ""
    queues_endpoint: str = ""


class StorageErrors(Translation):
    """Translates what the SDK raises inside a `with` block; `target` is what the error is said to be about."""

    def translate(self, error: BaseException, target: str) -> MeshError | None:
        return _translated(error, target)


def needed[T: "AsyncTokenCredential"](credential: T | None) -> T:
    """The credential that an endpoint without a connection string cannot do without."""
    if credential is None:
        raise Terminal("NoCredential", "an endpoint without a connection string needs a credential")
    return credential


def _translated(error: BaseException, target: str) -> MeshError | None:
    from azure.core import exceptions as core

    match error:
        case core.ClientAuthenticationError():
            return Denied("StorageDenied", _first_line(error), target=target)
        case core.HttpResponseError():
            return _answered(error, target)
        case core.AzureError() | TimeoutError():
            return Transient(type(error).__name__, _first_line(error), target=target)
        case _:
            return None


def _answered(error: "HttpResponseError", target: str) -> MeshError:
    status = error.status_code or 0
    code = _code(error) or f"Http{status}"
    message = _first_line(error)
    if code in _CONFLICTS or status == 412:
        return Conflict(code, message, target=target)
    if status == 404:
        return NotFound(code, message, target=target)
    if status in (401, 403):
        return Denied(code, message, target=target)
    # Other 409s pass: a table or queue of that name is still being deleted.
    if status in (0, 408, 409, 429) or status >= 500:
        return Transient(code, message, target=target)
    return Terminal(code, message, target=target)


def _code(error: "HttpResponseError") -> str:
    found = getattr(error, "error_code", None)
    if found:
        return str(getattr(found, "value", found))
    # The tables SDK raises the errors of an insert before it has read the code from the body.
    in_body = _CODE.search(error.response.text()) if error.response else None
    return in_body.group(1) if in_body else ""


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
