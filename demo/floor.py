"""The least number of calls to Resource Manager with which a group can become a node.

Reads: the group, its resources, its networks and the hub's network; what is inside a resource that does not come with
it (a server's databases); the diagnostic categories once a resource type; the settings of every resource that
can have some; one poll of each long peering operation. Writes: both sides of each peering, and a setting for every
resource that needs one.
A network out of a pool takes two more writes, itself and its security group, with a poll each, and
another look at what the group then holds.
"""

from collections.abc import Collection
from dataclasses import dataclass

READS_OF_THE_GROUP = 4
READS_OF_WHAT_IT_HOLDS = 2  # its resources and its networks
SIDES_OF_A_PEERING = 2
WRITES_OF_A_NETWORK = 2
WRITES_OF_AN_ENDPOINT = 2  # itself, and the zone group that names it


@dataclass(frozen=True, slots=True)
class Floor:
    """Calls to Resource Manager."""

    reads: int
    writes: int


def onboarding_floor(
    types: Collection[str],
    *,
    supported: int,
    uncovered: int,
    networks_to_attach: int,
    networks_to_make: int = 0,
    collections: int = 0,
) -> Floor:
    """The floor for a group that holds resources of these types, as a process starts that knows none of them.

    `supported` resources, those inside others among them, can have diagnostic settings; `uncovered` of them do not
    report to the mesh yet. `collections` have to be listed to know what is inside, such as a server's databases.
    """
    distinct = {t.lower() for t in types}
    peerings = networks_to_attach * SIDES_OF_A_PEERING
    made = networks_to_make * WRITES_OF_A_NETWORK
    looks = READS_OF_THE_GROUP + networks_to_make * READS_OF_WHAT_IT_HOLDS
    reads = looks + len(distinct) + collections + supported + peerings + made
    return Floor(reads, peerings + uncovered + made)
