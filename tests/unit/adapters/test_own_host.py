"""A stored address never takes a token elsewhere."""

import pytest

from shared.adapters.arm.resource_manager import ArmResourceManager
from shared.domain.calls import Calls, counted_calls
from shared.domain.errors import Terminal
from tests.unit.adapters.credential import CountingCredential

ENDPOINT = "https://management.azure.com"


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
    credential, calls = CountingCredential(), Calls()
    counting = counted_calls.set(calls)
    port = ArmResourceManager(ENDPOINT, credential, f"{ENDPOINT}/.default")
    with pytest.raises(Terminal) as refusal:
        await port.get_operation(url)
    await port.close()
    counted_calls.reset(counting)
    assert refusal.value.reason == "ForeignAddress"
    assert (credential.asked, calls) == ([], Calls())
