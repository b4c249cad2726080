"""What every request meets first: token, api-version, subscription, path; and the headers of every answer."""

from datetime import UTC, datetime, timedelta

import pytest

from local.arm.documents import objects_in
from local.identity.tokens import ManagedIdentity, issue
from tests.support.local_arm import KEY, SUBSCRIPTION, LocalArm, group_path

GROUPS = f"/subscriptions/{SUBSCRIPTION}/resourceGroups"


def _token(audience: str, *, key: bytes = KEY, lifetime: float = 60) -> str:
    token, _ = issue(
        key, ManagedIdentity("x"), audience, datetime.now(UTC), lifetime=timedelta(minutes=lifetime)
    )
    return f"Bearer {token}"


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        (None, "AuthenticationFailed"),
        ("Basic abc", "AuthenticationFailedInvalidHeader"),
        ("Bearer nonsense", "InvalidAuthenticationToken"),
        (
            _token("https://management.azure.com/", key=b"another key of the same length...."),
            "InvalidAuthenticationToken",
        ),
        (_token("https://graph.microsoft.com"), "InvalidAuthenticationTokenAudience"),
        (_token("https://management.azure.com/", lifetime=-1), "ExpiredAuthenticationToken"),
    ],
    # A token is another one in each process, and so would be the test's name.
    ids=["none", "other scheme", "nonsense", "foreign key", "other audience", "expired"],
)
async def test_without_a_valid_token(arm: LocalArm, authorization: str | None, code: str) -> None:
    """401 with ARM's error body and a WWW-Authenticate challenge."""
    headers = {"Authorization": authorization} if authorization else {}
    async with arm.session.get(f"{arm.url}{GROUPS}?api-version=2022-09-01", headers=headers) as response:
        document = await response.json()
        assert (response.status, document["error"]["code"]) == (401, code)
        assert response.headers["WWW-Authenticate"].startswith("Bearer authorization_uri=")


async def test_every_accepted_audience(arm: LocalArm) -> None:
    """The two names of Azure Resource Manager, with and without slash, and the endpoint itself."""
    for audience in ("https://management.azure.com", "https://management.core.windows.net/", arm.url):
        headers = {"Authorization": _token(audience)}
        async with arm.session.get(f"{arm.url}{GROUPS}?api-version=2022-09-01", headers=headers) as response:
            assert response.status == 200


@pytest.mark.parametrize(
    ("version", "code"),
    [
        (None, "MissingApiVersionParameter"),
        ("2022", "InvalidApiVersionParameter"),
        ("2022-13-01", "InvalidApiVersionParameter"),
        ("1999-01-01", "InvalidApiVersionParameter"),
        ("9999-01-01", "InvalidApiVersionParameter"),
    ],
)
async def test_the_api_version(arm: LocalArm, version: str | None, code: str) -> None:
    """It is required, and must be one that can exist."""
    refused = await arm.call("GET", GROUPS, version=version)
    assert (refused.status, refused.error) == (400, code)


async def test_the_subscription(arm: LocalArm) -> None:
    """Unknown: 404; not an id: 400."""
    unknown = group_path("x", "00000000-0000-0000-0000-00000000dead")
    assert (await arm.call("GET", unknown)).error == "SubscriptionNotFound"
    assert (await arm.call("GET", "/subscriptions/mine/resourceGroups")).error == "InvalidSubscriptionId"


async def test_headers_of_every_answer(arm: LocalArm) -> None:
    """Request, correlation and routing ids, what is left of the quota, and the client's own id back."""
    sent = {"x-ms-client-request-id": "mine", "x-ms-correlation-request-id": "whole"}
    answer = await arm.call("GET", GROUPS, headers=sent)
    assert answer.headers["x-ms-correlation-request-id"] == "whole"
    assert answer.headers["x-ms-client-request-id"] == "mine"
    assert answer.headers["x-ms-routing-request-id"].startswith("LOCAL:")
    assert {"x-ms-request-id", "x-ms-ratelimit-remaining-subscription-reads"} <= {
        name.lower() for name in answer.headers
    }


async def test_paths_that_are_not_served(arm: LocalArm) -> None:
    """A wrong method, an unknown path, a body that is no JSON, a PUT of a collection."""
    assert (await arm.call("DELETE", GROUPS)).status == 405
    assert (await arm.call("GET", "/nonsense")).status == 404
    collection = group_path("x") + "/providers/Microsoft.KeyVault/vaults"
    assert (await arm.call("PUT", collection, {})).status == 405
    token = {"Authorization": _token(arm.url), "Content-Type": "application/json"}
    url = f"{arm.url}{group_path('x')}?api-version=2022-09-01"
    async with arm.session.put(url, data=b"{", headers=token) as response:
        assert (await response.json())["error"]["code"] == "InvalidRequestContent"


async def test_what_the_cli_asks_before_it_signs_in(arm: LocalArm) -> None:
    """/metadata/endpoints needs no token; subscriptions, tenants, regions and providers are listed."""
    async with arm.session.get(f"{arm.url}/metadata/endpoints?api-version=2022-09-01") as response:
        document = await response.json()
        assert document["resourceManager"] == arm.url
    subscriptions = objects_in((await arm.call("GET", "/subscriptions")).body, "value")
    assert [item["subscriptionId"] for item in subscriptions] == [SUBSCRIPTION]
    assert (await arm.call("GET", f"/subscriptions/{SUBSCRIPTION}")).body["state"] == "Enabled"
    assert objects_in((await arm.call("GET", "/tenants")).body, "value")[0]["tenantCategory"] == "Home"
    regions = objects_in((await arm.call("GET", f"/subscriptions/{SUBSCRIPTION}/locations")).body, "value")
    assert "westeurope" in [item["name"] for item in regions]
    provider = await arm.call("GET", f"/subscriptions/{SUBSCRIPTION}/providers/microsoft.network")
    assert provider.body["registrationState"] == "Registered"
    unknown = await arm.call("GET", f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Nothing")
    assert (unknown.status, unknown.error) == (404, "InvalidResourceNamespace")
