"""Keeping within Resource Manager's quotas: requests wait in line before a bucket is empty, rather than be refused."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta

from shared.domain.budget import PATIENCE, Bucket, Quota, Urgency, answered, full, seconds_until, sent
from shared.domain.calls import counted_calls, hub_waits, urgent
from shared.domain.errors import Waiting
from shared.ports import Clock

type _Place = tuple[str, Quota, Urgency]


class Budget:
    """The buckets that this process draws from; others draw from them too, which each answer shows.

    Those who are sent away come back one after the other: each is told a time of its own.
    """

    def __init__(self, clock: Clock, patience: Mapping[Urgency, float] = PATIENCE) -> None:
        self._clock = clock
        self._patience = patience
        self._buckets: dict[tuple[str, Quota], Bucket] = {}
        self._lines: dict[_Place, int] = {}
        self._expected: dict[_Place, list[datetime]] = {}

    async def draw(self, subscription: str, quota: Quota) -> None:
        """Returns when a request may be sent. Raises Waiting (`BudgetSpent`) where that takes too long."""
        place = (subscription, quota, _urgency())
        waited, ahead = 0.0, self._ahead(place)
        while pause := self._pause(place, ahead):
            if waited + pause > self._patience[place[2]]:
                self._expected[place].append(self._clock.now() + timedelta(seconds=pause))
                message = f"The quota of {quota} in subscription {subscription} is nearly spent."
                raise Waiting("BudgetSpent", message, retry_after=pause)
            waited, ahead = waited + pause, 0  # whoever came later sleeps longer
            await self._sleep(place, pause)
        self._buckets[place[:2]] = sent(self._bucket(place), self._clock.now())

    def learn(self, subscription: str, quota: Quota, left: float | None) -> None:
        """Takes in an answer, or that there was none."""
        bucket = self._buckets[subscription, quota]
        self._buckets[subscription, quota] = answered(bucket, left, self._clock.now())

    def _ahead(self, place: _Place) -> int:
        """How many wait here, or are to come back before whoever comes now."""
        now = self._clock.now()
        self._expected[place] = [at for at in self._expected.get(place, ()) if at > now]
        return self._lines.get(place, 0) + len(self._expected[place])

    async def _sleep(self, place: _Place, seconds: float) -> None:
        self._lines[place] = self._lines.get(place, 0) + 1
        try:
            await asyncio.sleep(seconds)
        finally:
            self._lines[place] -= 1

    def _pause(self, place: _Place, ahead: int) -> float:
        return seconds_until(self._bucket(place), place[2], ahead, self._clock.now())

    def _bucket(self, place: _Place) -> Bucket:
        return self._buckets.get(place[:2]) or full(place[1], self._clock.now())


def _urgency() -> Urgency:
    if urgent.get():
        return "urgent"
    if hub_waits.get():
        return "turn"
    calls = counted_calls.get()
    return "begun" if calls is None or calls.reads + calls.writes else "new"
