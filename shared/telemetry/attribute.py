"""Which node a record belongs to: the group that its resource id lies in, if that is a node."""

from collections.abc import Iterable, Mapping

import msgspec

from shared.domain.ids import NodeKey, type_of

REMEMBERED = 50_000
"""Resource ids remembered as they are spelled: more distinct ones than a mesh's busy resources, about 15 MB."""
_LONGEST = 2048  # characters of an id that is remembered; none of Azure's is as long
_GROUP = "microsoft.resources/subscriptions/resourcegroups"


class Place(msgspec.Struct, frozen=True):
    """Where a resource lies: its node and that node's domain, and its own type in lower case."""

    node: NodeKey | None
    domain: str
    type: str


_NOWHERE = Place(None, "", "")


class Attribution:
    """A fixed set of nodes, with a memory of the resource ids that came by: one dictionary lookup a record.

    `domains` are those of the nodes that have one.
    """

    def __init__(self, nodes: Iterable[NodeKey], domains: Mapping[NodeKey, str] | None = None) -> None:
        self.nodes = frozenset(nodes)
        self.domains = dict(domains or {})
        self._seen: dict[str, Place] = {}

    def node_of(self, resource: str) -> NodeKey | None:
        """The node of a resource id in any spelling, or None where it lies outside the mesh."""
        return self.place_of(resource).node

    def place_of(self, resource: str) -> Place:
        """A tenant, a subscription and what belongs to them lie in no node."""
        place = self._seen.get(resource)
        if place is None:
            if len(self._seen) >= REMEMBERED:
                self._seen.clear()
            place = self._find(resource)
            if len(resource) <= _LONGEST:
                self._seen[resource] = place
        return place

    def _find(self, resource: str) -> Place:
        node = NodeKey.containing(resource)
        if node is None or node not in self.nodes:
            return _NOWHERE
        kind = type_of(resource) if "/providers/" in resource.lower() else _GROUP
        return Place(node, self.domains.get(node, "").lower(), kind)
