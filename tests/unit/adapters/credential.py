"""A credential that remembers what it was asked for."""

from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions

_FOR_EVER = 2**31


class CountingCredential:
    """Gives a worthless token for anything."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def get_token(self, *scopes: str, **_options: object) -> AccessToken:
        self.asked += scopes
        return AccessToken("worthless", _FOR_EVER)

    async def get_token_info(
        self, *scopes: str, options: TokenRequestOptions | None = None
    ) -> AccessTokenInfo:
        self.asked += scopes
        return AccessTokenInfo("worthless", _FOR_EVER)

    async def close(self) -> None: ...

    async def __aenter__(self) -> "CountingCredential":
        return self

    async def __aexit__(self, *_details: object) -> None: ...
