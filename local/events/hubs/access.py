"""Who may use which entity: shared access signatures and Entra ID tokens, as Event Hubs checks them.

A shared access signature reads `SharedAccessSignature sr=<resource>&sig=<signature>&se=<expiry>&skn=<key name>`;
the signature is the base64 of HMAC-SHA256 with the key over `<sr>\\n<se>`, with `sr` as it stands in the token.
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
from local.identity.tokens import InvalidToken, read

SAS_TYPE = "servicebus.windows.net:sastoken"
JWT_TYPE = "jwt"
AUDIENCE = "https://eventhubs.azure.net"
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


def check_jwt(token: str, key: bytes, now: float) -> Grant:
    """The grant of an Entra ID token for Event Hubs: the whole namespace. Raises Refused (401).

    Which role the identity has is not looked at.
    """
    try:
        claims = read(token, key)
    except InvalidToken:
        raise unauthorized("InvalidSignature: The token has an invalid signature.") from None
    if str(claims.get("aud")).rstrip("/") != AUDIENCE:
        raise unauthorized("InvalidAudience: The authorization token has an invalid audience.")
    expires_at = claims.get("exp")
    if not isinstance(expires_at, int) or expires_at <= now:
        raise unauthorized("ExpiredToken: The token is expired.")
    return Grant("", expires_at)


@dataclass(slots=True)
class Access:
    """The tokens that one connection has presented.

    `now` gives seconds since 1970; `token_key` is what the local identity endpoint signs with, None where only
    shared access signatures are accepted.
    """

    key: AccessKey
    now: Callable[[], float]
    token_key: bytes | None = None
    _grants: dict[str, Grant] = field(default_factory=dict)

    def present(self, token_type: str, token: str) -> None:
        """Check a token and remember what it grants. Raises Refused."""
        if token_type == SAS_TYPE:
            grant = check_token(token, self.key, self.now())
        elif token_type == JWT_TYPE and self.token_key is not None:
            grant = check_jwt(token, self.token_key, self.now())
        else:
            raise unauthorized(f"UnsupportedToken: Tokens of the type '{token_type}' are not supported here.")
        self._grants[grant.path.lower()] = grant

    def trust(self) -> None:
        """Allow everything on this connection, for good: it has shown the key itself."""
        self._grants[""] = Grant("", sys.maxsize)

    def demand(self, path: str) -> None:
        """Raises Refused unless a token that is still valid covers the entity."""
        now = self.now()
        if not any(grant.covers(path) and grant.expires_at > now for grant in self._grants.values()):
            raise unauthorized(f"Unauthorized access. 'Listen' or 'Send' claim(s) are required for '{path}'.")
