"""Alerts and silences in memory."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from itertools import count

import msgspec

from shared.domain.alert import Alert, Silence
from shared.domain.errors import Conflict
from shared.ports import Page
from tests.fakes.paging import page_of


class InMemoryAlertStore:
    """AlertStore; every call gives way to other tasks once, so that they may interleave."""

    def __init__(self) -> None:
        self.alerts: dict[str, Alert] = {}
        self._versions = count(1)

    async def get(self, alert_id: str) -> Alert | None:
        await asyncio.sleep(0)
        return self.alerts.get(alert_id)

    async def save(self, alert: Alert) -> Alert:
        await asyncio.sleep(0)
        stored = self.alerts.get(alert.id)
        if alert.etag != (stored.etag if stored else None):
            raise Conflict("AlertChanged", "the alert changed since it was read", target=alert.id)
        msgspec.json.encode(alert)  # raises as a table's adapter does where the text cannot be written
        self.alerts[alert.id] = msgspec.structs.replace(alert, etag=f'W/"{next(self._versions)}"')
        return self.alerts[alert.id]

    async def list(
        self,
        *,
        node: str = "",
        state: str = "",
        rule: str = "",
        severity: str = "",
        size: int = 100,
        continuation: str = "",
    ) -> Page[Alert]:
        await asyncio.sleep(0)
        wanted = {"node": node, "state": state, "rule": rule, "severity": severity}
        rows = [
            msgspec.structs.replace(a, etag=None)
            for a in sorted(self.alerts.values(), key=_place)
            if all(value in ("", getattr(a, name)) for name, value in wanted.items())
        ]
        return page_of(rows, f"alerts {node} {state} {rule} {severity}", _place, size, continuation)

    async def due(self, before: datetime) -> AsyncIterator[str]:
        for alert in sorted(self.alerts.values(), key=_place):
            if alert.due is not None and alert.due < before:
                await asyncio.sleep(0)
                yield alert.id


class InMemorySilences:
    """Silences."""

    def __init__(self) -> None:
        self.silences: dict[str, Silence] = {}

    async def add(self, silence: Silence) -> None:
        await asyncio.sleep(0)
        if silence.id in self.silences:
            raise Conflict("SilenceThere", "there is one of this id", target=silence.id)
        self.silences[silence.id] = silence

    async def get(self, silence_id: str) -> Silence | None:
        await asyncio.sleep(0)
        return self.silences.get(silence_id)

    async def list(self) -> Sequence[Silence]:
        await asyncio.sleep(0)
        return [self.silences[i] for i in sorted(self.silences)]

    async def remove(self, silence_id: str) -> None:
        await asyncio.sleep(0)
        self.silences.pop(silence_id, None)


def _place(alert: Alert) -> str:
    return f"{alert.node}\n{alert.id}"
