"""Posting to addresses of others: no redirects, no cookies, no reading of what they answer, and no waiting for long."""

import asyncio
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from shared.domain.errors import Denied, MeshError, Terminal, Transient, Waiting
from shared.ports import Clock

if TYPE_CHECKING:
    from aiohttp import ClientSession

SECONDS = 10.0
AT_ONCE = 8
LONGEST_WAIT = 3600.0
_PASSING = (408, 425)


class HttpSender:
    """Sender; one connection pool for each process."""

    def __init__(self, clock: Clock, seconds: float = SECONDS) -> None:
        self._clock = clock
        self._seconds = seconds
        self._made: ClientSession | None = None

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        status, retry_after = await self.answer(url, body, headers)
        error = refusal(status, _seconds(retry_after, self._clock))
        if error:
            raise error

    async def answer(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
        """The status and its Retry-After; Transient where there is none."""
        from aiohttp import ClientError

        try:
            async with (
                asyncio.timeout(self._seconds),
                self._session().post(url, data=body, headers=headers, allow_redirects=False) as response,
            ):
                return response.status, response.headers.get("Retry-After", "")
        except TimeoutError:
            raise Transient("ReceiverSilent", f"no answer within {self._seconds:g} seconds") from None
        except (ClientError, OSError, ValueError) as error:
            # The library's words name the address.
            raise Transient("ReceiverUnreachable", type(error).__name__) from None

    async def close(self) -> None:
        if self._made is not None:
            await self._made.close()
            self._made = None

    def _session(self) -> "ClientSession":
        from aiohttp import ClientSession, DummyCookieJar, TCPConnector

        if self._made is None or self._made.closed:
            connector = TCPConnector(limit_per_host=AT_ONCE)
            self._made = ClientSession(
                connector=connector, cookie_jar=DummyCookieJar(), auto_decompress=False
            )
        return self._made


def refusal(status: int, retry_after: float | None) -> MeshError | None:
    """What an answer's status means; None where the receiver took it.

    A 503 that names a time is one that asks to wait, like 429 (RFC 9110, 10.2.3).
    """
    if 200 <= status < 300:
        return None
    said = f"the receiver answered {status}"
    if status == 429 or (status == 503 and retry_after is not None):
        return Waiting("ReceiverBusy", said, retry_after=retry_after)
    if status >= 500 or status in _PASSING:
        return Transient("ReceiverFailed", said, retry_after=retry_after)
    if status in (401, 403):
        return Denied("ReceiverDenied", said)
    return Terminal("ReceiverRefused", f"{said}: redirects are not followed" if status < 400 else said)


def _seconds(text: str, clock: Clock) -> float | None:
    """Retry-After in seconds: a number or a date; None where it is neither."""
    try:
        seconds = float(text) if text[:1].isdigit() else _until(text, clock)
    except (ValueError, OverflowError):  # of the numbers in a date, too
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT)


def _until(text: str, clock: Clock) -> float:
    at = parsedate_to_datetime(text)
    if at.tzinfo is None:
        raise ValueError(text)
    return (at - clock.now()).total_seconds()
