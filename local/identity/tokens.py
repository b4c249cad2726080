"""Access tokens as Microsoft Entra ID issues them to managed identities, signed with a key shared on this machine."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import jwt

DEFAULT_TENANT = "a0000000-0000-4000-8000-000000000001"
LIFETIME = timedelta(hours=24)
SHORTEST_KEY = 32
_ALGORITHM = "HS256"
_NAMES = uuid.UUID("5d2e8c1a-6f0b-4f3e-9c77-0d9a4b1e2f60")


class InvalidToken(ValueError):
    """The token is malformed, or signed with another key."""


@dataclass(frozen=True, slots=True)
class ManagedIdentity:
    """A principal by its name; its ids follow from the name, so every process knows them."""

    name: str

    @property
    def object_id(self) -> str:
        return str(uuid.uuid5(_NAMES, f"object/{self.name}"))

    @property
    def client_id(self) -> str:
        return str(uuid.uuid5(_NAMES, f"client/{self.name}"))


def read_key(path: Path) -> bytes:
    """The signing key: the file's text without surrounding blanks, at least 32 characters."""
    key = path.read_bytes().strip()
    if len(key) < SHORTEST_KEY:
        raise ValueError(f"{path} must hold at least {SHORTEST_KEY} characters")
    return key


def issue(
    key: bytes,
    identity: ManagedIdentity,
    audience: str,
    now: datetime,
    *,
    tenant: str = DEFAULT_TENANT,
    lifetime: timedelta = LIFETIME,
) -> tuple[str, datetime]:
    """A signed JWT for `audience`, and the moment it expires (whole seconds)."""
    issued = now.replace(microsecond=0)
    expires = issued + lifetime
    claims = {
        "aud": audience,
        "iss": f"https://sts.windows.net/{tenant}/",
        "iat": int(issued.timestamp()),
        "nbf": int(issued.timestamp()),
        "exp": int(expires.timestamp()),
        "appid": identity.client_id,
        "appidacr": "2",
        "idp": f"https://sts.windows.net/{tenant}/",
        "idtyp": "app",
        "oid": identity.object_id,
        "sub": identity.object_id,
        "tid": tenant,
        "uti": uuid.uuid4().hex,
        "ver": "1.0",
        "xms_mirid": f"/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{identity.name}",
    }
    return jwt.encode(claims, key, algorithm=_ALGORITHM), expires


def read(token: str, key: bytes | None) -> Mapping[str, object]:
    """The claims of a token; expiry and audience are for the caller to judge. Without a key any signature passes."""
    options = {
        "verify_signature": key is not None,
        "verify_exp": False,
        "verify_aud": False,
        "verify_nbf": False,
    }
    try:
        claims = jwt.decode(
            token, key or b"", algorithms=[_ALGORITHM], options=cast("jwt.types.Options", options)
        )
    except jwt.PyJWTError as error:
        raise InvalidToken("the token is not a JWT signed with this machine's key") from error
    return cast("Mapping[str, object]", claims)
