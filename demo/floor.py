"""The least number of calls to Resource Manager with which a group can become a node.

Reads: the group, its resources, its networks and the hub's network; the diagnostic categories once a
resource type; the diagnostic settings of every resource that can have some; one poll of each long
peering operation. Writes: both sides of each peering, and a setting for every resource that needs one.
"""

from collections.abc import Collection
from dataclasses import dataclass

READS_OF_THE_GROUP = 4
SIDES_OF_A_PEERING = 2


@dataclass(frozen=True, slots=True)
class Floor:
    """Calls to Resource Manager."""

    reads: int
    writes: int


def onboarding_floor(
    types: Collection[str], *, supported: int, uncovered: int, networks_to_attach: int
) -> Floor:
    """The floor for a group that holds resources of these types, as a process starts that knows none of them.

    `supported` resources can have diagnostic settings, `uncovered` of them do not report to the mesh yet.
    """
    distinct = {t.lower() for t in types}
    peerings = networks_to_attach * SIDES_OF_A_PEERING
    return Floor(READS_OF_THE_GROUP + len(distinct) + supported + peerings, peerings + uncovered)
