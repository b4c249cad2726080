"""The handler `remediate`: has what an alert is about looked at, so that the loop closes.

Nobody says here what is wrong: whoever deleted a peering or a setting finds it mended because its node was looked at.
"""

from collections.abc import Awaitable, Callable

from shared.domain.ids import NodeKey
from shared.ports.telemetry import Notice

type Touch = Callable[[str, str], Awaitable[object]]
"""Has the key that a resource belongs to looked at: the resource's id, and the cause."""


class Remediation:
    """Handler; touches the resource of an alert that fires, or its node where it names none."""

    name = "remediate"

    def __init__(self, touch: Touch) -> None:
        self._touch = touch

    async def handle(self, notice: Notice) -> None:
        alert = notice.alert
        if notice.transition != "fired":
            return
        resource = alert.resource
        if not resource and alert.node:
            resource = NodeKey.parse(alert.node).group_id
        if resource:
            await self._touch(resource, f"alert {alert.rule}")
