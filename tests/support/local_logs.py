"""A local log store for tests, as a process of its own."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions

from local import certificates
from local.child import Child
from local.identity.tokens import ManagedIdentity, issue

SECONDS_TO_START = 120.0
AUDIENCE = "https://api.loganalytics.io"


@dataclass(frozen=True, slots=True)
class RunningLogs:
    """A log store that listens; `key` signs tokens, `authority` is what TLS is checked with."""

    endpoint: str
    key: bytes
    authority: Path
    child: Child

    def credential(self, audience: str = AUDIENCE, key: bytes | None = None) -> "SignedCredential":
        return SignedCredential(key or self.key, audience)


class SignedCredential:
    """Tokens as the local identity endpoint issues them, without a process for it."""

    def __init__(self, key: bytes, audience: str) -> None:
        self._key = key
        self._audience = audience

    async def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: object,
    ) -> AccessToken:
        token, expires = issue(self._key, ManagedIdentity("app"), self._audience, datetime.now(UTC))
        return AccessToken(token, int(expires.timestamp()))

    async def get_token_info(
        self, *scopes: str, options: TokenRequestOptions | None = None
    ) -> AccessTokenInfo:
        token = await self.get_token(*scopes)
        return AccessTokenInfo(token.token, token.expires_on)

    async def close(self) -> None:
        pass

    async def __aenter__(self) -> "SignedCredential":
        return self

    async def __aexit__(self, *_details: object) -> None:
        pass


@contextmanager
def running_logs(source: str = "", hubs: Mapping[str, str] | None = None) -> Iterator[RunningLogs]:
    """Start `python -m local.logs`, fed from these hubs of the namespace `source`; it ends with the block."""
    with TemporaryDirectory(prefix="logs-") as name:
        folder = Path(name)
        served = certificates.ensure(folder / "certificates")
        key, connection = folder / "key", folder / "source"
        key.write_text("k" * 40)
        connection.write_text(source)
        arguments = [
            *("--certificate", str(served.certificate)),
            *("--private-key", str(served.private_key)),
            *("--token-key-file", str(key)),
            *("--event-hubs-file", str(connection)),
            *(word for hub, kind in (hubs or {}).items() for word in ("--hub", f"{hub}={kind}")),
        ]
        child = Child.start_module("local.logs", arguments, folder / "log")
        try:
            ready = child.wait_until_ready(SECONDS_TO_START)
            yield RunningLogs(str(ready["endpoint"]), key.read_bytes(), served.authority, child)
        finally:
            child.stop()
