"""Who may use which entity: shared access signatures, as Event Hubs checks them.

A token is `SharedAccessSignature sr=<resource>&sig=<signature>&se=<expiry>&skn=<key name>`; the signature is the
base64 of HMAC-SHA256 with the key over `<sr>\\n<se>`, with `sr` as it stands in the token.
"""

import base64
import hashlib
import hmac
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import unquote, unquote_plus

from local.events.hubs.namespace import path_of
from local.events.hubs.refusal import unauthorized

SAS_TYPE = "servicebus.windows.net:sastoken"
_PREFIX = "SharedAccessSignature "


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A shared access policy of the namespace, with all rights."""

    name: str
    value: str

    def sign(self, resource: str, expiry: int) -> str:
        """The base64 signature of an URL-encoded resource."""
        signed = f"{resource}\n{expiry}".encode()
        return base64.b64encode(hmac.digest(self.value.encode(), signed, hashlib.sha256)).decode()


@dataclass(frozen=True, slots=True)
class Grant:
    """What a valid token allows: the entity with this path and all below it, until `expires_at` (seconds)."""

    path: str
    expires_at: int

    def covers(self, path: str) -> bool:
        """Whether the entity is the granted one or below it."""
        granted, wanted = self.path.lower(), path.lower()
        return not granted or wanted == granted or wanted.startswith(granted + "/")


def check_token(token: str, key: AccessKey, now: float) -> Grant:
    """The grant of a token. Raises Refused (401) for a wrong signature, key name, shape or a past expiry."""
    fields = _fields(token)
    resource, expiry = fields["sr"], _number(fields["se"])
    expected = key.sign(resource, expiry)
    given = unquote(fields["sig"])
    if fields["skn"] != key.name or not hmac.compare_digest(expected.encode(), given.encode()):
        raise unauthorized("InvalidSignature: The token has an invalid signature.")
    if expiry <= now:
        raise unauthorized("ExpiredToken: The token is expired.")
    return Grant(path_of(unquote_plus(resource)), expiry)


def _fields(token: str) -> dict[str, str]:
    if not token.startswith(_PREFIX):
        raise unauthorized("MalformedToken: The token is not a shared access signature.")
    pairs = (part.partition("=") for part in token.removeprefix(_PREFIX).split("&"))
    fields = {name: value for name, _, value in pairs}
    if not fields.keys() >= {"sr", "sig", "se", "skn"}:
        raise unauthorized("MalformedToken: The token lacks a part.")
    return fields


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise unauthorized("MalformedToken: The expiry is not a number.") from None


@dataclass(slots=True)
class Access:
    """The tokens that one connection has presented. `now` gives seconds since 1970."""

    key: AccessKey
    now: Callable[[], float]
    _grants: dict[str, Grant] = field(default_factory=dict)

    def present(self, token_type: str, token: str) -> Grant:
        """Check a token and remember what it grants. Raises Refused."""
        if token_type != SAS_TYPE:
            raise unauthorized(f"UnsupportedToken: Tokens of the type '{token_type}' are not supported here.")
        grant = check_token(token, self.key, self.now())
        self._grants[grant.path.lower()] = grant
        return grant

    def trust(self) -> None:
        """Allow everything on this connection, for good: it has shown the key itself."""
        self._grants[""] = Grant("", sys.maxsize)

    def demand(self, path: str) -> None:
        """Raises Refused unless a token that is still valid covers the entity."""
        now = self.now()
        if not any(grant.covers(path) and grant.expires_at > now for grant in self._grants.values()):
            raise unauthorized(f"Unauthorized access. 'Listen' or 'Send' claim(s) are required for '{path}'.")
