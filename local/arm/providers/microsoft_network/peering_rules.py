"""Whether a peering may be made: pure decisions, the errors as Azure words them.

Codes and messages were reported in public issue threads; those marked (inferred) follow the provider's pattern.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from local.arm.errors import NetworkError
from local.arm.ids import ResourceId
from local.arm.providers.microsoft_network.address_space import overlapping
from local.arm.providers.microsoft_network.models import DISCONNECTED, Peering


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One network of a would-be pair: its space, the spaces of those it is peered with, whether it has a gateway."""

    id: str
    prefixes: Sequence[str]
    neighbours: Sequence[tuple[str, Sequence[str]]] = ()
    gateways: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A PUT of a peering: `siblings` are the other peerings of the local network, `reciprocal` the remote's back."""

    id: ResourceId
    local: Side
    remote: Side
    allow_gateway_transit: bool = False
    use_remote_gateways: bool = False
    existing: Peering | None = None
    siblings: Sequence[Peering] = field(default_factory=tuple)
    reciprocal: Peering | None = None
    ceiling: int = 500


def check(proposal: Proposal) -> None:
    """Raise what Azure answers to a proposal it refuses."""
    _check_reference(proposal)
    _check_overlap(proposal)
    _check_reciprocal(proposal)
    _check_gateways(proposal)


def _check_reference(proposal: Proposal) -> None:
    existing = proposal.existing
    if existing is not None and existing.remote.lower() != proposal.remote.id.lower():
        raise NetworkError(
            400,
            "ChangingRemoteVirtualNetworkNotAllowed",
            f"Cannot change remote virtual network of peering {proposal.id.text} from {existing.remote} to "
            f"{proposal.remote.id}.",
        )
    for sibling in proposal.siblings:
        if sibling.remote.lower() == proposal.remote.id.lower():
            raise NetworkError(
                400,
                "AnotherPeeringAlreadyReferencesRemoteVnet",
                f"Peering {sibling.id.text} already references remote virtual network {sibling.remote}. Cannot add "
                "another peering referencing the same remote virtual network.",
            )
    if existing is None and len(proposal.siblings) >= proposal.ceiling:
        raise NetworkError(  # (inferred)
            400,
            "VnetPeeringCountLimitReached",
            f"Cannot create more than {proposal.ceiling} peerings for virtual network {proposal.local.id}.",
        )


def _check_overlap(proposal: Proposal) -> None:
    local, remote = proposal.local, proposal.remote
    shared = overlapping(local.prefixes, remote.prefixes)
    if shared:
        raise NetworkError(
            400,
            "VnetAddressSpacesOverlap",
            f"Cannot create or update peering {proposal.id.text}. Virtual networks {local.id} and {remote.id} cannot "
            f"be peered because their address spaces overlap. Overlapping address prefixes: {', '.join(shared)}",
        )
    for first, second, order in ((local, remote, ("first", "second")), (remote, local, ("second", "first"))):
        for third, prefixes in second.neighbours:
            shared = overlapping(first.prefixes, prefixes)
            if shared and third.lower() != first.id.lower():
                raise NetworkError(
                    400,
                    "VnetAddressSpaceOverlapsWithAlreadyPeeredVnet",
                    f"Cannot create or update peering {proposal.id.text}. Virtual networks {local.id} and "
                    f"{remote.id} cannot be peered because address space of the {order[0]} virtual network overlaps "
                    f"with address space of virtual network {third} already peered with the {order[1]} virtual "
                    f"network. Overlapping address prefixes: {', '.join(shared)}.",
                )


def _check_reciprocal(proposal: Proposal) -> None:
    back = proposal.reciprocal
    if back is not None and back.state == DISCONNECTED:
        raise NetworkError(
            400,
            "RemotePeeringIsDisconnected",
            f"Cannot create or update peering {proposal.id.text} because remote peering {back.id.text} referencing "
            f"parent virtual network {proposal.local.id} is in Disconnected state. Update or re-create the remote "
            "peering to get it back to Initiated state. Peering gets Disconnected when remote vnet or remote peering "
            "is deleted and re-created.",
        )


def _check_gateways(proposal: Proposal) -> None:
    _check_transit(proposal)
    if not proposal.use_remote_gateways:
        return
    subject = f"Peering {proposal.id.text} cannot have UseRemoteGateway flag set to true because"
    if not proposal.remote.gateways:
        raise NetworkError(
            400,
            "RemoteVnetHasNoGateways",
            f"{subject} remote virtual network {proposal.remote.id} referenced by the peering does not have any "
            "gateways.",
        )
    if proposal.local.gateways:
        raise NetworkError(  # (inferred)
            400, "VnetHasGateways", f"{subject} virtual network {proposal.local.id} already has a gateway."
        )
    users = [sibling.id.text for sibling in proposal.siblings if sibling.use_remote_gateways]
    if users:
        raise NetworkError(  # (inferred)
            400,
            "AnotherPeeringAlreadyUsesRemoteGateways",
            f"{subject} peering {users[0]} of the same virtual network has it set already.",
        )
    back = proposal.reciprocal
    if back is not None and not back.allow_gateway_transit:
        # The words were reported (hashicorp/terraform #20298), the code is (inferred).
        raise NetworkError(
            400,
            "RemotePeeringDoesNotAllowGatewayTransit",
            f"Peering {proposal.id.text} cannot have UseRemoteGateways flag set to true, because corresponding remote "
            f"peering {back.id.text} has AllowGatewayTransit flag set to false.",
        )


def _check_transit(proposal: Proposal) -> None:
    """A network lends either its own gateways or none: not those it borrows, and not back while they are in use."""
    if proposal.allow_gateway_transit and proposal.use_remote_gateways:
        raise NetworkError(  # (inferred)
            400,
            "AllowGatewayTransitAndUseRemoteGatewaysConflict",
            f"Peering {proposal.id.text} cannot have both AllowGatewayTransit and UseRemoteGateways flags set to true.",
        )
    back = proposal.reciprocal
    if back is not None and back.use_remote_gateways and not proposal.allow_gateway_transit:
        raise NetworkError(  # (inferred)
            400,
            "RemotePeeringUsesGateways",
            f"Peering {proposal.id.text} cannot have AllowGatewayTransit flag set to false, because corresponding "
            f"remote peering {back.id.text} has UseRemoteGateways flag set to true.",
        )
