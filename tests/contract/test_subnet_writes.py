"""What a changed subnet goes back with: everything that was read, on the condition that nobody wrote meanwhile."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.arm.documents import JsonObject, object_in, objects_in
from shared.adapters.arm.connection import Document
from shared.adapters.arm.resource_manager import ArmResourceManager
from shared.domain.errors import Conflict
from tests.contract.conftest import SCOPE
from tests.support.local_arm import NETWORK, LocalArm
from tests.support.rights import CREDENTIAL, guarded_arm

RICH: JsonObject = {
    "addressPrefixes": ["10.1.0.0/24"],
    "serviceEndpoints": [{"service": "Microsoft.Sql", "locations": ["westeurope"]}],
    "delegations": [{"name": "d", "properties": {"serviceName": "Microsoft.Web/serverFarms"}}],
    "privateEndpointNetworkPolicies": "Enabled",
    "defaultOutboundAccess": False,
}


@dataclass
class Place:
    arm: LocalArm
    port: ArmResourceManager
    subnet: str

    async def read(self) -> JsonObject:
        """The subnet's properties, without the etags that change with every write."""
        found = (await self.arm.call("GET", self.subnet, version=NETWORK)).body
        properties = object_in(found, "properties")
        for delegation in objects_in(properties, "delegations"):
            del delegation["etag"]
        return properties


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with guarded_arm(tmp_path) as arm:
        await arm.make_group("rich")
        network = await arm.make_network("rich", "n", "10.1.0.0/16")
        subnet = f"{network}/subnets/s"
        made = await arm.call("PUT", subnet, {"properties": RICH}, version=NETWORK)
        assert made.status in (200, 201), made
        port = ArmResourceManager(arm.url, CREDENTIAL, SCOPE, ca_file=str(arm.ca_file))
        yield Place(arm, port, subnet)
        await port.close()


async def test_what_the_adapter_does_not_know_of_a_subnet_survives(place: Place) -> None:
    before = await place.read()
    await place.port.add_service_endpoint(place.subnet, "Microsoft.Storage")
    await place.port.remove_service_endpoint(place.subnet, "Microsoft.Storage")
    assert await place.read() == before
    assert before["defaultOutboundAccess"] is False


class Overtaken(ArmResourceManager):
    """Somebody else adds Key Vault to a subnet after each of its reads."""

    rival: ArmResourceManager

    async def _get(self, resource: str, version: str) -> Document:
        found = await super()._get(resource, version)
        await self.rival.add_service_endpoint(resource, "Microsoft.KeyVault")
        return found


async def test_whoever_read_before_another_wrote_is_told_and_overwrites_nothing(place: Place) -> None:
    arm = place.arm
    late = Overtaken(arm.url, CREDENTIAL, SCOPE, ca_file=str(arm.ca_file))
    late.rival = place.port
    try:
        with pytest.raises(Conflict) as told:
            await late.add_service_endpoint(place.subnet, "Microsoft.Storage")
    finally:
        await late.close()
    assert told.value.reason == "PreconditionFailed"
    services = [entry["service"] for entry in objects_in(await place.read(), "serviceEndpoints")]
    assert services == ["Microsoft.Sql", "Microsoft.KeyVault"]
