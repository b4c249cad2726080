"""The local Resource Manager inside a test's own process, over real HTTPS."""

import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import trustme
from aiohttp import web
from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions

from local.arm.clock import Clock
from local.arm.documents import JsonObject, object_in
from local.arm.extension import Extension
from local.arm.operations import OperationsMode
from local.arm.resource_manager import DEFAULT_SUBSCRIPTION, Configuration, ResourceManager
from local.arm.server import create_app
from local.arm.throttling import Limits
from local.identity.tokens import ManagedIdentity, issue

KEY = b"a key that only the tests of this repository use"
AUDIENCE = "https://management.azure.com/"
SUBSCRIPTION = DEFAULT_SUBSCRIPTION
RESOURCES = "2022-09-01"
NETWORK = "2025-03-01"
INSIGHTS = "2021-05-01-preview"
AT_ONCE = OperationsMode(advance="at-once", amount=0, retry_after=0.01)


def group_path(name: str, subscription: str = SUBSCRIPTION) -> str:
    return f"/subscriptions/{subscription}/resourceGroups/{name}"


def resource_path(group: str, relative: str) -> str:
    """`resource_path("g", "Microsoft.KeyVault/vaults/v")`."""
    return f"{group_path(group)}/providers/{relative}"


def network_path(group: str, name: str) -> str:
    return resource_path(group, f"Microsoft.Network/virtualNetworks/{name}")


@dataclass(frozen=True, slots=True)
class StaticCredential:
    """What Azure's async clients ask for tokens; `clock` None takes the machine's time."""

    identity: ManagedIdentity = field(default_factory=lambda: ManagedIdentity("tests"))
    clock: Clock | None = None

    def token(self, audience: str = AUDIENCE) -> tuple[str, datetime]:
        now = self.clock.now() if self.clock else datetime.now(UTC)
        return issue(KEY, self.identity, audience, now)

    async def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: object,
    ) -> AccessToken:
        token, _ = self.token(scopes[0].removesuffix("/.default"))
        # The clients compare with the machine's time even where the server's clock stands still.
        return AccessToken(token, int((datetime.now(UTC) + timedelta(hours=1)).timestamp()))

    async def get_token_info(
        self, *scopes: str, options: TokenRequestOptions | None = None
    ) -> AccessTokenInfo:
        token = await self.get_token(*scopes)
        return AccessTokenInfo(token.token, token.expires_on)

    async def close(self) -> None: ...

    async def __aenter__(self) -> "StaticCredential":
        return self

    async def __aexit__(self, *_details: object) -> None: ...


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: JsonObject

    @property
    def error(self) -> str | None:
        """The error code, wrapped or bare."""
        wrapped = self.body.get("error")
        code = wrapped.get("code") if isinstance(wrapped, dict) else self.body.get("code")
        return code if isinstance(code, str) else None


@dataclass(slots=True)
class LocalArm:
    """A running server, with raw access to it. `url` is what SDK clients take as `base_url`."""

    manager: ResourceManager
    url: str
    ca_file: Path
    session: aiohttp.ClientSession
    credential: StaticCredential

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        version: str | None = RESOURCES,
        headers: Mapping[str, str] | None = None,
        principal: str = "tests",
    ) -> Answer:
        """One authenticated request; a path may bring its own query, and a whole URL is taken as it is."""
        url = path if path.startswith("https://") else self.url + path
        if version is not None and "api-version=" not in url:
            url += ("&" if "?" in url else "?") + f"api-version={version}"
        token, _ = StaticCredential(ManagedIdentity(principal), self.credential.clock).token()
        sent = {"Authorization": f"Bearer {token}", **(headers or {})}
        async with self.session.request(method, url, json=body, headers=sent) as response:
            raw = await response.read()
            document = await response.json() if raw else {}
            return Answer(response.status, response.headers, document)

    async def make_group(self, name: str, **body: object) -> None:
        made = await self.call("PUT", group_path(name), {"location": "westeurope", **body})
        assert made.status in (200, 201), made

    async def make(self, group: str, relative: str, **body: object) -> str:
        """Create a resource of any type in a group that exists; its id."""
        path = resource_path(group, relative)
        made = await self.call("PUT", path, {"location": "westeurope", **body}, version=NETWORK)
        assert made.status in (200, 201, 202), made
        return path

    async def make_network(self, group: str, name: str, *prefixes: str, **properties: object) -> str:
        space = {"addressSpace": {"addressPrefixes": list(prefixes)}, **properties}
        return await self.make(group, f"Microsoft.Network/virtualNetworks/{name}", properties=space)

    async def peer(self, local: str, remote: str, name: str, *, query: str = "", **flags: object) -> Answer:
        """PUT one side of a peering."""
        body = {"properties": {"remoteVirtualNetwork": {"id": remote}, **flags}}
        return await self.call("PUT", f"{local}/virtualNetworkPeerings/{name}{query}", body, version=NETWORK)

    async def peering(self, local: str, name: str) -> JsonObject:
        """The properties of a peering that exists."""
        found = await self.call("GET", f"{local}/virtualNetworkPeerings/{name}", version=NETWORK)
        assert found.status == 200, found
        return object_in(found.body, "properties")

    async def control(self, method: str, path: str, body: object = None) -> JsonObject:
        """One request to the control endpoint, which must succeed."""
        async with self.session.request(method, f"{self.url}/_control{path}", json=body) as response:
            raw = await response.read()
            assert response.status < 400, raw
            document: JsonObject = await response.json() if raw else {}
            return document


@asynccontextmanager
async def running_arm(
    directory: Path,
    *,
    clock: Clock | None = None,
    subscriptions: Sequence[str] = (SUBSCRIPTION,),
    operations: OperationsMode = AT_ONCE,
    limits: Limits | None = None,
    owners: Sequence[str] | None = None,
    extensions: Sequence[Extension] = (),
    state_file: Path | None = None,
) -> AsyncIterator[LocalArm]:
    """Start Resource Manager on a free port under a fresh CA, whose certificate lies in `directory`.

    `owners` are principals who may do everything; others what they are assigned. With None nobody's rights are checked.
    """
    manager = ResourceManager(
        Configuration(
            subscriptions=tuple(subscriptions),
            key=KEY,
            owners=None if owners is None else tuple(ManagedIdentity(name).object_id for name in owners),
            operations=operations,
            limits=limits or Limits(enabled=False),
        ),
        clock,
    )
    authority = trustme.CA()
    ca_file = directory / "ca.pem"
    authority.cert_pem.write_to_path(ca_file)
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(served)
    app = create_app(manager, extensions=extensions, state_file=state_file)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=served).start()
        trusted = ssl.create_default_context(cafile=ca_file)
        connector = aiohttp.TCPConnector(ssl=trusted)
        async with aiohttp.ClientSession(connector=connector) as session:
            url = f"https://localhost:{runner.addresses[0][1]}"
            yield LocalArm(manager, url, ca_file, session, StaticCredential(clock=clock))
    finally:
        await runner.cleanup()
