"""The identity that the app has in Azure."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions
    from azure.identity.aio import DefaultAzureCredential


class LazyCredential:
    """azure-identity's default chain, made when the first token is asked for.

    In Azure that is the managed identity, on a laptop a developer's own login.
    """

    def __init__(self) -> None:
        self._made: DefaultAzureCredential | None = None

    async def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: object,
    ) -> "AccessToken":
        return await self._credential().get_token(
            *scopes, claims=claims, tenant_id=tenant_id, enable_cae=enable_cae, **kwargs
        )

    async def get_token_info(
        self, *scopes: str, options: "TokenRequestOptions | None" = None
    ) -> "AccessTokenInfo":
        return await self._credential().get_token_info(*scopes, options=options)

    async def close(self) -> None:
        if self._made is not None:
            await self._made.close()
            self._made = None

    async def __aenter__(self) -> "LazyCredential":
        return self

    async def __aexit__(self, *_details: object) -> None:
        await self.close()

    def _credential(self) -> "DefaultAzureCredential":
        if self._made is None:
            from azure.identity.aio import DefaultAzureCredential

            self._made = DefaultAzureCredential()
        return self._made
