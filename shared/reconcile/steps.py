"""Performing one network step: the one table from a step to the call that makes it."""

from shared.domain.plan import Accepted, DeletePeering, NetworkStep, PutPeering
from shared.domain.steps import (
    AddNetworkRule,
    AddServiceEndpoint,
    ApproveConnection,
    DeleteNetwork,
    DeletePrivateEndpoint,
    DeleteSecurityGroup,
    DeleteZone,
    DeleteZoneGroup,
    DeleteZoneLink,
    PutNetwork,
    PutPrivateEndpoint,
    PutSecurityGroup,
    PutZone,
    PutZoneGroup,
    PutZoneLink,
    RemoveNetworkRule,
    RemoveServiceEndpoint,
)
from shared.ports.network import Azure

type NameStep = PutZone | DeleteZone | PutZoneLink | DeleteZoneLink | PutZoneGroup | DeleteZoneGroup
type ServiceStep = AddServiceEndpoint | RemoveServiceEndpoint | AddNetworkRule | RemoveNetworkRule


async def write(azure: Azure, step: NetworkStep) -> Accepted:
    """Sends a step. Raises what Azure answers."""
    match step:
        case PutPeering():
            return await azure.put_peering(step.id, step.remote_network, step.flags, sync=step.sync)
        case DeletePeering():
            return await azure.delete_peering(step.id)
        case PutSecurityGroup():
            return await azure.put_security_group(step.id, step.location)
        case DeleteSecurityGroup():
            return await azure.delete_security_group(step.id)
        case PutNetwork():
            return await azure.put_network(
                step.id, step.location, step.address_prefixes, step.subnets, step.security_group
            )
        case DeleteNetwork():
            return await azure.delete_network(step.id)
        case PutPrivateEndpoint():
            return await azure.put_private_endpoint(
                step.id,
                step.location,
                step.subnet,
                step.target,
                step.group,
                manual=step.manual,
                message=step.message,
            )
        case DeletePrivateEndpoint():
            return await azure.delete_private_endpoint(step.id)
        case ApproveConnection():
            return await azure.approve_connection(step.id, step.message)
        case AddServiceEndpoint() | RemoveServiceEndpoint() | AddNetworkRule() | RemoveNetworkRule():
            return await _write_service(azure, step)
        case _:
            return await _write_name(azure, step)


async def _write_name(azure: Azure, step: NameStep) -> Accepted:
    match step:
        case PutZone():
            return await azure.put_zone(step.id, step.mesh)
        case DeleteZone():
            return await azure.delete_zone(step.id)
        case PutZoneLink():
            return await azure.put_zone_link(step.id, step.network)
        case DeleteZoneLink():
            return await azure.delete_zone_link(step.id)
        case PutZoneGroup():
            return await azure.put_zone_group(step.id, step.zones)
        case DeleteZoneGroup():
            return await azure.delete_zone_group(step.id)


async def _write_service(azure: Azure, step: ServiceStep) -> Accepted:
    match step:
        case AddServiceEndpoint():
            return await azure.add_service_endpoint(step.id, step.service)
        case RemoveServiceEndpoint():
            return await azure.remove_service_endpoint(step.id, step.service)
        case AddNetworkRule():
            return await azure.add_network_rule(step.id, step.subnet)
        case RemoveNetworkRule():
            return await azure.remove_network_rule(step.id, step.subnet)
