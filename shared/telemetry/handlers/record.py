"""The handler `record`: every alert is recorded, so that there is nothing left to do."""

from shared.domain.alert_states import RECORD
from shared.ports.telemetry import Notice


class Record:
    """Handler; named by rules that tell nobody else."""

    name = RECORD

    async def handle(self, notice: Notice) -> None:
        del notice
