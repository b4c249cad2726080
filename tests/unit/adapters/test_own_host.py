"""A stored address never takes a token elsewhere."""

import pytest
from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions

from shared.adapters.arm.resource_manager import ArmResourceManager
from shared.domain.calls import Calls, counted_calls
from shared.domain.errors import Terminal

ENDPOINT = "https://management.azure.com"
SUBSCRIPTION = "5e0bf1f4-1c5a-4c8e-9a52-5f1f6d2f0a11"


class Asked:
    """A credential that counts how often it was asked."""

    def __init__(self) -> None:
        self.times = 0

    async def get_token(self, *scopes: str, **_options: object) -> AccessToken:
        self.times += 1
        return AccessToken("secret", 2**31)

    async def get_token_info(
        self, *scopes: str, options: TokenRequestOptions | None = None
    ) -> AccessTokenInfo:
        self.times += 1
        return AccessTokenInfo("secret", 2**31)

    async def close(self) -> None: ...

    async def __aenter__(self) -> "Asked":
        return self

    async def __aexit__(self, *_details: object) -> None: ...


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/operations/1",
        "http://management.azure.com/operations/1",
        "https://management.azure.com.evil.example/operations/1",
        "https://management.azure.com@evil.example/operations/1",
        "https://management.azure.com:8443/operations/1",
        "//evil.example/operations/1",
        "file:///etc/passwd",
        "operations/1",
        "",
    ],
)
async def test_an_address_elsewhere_is_refused_before_a_token_is_asked_for(url: str) -> None:
    credential, calls = Asked(), Calls()
    counting = counted_calls.set(calls)
    port = ArmResourceManager(ENDPOINT, credential, f"{ENDPOINT}/.default")
    with pytest.raises(Terminal) as refusal:
        await port.get_operation(url)
    await port.close()
    counted_calls.reset(counting)
    assert refusal.value.reason == "ForeignAddress"
    assert (credential.times, calls) == (0, Calls())
