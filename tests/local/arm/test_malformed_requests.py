"""Requests that nobody should send: each is refused in Azure's words, none is a 500, and nothing is stored."""

import io
import json

import pytest

from local.arm.documents import JsonObject
from tests.support.local_arm import (
    NETWORK,
    RESOURCES,
    Answer,
    LocalArm,
    group_path,
    network_path,
    resource_path,
)

NETWORK_PATH = network_path("mesh", "v")
SPACE: JsonObject = {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}


@pytest.fixture(autouse=True)
async def _group(arm: LocalArm) -> None:
    await arm.make_group("mesh")


async def _put_raw(arm: LocalArm, path: str, raw: bytes, content_type: str = "application/json") -> Answer:
    token, _ = arm.credential.token()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": content_type}
    url = f"{arm.url}{path}?api-version={NETWORK}"
    async with arm.session.put(url, data=io.BytesIO(raw), headers=headers) as response:
        return Answer(response.status, response.headers, await response.json())


@pytest.mark.parametrize(
    "raw",
    [b"{bad", b"[1]", b'"x"', b"", b"\xff\xfe", b"[" * 100_000],
    ids=["broken", "a list", "a string", "nothing", "no text", "too deep"],
)
async def test_content_that_is_no_object_is_refused(arm: LocalArm, raw: bytes) -> None:
    """400 InvalidRequestContent, from the gateway."""
    refused = await _put_raw(arm, NETWORK_PATH, raw)
    assert (refused.status, refused.error) == (400, "InvalidRequestContent")
    assert refused.headers["x-ms-failure-cause"] == "gateway"
    assert (await arm.call("GET", NETWORK_PATH, version=NETWORK)).status == 404


async def test_other_media_types_are_refused(arm: LocalArm) -> None:
    """415 as reported in public; a charset or a byte-order mark is no other type."""
    body = json.dumps({"location": "West Europe", "properties": SPACE}).encode()
    refused = await _put_raw(arm, NETWORK_PATH, body, "text/plain")
    assert (refused.status, refused.error) == (415, "UnsupportedMediaType")
    assert "'text/plain' is not supported" in str(refused.body)
    made = await _put_raw(arm, NETWORK_PATH, b"\xef\xbb\xbf" + body, "application/json; charset=utf-8")
    assert made.status == 201


async def test_content_beyond_the_limit_is_refused(arm: LocalArm) -> None:
    """413 (inferred)."""
    refused = await _put_raw(arm, NETWORK_PATH, b'{"a":"' + b"x" * 9_000_000 + b'"}')
    assert (refused.status, refused.error) == (413, "RequestEntityTooLarge")


@pytest.mark.parametrize(
    "body",
    [{"location": 5}, {"location": "westus", "tags": "a"}, {"location": "westus", "tags": {"a": {"b": "c"}}}],
)
async def test_an_envelope_of_the_wrong_types_is_refused(arm: LocalArm, body: JsonObject) -> None:
    """Location, tags and properties are deserialized before anything else (inferred)."""
    refused = await arm.call("PUT", group_path("other"), body)
    assert (refused.status, refused.error) == (400, "InvalidRequestContent")
    assert (await arm.call("HEAD", group_path("other"))).status == 404


@pytest.mark.parametrize(
    ("relative", "code"),
    [
        ("Microsoft.Nothing/things/x", "InvalidResourceNamespace"),
        ("Nothing/things/x", "InvalidResourceNamespace"),
        ("Microsoft.Network/things/x", "InvalidResourceType"),
    ],
)
async def test_unknown_namespaces_and_types_are_refused(arm: LocalArm, relative: str, code: str) -> None:
    """404 for writes and reads; a type is called unknown in the words of a recording of 2020."""
    path = resource_path("mesh", relative)
    for method, body in (("PUT", {"location": "westus"}), ("GET", None)):
        refused = await arm.call(method, path, body, version=NETWORK)
        assert (refused.status, refused.error) == (404, code)
    if code == "InvalidResourceType":
        assert f"for api version '{NETWORK}'" in str(refused.body)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "LocationRequired"),
        ({"location": "atlantis"}, "LocationNotAvailableForResourceType"),
    ],
)
async def test_locations_are_needed_and_checked(arm: LocalArm, body: JsonObject, code: str) -> None:
    """For networks and for types without a provider of their own."""
    for relative in ("Microsoft.Storage/storageAccounts/s", "Microsoft.Network/virtualNetworks/v"):
        refused = await arm.call("PUT", resource_path("mesh", relative), body, version=NETWORK)
        assert (refused.status, refused.error) == (400, code)


async def test_a_subnet_needs_a_prefix(arm: LocalArm) -> None:
    """The network provider's own error, with empty details."""
    await arm.make_network("mesh", "v", "10.0.0.0/16")
    for properties in ({}, {"addressPrefix": 5}):
        refused = await arm.call(
            "PUT", f"{NETWORK_PATH}/subnets/s", {"properties": properties}, version=NETWORK
        )
        assert (refused.status, refused.error) == (400, "AddressPrefixStringCannotBeNullOrEmpty")


async def test_every_request_that_names_an_impossible_group_is_refused(arm: LocalArm) -> None:
    """As recorded: also a GET, also of something within; the characters are named."""
    for path in (group_path("~`123"), resource_path("~`123", "Microsoft.Storage/storageAccounts/s")):
        refused = await arm.call("GET", path, version=RESOURCES)
        assert (refused.status, refused.error) == (400, "InvalidResourceGroup")
        assert "these invalid characters: '~`'" in str(refused.body)
