"""Continuation tokens: opaque, fit for a URL, and bound to the list that made them."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec

from shared.domain.errors import Terminal


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Where a list goes on: Azure's own next keys; either may be missing."""

    partition: str | None
    row: str | None


class _Token(msgspec.Struct, frozen=True, array_like=True):
    scope: str
    place: Place


def write_token(scope: str, place: Place | None) -> str:
    """The token for the next page of the list named `scope`; empty where there is none."""
    if place is None:
        return ""
    return urlsafe_b64encode(msgspec.json.encode(_Token(scope, place))).decode().rstrip("=")


def read_token(scope: str, token: str) -> Place | None:
    """Where the list named `scope` goes on; None at its start.

    Raises Terminal (`InvalidContinuation`) for a token that this list did not make.
    """
    if not token:
        return None
    try:
        padded = token.encode("ascii") + b"=" * (-len(token) % 4)
        found = msgspec.json.decode(urlsafe_b64decode(padded), type=_Token)
    except ValueError as error:
        raise _invalid() from error
    if found.scope != scope:
        raise _invalid()
    return found.place


def _invalid() -> Terminal:
    return Terminal("InvalidContinuation", "the continuation token was not made by this list")
