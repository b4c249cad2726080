"""Which node a record belongs to: the group that its resource id lies in, if that is a node."""

from collections.abc import Iterable

from shared.domain.ids import NodeKey

REMEMBERED = 50_000
"""Resource ids remembered as they are spelled: more distinct ones than a mesh's busy resources, about 15 MB."""


class Attribution:
    """A fixed set of nodes, with a memory of the resource ids that came by: one dictionary lookup a record."""

    def __init__(self, nodes: Iterable[NodeKey]) -> None:
        self.nodes = frozenset(nodes)
        self._seen: dict[str, NodeKey | None] = {}

    def node_of(self, resource: str) -> NodeKey | None:
        """The node of a resource id in any spelling, or None where it lies outside the mesh."""
        try:
            return self._seen[resource]
        except KeyError:
            return self._remember(resource)

    def _remember(self, resource: str) -> NodeKey | None:
        if len(self._seen) >= REMEMBERED:
            self._seen.clear()
        key = NodeKey.containing(resource)
        self._seen[resource] = node = key if key in self.nodes else None
        return node
