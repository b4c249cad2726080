"""Where notices of alerts are posted to, as the settings say. Pure."""

import re
from collections.abc import Sequence
from typing import Literal
from urllib.parse import urlsplit

import msgspec

type Template = Literal["common", "teams", "slack"]

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_SHORTEST_SECRET = 16
UNRESOLVED = "@Microsoft.KeyVault("
"""How a Key Vault reference begins that the platform could not resolve."""


class WebhookAddress(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One element of MESH_WEBHOOKS; rules call it `webhook:<name>`. Neither `url` nor `secret` is ever shown."""

    name: str
    url: str
    template: Template = "common"
    secret: str = ""

    def __repr__(self) -> str:
        return f"WebhookAddress(name={self.name!r}, template={self.template!r})"


def webhook_faults(addresses: Sequence[WebhookAddress]) -> list[str]:
    """What is wrong with them, by their names; nothing that may be secret is repeated."""
    names = [a.name for a in addresses]
    faults = [f"two are called {n}" for n in dict.fromkeys(names) if names.count(n) > 1]
    for number, address in enumerate(addresses, 1):
        if not _NAME.fullmatch(address.name):
            faults.append(
                f"the name of number {number} must be 1 to 40 lower-case letters, digits and hyphens"
            )
            continue
        faults += [f"{address.name}: {fault}" for fault in _faults(address)]
    return faults


def _faults(address: WebhookAddress) -> list[str]:
    if UNRESOLVED in address.url or UNRESOLVED in address.secret:
        return ["a Key Vault reference was not resolved: the app's identity may not read the secret"]
    faults = []
    if not is_fit(address.url):
        faults.append(
            "url must be an https:// address (http:// on the loopback only) without user and fragment"
        )
    if address.secret and len(address.secret) < _SHORTEST_SECRET:
        faults.append(f"secret must have {_SHORTEST_SECRET} characters at least")
    return faults


def is_fit(url: str) -> bool:
    """Whether something may be posted to an address: nobody listens on the way, and it names no user."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    allowed = parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
    plain = url.isascii() and url.isprintable() and " " not in url
    return allowed and plain and bool(host) and parts.username is None and not parts.fragment
