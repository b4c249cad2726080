"""The managed identity endpoint, asked by azure-identity itself and by hand."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import jwt
import pytest
from aiohttp import web
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CredentialUnavailableError
from azure.identity.aio import DefaultAzureCredential, ManagedIdentityCredential

from local.arm.clock import SystemClock
from local.identity.server import PATH, TokenEndpoint, create_app
from local.identity.tokens import ManagedIdentity, read_key

KEY = b"a key that only the tests of this repository use"
APP = ManagedIdentity("mesh-app")
SCOPE = "https://management.azure.com/.default"


@dataclass(frozen=True, slots=True)
class Endpoint:
    url: str
    environment: pytest.MonkeyPatch


@pytest.fixture
async def endpoint(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Endpoint]:
    """The endpoint, with the environment that App Service sets."""
    secrets = {"app-secret": APP, "other-secret": ManagedIdentity("other")}
    runner = web.AppRunner(create_app(TokenEndpoint(KEY, secrets, SystemClock())), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}{PATH}"
    monkeypatch.setenv("IDENTITY_ENDPOINT", url)
    monkeypatch.setenv("IDENTITY_HEADER", "app-secret")
    yield Endpoint(url, monkeypatch)
    await runner.cleanup()


@pytest.mark.parametrize("make", [DefaultAzureCredential, ManagedIdentityCredential])
async def test_azure_identity_gets_a_token(
    endpoint: Endpoint, make: type[DefaultAzureCredential] | type[ManagedIdentityCredential]
) -> None:
    """Both credentials work unchanged; the token is a JWT for the audience, signed, with the identity's ids."""
    async with make() as credential:
        token = await credential.get_token(SCOPE)
    claims = jwt.decode(token.token, KEY, algorithms=["HS256"], audience="https://management.azure.com")
    assert (claims["oid"], claims["sub"], claims["appid"]) == (APP.object_id, APP.object_id, APP.client_id)
    assert claims["exp"] == token.expires_on > datetime.now(UTC).timestamp()
    assert {"tid", "iss", "iat", "nbf"} <= set(claims)


async def test_a_user_assigned_identity_is_named_by_its_client_id(endpoint: Endpoint) -> None:
    """The right client id gives a token, another one does not."""
    async with ManagedIdentityCredential(client_id=APP.client_id) as credential:
        assert (await credential.get_token(SCOPE)).token
    async with ManagedIdentityCredential(client_id="another") as credential:
        with pytest.raises((ClientAuthenticationError, CredentialUnavailableError)):
            await credential.get_token(SCOPE)


@pytest.mark.parametrize(
    ("header", "query", "status"),
    [
        ("app-secret", "api-version=2019-08-01&resource=https://x", 200),
        ("wrong", "api-version=2019-08-01&resource=https://x", 401),
        (None, "api-version=2019-08-01&resource=https://x", 401),
        ("app-secret", "api-version=2019-08-01", 400),
        ("app-secret", "api-version=2017-09-01&resource=https://x", 400),
    ],
)
async def test_requests_by_hand(endpoint: Endpoint, header: str | None, query: str, status: int) -> None:
    """The secret header, the version and the resource are all needed; expires_on is a string of seconds."""
    headers = {"X-IDENTITY-HEADER": header} if header else {}
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{endpoint.url}?{query}", headers=headers) as answer,
    ):
        assert answer.status == status
        document = await answer.json()
        assert isinstance(document.get("expires_on"), str) == (status == 200)


def test_a_key_file_must_hold_enough(tmp_path: Path) -> None:
    """A short key is refused by name of the file."""
    file = tmp_path / "key"
    file.write_text("short")
    with pytest.raises(ValueError, match="at least 32"):
        read_key(file)
