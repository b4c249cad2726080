"""What a route is made in."""

import msgspec

from shared.domain.edge import EdgeRecord
from shared.domain.mesh import Mesh
from shared.reconcile.edges.observe import Others, Parties, Sights


class Scene(msgspec.Struct, frozen=True):
    """An edge, its nodes, what was seen of what stands for it, and what other edges of the consumer have."""

    mesh: Mesh
    record: EdgeRecord
    parties: Parties
    seen: Sights
    others: Others
