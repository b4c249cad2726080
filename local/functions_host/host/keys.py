"""Access keys: the host's function key, the master key, and the Event Grid extension's system key."""

import hmac
import secrets
from enum import Enum
from pathlib import Path

import msgspec


class AuthLevel(Enum):
    """What a request must prove, as `authLevel` of an HTTP trigger names it."""

    ANONYMOUS = "anonymous"
    FUNCTION = "function"
    ADMIN = "admin"


class Keys(msgspec.Struct, frozen=True, rename="camel"):
    """The master key opens everything."""

    function_key: str
    master_key: str
    event_grid_key: str

    def allows(self, level: AuthLevel, key: str | None) -> bool:
        """Whether `key` is enough for an HTTP function of this level."""
        if level is AuthLevel.ANONYMOUS:
            return True
        if level is AuthLevel.FUNCTION and _equal(key, self.function_key):
            return True
        return _equal(key, self.master_key)

    def allows_event_grid(self, key: str | None) -> bool:
        """Whether `key` opens the Event Grid webhook."""
        return _equal(key, self.event_grid_key) or _equal(key, self.master_key)


def load(file: Path | None) -> Keys:
    """The keys in `file`, which is written on first use; new ones on every start without a file."""
    if file and file.exists():
        return msgspec.json.decode(file.read_bytes(), type=Keys)
    keys = Keys(*(secrets.token_urlsafe(32) for _ in range(3)))
    if file:
        file.touch(mode=0o600)
        file.write_bytes(msgspec.json.encode(keys))
    return keys


def _equal(given: str | None, expected: str) -> bool:
    return given is not None and hmac.compare_digest(given.encode(), expected.encode())
