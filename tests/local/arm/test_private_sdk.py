"""Azure's own network client, unmodified, with private endpoints and zone groups of the local Resource Manager."""

from typing import cast

from azure.core.credentials_async import AsyncTokenCredential
from azure.mgmt.network.aio import NetworkManagementClient
from azure.mgmt.network.models import (
    PrivateDnsZoneConfig,
    PrivateDnsZoneGroup,
    PrivateDnsZoneGroupPropertiesFormat,
    PrivateDnsZonePropertiesFormat,
    PrivateEndpoint,
    PrivateEndpointProperties,
    PrivateLinkServiceConnection,
    PrivateLinkServiceConnectionProperties,
    Subnet,
)

from local.arm.operations import OperationsMode
from tests.local.arm.private_link import GROUP, ZONE, addresses_in, make_place, make_zone
from tests.support.local_arm import SUBSCRIPTION, LocalArm


async def test_an_endpoint_and_its_zone_group(arm: LocalArm) -> None:
    """Created, listed and deleted through the client's pollers; the record is in the zone in between."""
    place = await make_place(arm)
    await make_zone(arm)
    arm.manager.operations.mode = OperationsMode(advance="after-reads", amount=2, retry_after=0.01)
    async with NetworkManagementClient(
        cast(AsyncTokenCredential, arm.credential),
        SUBSCRIPTION,
        base_url=arm.url,
        credential_scopes=[arm.url + "/.default"],
        connection_verify=str(arm.ca_file),
    ) as network:
        asked = PrivateLinkServiceConnectionProperties(
            private_link_service_id=place.account, group_ids=["blob"]
        )
        connection = PrivateLinkServiceConnection(name="link", properties=asked)
        wanted = PrivateEndpoint(
            location="westeurope",
            properties=PrivateEndpointProperties(
                subnet=Subnet(id=place.subnet), private_link_service_connections=[connection]
            ),
        )
        poller = await network.private_endpoints.begin_create_or_update(GROUP, "pe", wanted)
        made = await poller.result()
        assert made.provisioning_state == "Succeeded"
        names = made.custom_dns_configs or []
        assert [(name.fqdn, name.ip_addresses) for name in names] == [
            ("lake.blob.core.windows.net", ["10.1.0.4"])
        ]
        config = PrivateDnsZoneConfig(
            name="blob", properties=PrivateDnsZonePropertiesFormat(private_dns_zone_id=ZONE)
        )
        group = PrivateDnsZoneGroup(
            properties=PrivateDnsZoneGroupPropertiesFormat(private_dns_zone_configs=[config])
        )
        zoned = await network.private_dns_zone_groups.begin_create_or_update(GROUP, "pe", "default", group)
        (shown,) = (await zoned.result()).private_dns_zone_configs or []
        assert [record.fqdn for record in shown.record_sets or []] == [
            "lake.privatelink.blob.core.windows.net"
        ]
        assert await addresses_in(arm, ZONE + "/A/lake") == ["10.1.0.4"]
        assert [item.name async for item in network.private_endpoints.list(GROUP)] == ["pe"]
        assert [item.name async for item in network.private_dns_zone_groups.list("pe", GROUP)] == ["default"]
        await (await network.private_endpoints.begin_delete(GROUP, "pe")).result()
        assert [item.name async for item in network.private_endpoints.list_by_subscription()] == []
    assert await addresses_in(arm, ZONE + "/A/lake") == []
