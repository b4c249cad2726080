"""Who calls: the principal that the platform's authentication vouches for, or whoever shows the function key."""

from base64 import b64decode

import azure.functions as func
import msgspec

from shared.domain.actor import KEY_HOLDER, Actor, Claim, actor_of

PRINCIPAL = "X-MS-CLIENT-PRINCIPAL"
LONGEST_PRINCIPAL = 65_536  # characters; the platform's front end takes no longer header


class Unidentified(Exception):
    """The platform authenticates callers, and this request carries no principal that can be read."""


class _Principal(msgspec.Struct, frozen=True):
    """The header's document: Azure App Service authentication, "Decoding the client principal header"."""

    claims: tuple[Claim, ...]
    role_typ: str = ""


def caller(req: func.HttpRequest, *, platform_authentication: bool) -> Actor:
    """The actor of a request. Raises Unidentified.

    Anybody can send the header: it counts only where the platform authenticates, since it then replaces what
    came from outside. Everywhere else it is not even read.
    """
    if not platform_authentication:
        return KEY_HOLDER
    header = req.headers.get(PRINCIPAL, "")
    if not 0 < len(header) <= LONGEST_PRINCIPAL:
        raise Unidentified
    try:
        principal = msgspec.json.decode(b64decode(header, validate=True), type=_Principal)
    except (ValueError, msgspec.DecodeError, RecursionError):
        raise Unidentified from None
    actor = actor_of(principal.claims, principal.role_typ)
    if actor is None:
        raise Unidentified
    return actor
