"""Edges that are told of changes and do nothing about it."""

import asyncio

from shared.domain.ids import NodeKey


class ToldEdges:
    """EdgeTouch; `told` are the nodes that changed and why."""

    def __init__(self) -> None:
        self.told: list[tuple[NodeKey, str]] = []

    async def node_changed(self, node: NodeKey, cause: str) -> None:
        await asyncio.sleep(0)
        self.told.append((node, cause))
