"""Resource Manager's request quotas as the client knows them: token buckets that it keeps from running dry. Pure.

Sizes: "Understand how Azure Resource Manager throttles requests" (2024: per subscription, region and principal).
Every answer says what is left; in between, the bucket fills at its known rate and our own requests empty it.
"""

from datetime import datetime
from typing import Literal

import msgspec

type Quota = Literal["reads", "writes", "deletes"]
type Urgency = Literal["urgent", "turn", "begun", "new"]
"""What asks: a person or an edge waits for it; a run that has a hub's turn, for which every other node waits; a run
that has spent calls already; a run that may begin later."""

SIZES: dict[Quota, float] = {"reads": 250, "writes": 200, "deletes": 200}
RATES: dict[Quota, float] = {"reads": 25, "writes": 10, "deletes": 10}
KEPT: dict[Urgency, float] = {"urgent": 0.0, "turn": 0.02, "begun": 0.05, "new": 0.1}
"""The share of a bucket that is left to whoever is more urgent."""
PATIENCE: dict[Urgency, float] = {"urgent": 8.0, "turn": 8.0, "begun": 8.0, "new": 1.0}
"""Seconds that a request waits in a function; what would wait longer comes back later. A run that has not begun holds
up nobody but those behind it in the queue, who may be called to a hub."""
LOOK = 5.0
"""Requests that a new run is about to send, so that more of them do not begin than can go on."""


class Bucket(msgspec.Struct, frozen=True):
    """What is left of one quota as of a time; `flying` requests are not answered yet."""

    quota: Quota
    left: float
    at: datetime
    flying: int = 0


def full(quota: Quota, now: datetime) -> Bucket:
    """The bucket of a quota that nothing is known of yet."""
    return Bucket(quota, SIZES[quota], now)


def seconds_until(bucket: Bucket, urgency: Urgency, ahead: int, now: datetime) -> float:
    """How long a request has to wait with so many `ahead` of it; 0 where it may go.

    As many requests as fly here may fly from another instance, and no answer has told of them yet.
    """
    each = LOOK if urgency == "new" else 1.0
    needed = KEPT[urgency] * SIZES[bucket.quota] + each * (ahead + 1) + bucket.flying
    return max(0.0, (needed - _left(bucket, now)) / RATES[bucket.quota])


def sent(bucket: Bucket, now: datetime) -> Bucket:
    """The bucket after one more request was sent."""
    return Bucket(bucket.quota, _left(bucket, now) - 1, now, bucket.flying + 1)


def answered(bucket: Bucket, left: float | None, now: datetime) -> Bucket:
    """The bucket after an answer, which tells what is `left`; those that fly may not be counted in it."""
    flying = bucket.flying - 1
    if left is None:
        return Bucket(bucket.quota, _left(bucket, now), now, flying)
    return Bucket(bucket.quota, left - flying, now, flying)


def _left(bucket: Bucket, now: datetime) -> float:
    filled = (now - bucket.at).total_seconds() * RATES[bucket.quota]
    return min(SIZES[bucket.quota], bucket.left + filled)
