"""The identity endpoint of App Service, api-version 2019-08-01: what `ManagedIdentityCredential` asks for tokens.

Source: https://learn.microsoft.com/azure/app-service/overview-managed-identity, "REST endpoint reference".
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from local.arm.clock import Clock
from local.identity.tokens import DEFAULT_TENANT, ManagedIdentity, issue

PATH = "/msi/token"
API_VERSION = "2019-08-01"


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """`secrets` maps the value of the `X-IDENTITY-HEADER` header to the identity that it stands for."""

    key: bytes
    secrets: Mapping[str, ManagedIdentity]
    clock: Clock
    tenant: str = DEFAULT_TENANT

    async def token(self, request: web.Request) -> web.Response:
        identity = self._identity(request.headers.get("X-IDENTITY-HEADER", ""))
        if identity is None:
            return _refused(401, "Unauthorized", "The X-IDENTITY-HEADER header is missing or wrong.")
        if request.query.get("api-version") != API_VERSION:
            return _refused(400, "BadRequest", f"The api-version must be {API_VERSION}.")
        audience = request.query.get("resource", "")
        if not audience:
            return _refused(400, "BadRequest", "The resource query parameter is required.")
        if request.query.get("client_id", identity.client_id) != identity.client_id:
            return _refused(400, "BadRequest", "No managed identity with the requested client_id was found.")
        token, expires = issue(self.key, identity, audience, self.clock.now(), tenant=self.tenant)
        return web.json_response(
            {
                "access_token": token,
                "client_id": identity.client_id,
                "expires_on": str(int(expires.timestamp())),
                "resource": audience,
                "token_type": "Bearer",
            }
        )

    def _identity(self, header: str) -> ManagedIdentity | None:
        matching = (
            identity
            for secret, identity in self.secrets.items()
            if hmac.compare_digest(secret.encode(), header.encode())
        )
        return next(matching, None)


def create_app(endpoint: TokenEndpoint) -> web.Application:
    app = web.Application()
    app.router.add_get(PATH, endpoint.token)
    return app


def _refused(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"statusCode": status, "code": code, "message": message}, status=status)
