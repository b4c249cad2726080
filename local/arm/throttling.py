"""Request quotas: token buckets per subscription and principal, and the network provider's own.

Sizes: https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling and
https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling#network-throttling
(which counts per five minutes; here the same rate refills steadily).
"""

import math
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from local.arm.actions import ActionKind
from local.arm.clock import Clock
from local.arm.errors import ArmError, NetworkError

type Quota = Literal["reads", "writes", "deletes"]

_QUOTAS: dict[ActionKind, Quota] = {
    "read": "reads",
    "write": "writes",
    "action": "writes",
    "delete": "deletes",
}
# All principals together may use this many times what one principal may.
SUBSCRIPTION_FACTOR = 15


@dataclass(frozen=True, slots=True)
class Limit:
    """A bucket of `size` tokens that regains `per_second` tokens each second."""

    size: float
    per_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    enabled: bool = True
    reads: Limit = Limit(250, 25)
    writes: Limit = Limit(200, 10)
    deletes: Limit = Limit(200, 10)
    network_writes: Limit = Limit(1000, 1000 / 300)
    network_reads: Limit = Limit(10000, 10000 / 300)

    def of(self, quota: Quota) -> Limit:
        return {"reads": self.reads, "writes": self.writes, "deletes": self.deletes}[quota]


@dataclass(slots=True)
class Bucket:
    tokens: float
    filled: datetime

    def take(self, limit: Limit, now: datetime) -> float:
        """Take one token; 0 on success, otherwise the seconds until there is one."""
        self.tokens = min(limit.size, self.tokens + (now - self.filled).total_seconds() * limit.per_second)
        self.filled = now
        if self.tokens >= 1:
            self.tokens -= 1
            return 0
        return (1 - self.tokens) / limit.per_second


@dataclass(slots=True)
class Throttling:
    clock: Clock
    limits: Limits = field(default_factory=Limits)
    _buckets: dict[tuple[str, ...], Bucket] = field(default_factory=dict)

    def configure(self, limits: Limits) -> None:
        """Use other limits from now on, starting with full buckets."""
        self.limits = limits
        self._buckets.clear()

    def admit(self, kind: ActionKind, subscription: str, oid: str) -> dict[str, str]:
        """Spend one request; the headers that tell what is left, or the 429."""
        quota = _QUOTAS[kind]
        limit = self.limits.of(quota)
        if not self.limits.enabled:
            return {f"x-ms-ratelimit-remaining-subscription-{quota}": str(math.floor(limit.size) - 1)}
        whole = Limit(limit.size * SUBSCRIPTION_FACTOR, limit.per_second * SUBSCRIPTION_FACTOR)
        one_wait, one_left = self._take(("principal", quota, subscription.lower(), oid), limit)
        all_wait, all_left = self._take(("subscription", quota, subscription.lower()), whole)
        headers = {
            f"x-ms-ratelimit-remaining-subscription-{quota}": str(one_left),
            f"x-ms-ratelimit-remaining-subscription-global-{quota}": str(all_left),
        }
        wait = math.ceil(max(one_wait, all_wait))
        if wait:
            raise ArmError(
                429,
                "SubscriptionRequestsThrottled",
                f"Number of '{quota.removesuffix('s')}' requests for subscription '{subscription}' actor "
                f"'{oid}' exceeded. Please try again after '{wait}' seconds after additional tokens are "
                "available. Refer to https://aka.ms/arm-throttling for additional information.",
                headers={"Retry-After": str(wait), **headers},
            )
        return headers

    def admit_network(self, kind: ActionKind, subscription: str, region: str) -> None:
        """Spend one request of the network provider's budget for a subscription and region."""
        if not self.limits.enabled:
            return
        reading = kind == "read"
        limit = self.limits.network_reads if reading else self.limits.network_writes
        wait, _ = self._take(("network", str(reading), subscription.lower(), region), limit)
        if wait:
            seconds = math.ceil(wait)
            raise NetworkError(
                429,
                "TooManyRequests",
                f"Too many requests to Microsoft.Network in '{region}'. Retry after {seconds} seconds.",
                headers={"Retry-After": str(seconds)},
            )

    def _take(self, key: tuple[str, ...], limit: Limit) -> tuple[float, int]:
        now = self.clock.now()
        bucket = self._buckets.setdefault(key, Bucket(limit.size, now))
        return bucket.take(limit, now), math.floor(bucket.tokens)
