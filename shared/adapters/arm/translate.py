"""Resource Manager's errors, in every shape it writes them, as ours."""

import json
import logging
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, cast

from shared.adapters.translation import Translation
from shared.domain.errors import MeshError, Transient, error_for, judge

if TYPE_CHECKING:
    from azure.core.exceptions import HttpResponseError
    from azure.core.rest import AsyncHttpResponse

log = logging.getLogger(__name__)

# Of guests too, whose own address stands before `#EXT#@`.
_ADDRESS = re.compile(r"[\w.+#-]+@[\w-]+\.[\w.-]+")
_LONGEST = 1000


class ArmErrors(Translation):
    """Translates what the SDK raises inside a `with` block; `target` is what the error is said to be about."""

    def translate(self, error: BaseException, target: str) -> MeshError | None:
        return translate(error, target)


def translate(error: BaseException, target: str) -> MeshError | None:
    """Our error for one of azure-core's or azure-identity's; None where it is not theirs."""
    from azure.core import exceptions as core

    match error:
        case core.HttpResponseError(response=response) if response is not None:
            return _answered(error, target)
        case core.ClientAuthenticationError():
            # No token. azure-identity does not tell an endpoint that is down, which passes, from one that refuses.
            return Transient("NoToken", plain(str(error)), target=target)
        case core.AzureError() | TimeoutError():
            return Transient(type(error).__name__, plain(str(error)), target=target)
        case _:
            return None


def answer_error(status: int, headers: Mapping[str, str], body: str, target: str) -> MeshError:
    """Our error for an answer with an error status."""
    codes, message = read_error(body)
    # A detail may say what the outer code leaves open: RetryableError with RetryableErrorDueToAnotherOperation.
    code = next((c for c in codes if judge(status, c) == "wait"), codes[0] if codes else "")
    message = message or f"Resource Manager answered {status}."
    if status == 429:
        log.warning("Resource Manager asks to wait: %s", code or "TooManyRequests")
    return error_for(status, code, message, target=target, retry_after=retry_after(headers))


def read_error(body: str) -> tuple[list[str], str]:
    """The codes of an error body, outermost first, and its message with the details' messages.

    Known shapes: `{error: {code, message, details}}`; the same without `error` (diagnostics); either in
    PascalCase (old operations); `odata.error` with `message.value`; a message that is itself such a body.
    """
    found = list(_errors(body))
    messages = dict.fromkeys(message for _, message in found if message)
    return [code for code, _ in found if code], plain(" ".join(messages))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from any of the headers that Azure uses; a date is taken against the answer's own."""
    for name, unit in (("retry-after-ms", 1000.0), ("x-ms-retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = headers.get(name, "").strip()
        if value.isascii() and value.isdigit():
            return int(value) / unit
    until, now = _date(headers.get("retry-after", "")), _date(headers.get("date", ""))
    return max((until - now).total_seconds(), 0.0) if until and now else None


def plain(message: str) -> str:
    """A message without people's addresses (a refusal names the caller), and of bearable length."""
    return _ADDRESS.sub("(an address)", " ".join(message.split()))[:_LONGEST]


def _answered(error: "HttpResponseError", target: str) -> MeshError:
    response = cast("AsyncHttpResponse", error.response)
    return answer_error(response.status_code or 0, response.headers, response.text(), target)


def _errors(value: object) -> Iterator[tuple[str, str]]:
    match value:
        case str() if value.lstrip().startswith("{"):
            try:
                yield from _errors(json.loads(value))
            except ValueError:
                yield "", value
        case list():
            for item in value:
                yield from _errors(item)
        case dict():
            yield from _error_in({str(name).lower(): part for name, part in value.items()})


def _error_in(fields: dict[str, object]) -> Iterator[tuple[str, str]]:
    wrapped = fields.get("error", fields.get("odata.error"))
    if isinstance(wrapped, dict | str) and not ("code" in fields and isinstance(wrapped, str)):
        yield from _errors(wrapped)
        return
    message = fields.get("message")
    if isinstance(message, dict):
        message = cast("dict[str, object]", message).get("value")
    text = message if isinstance(message, str) else ""
    inner = list(_errors(text)) if text.lstrip().startswith("{") else []
    yield str(fields.get("code") or ""), "" if inner else text
    yield from inner
    yield from _errors(fields.get("details"))


def _date(value: str) -> datetime | None:
    try:
        return parsedate_to_datetime(value) if value else None
    except ValueError:
        return None
