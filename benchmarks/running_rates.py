"""The rates of `running_rates.toml`, and what they make of quantities."""

from datetime import date
from pathlib import Path

import msgspec

FILE = Path(__file__).with_suffix(".toml")


class FunctionRates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    gigabyte_second: float
    million_executions: float
    free_gigabyte_seconds: float
    free_executions: float
    instance_gigabytes: float
    shortest_seconds: float

    def cost(self, executions: float, *, seconds: float, starts: float) -> float:
        """`seconds` in which an instance is busy, and `starts` that keep one busy for the shortest time each."""
        used = (seconds + starts * self.shortest_seconds) * self.instance_gigabytes
        paid = max(0.0, executions - self.free_executions) / 1e6
        return (
            max(0.0, used - self.free_gigabyte_seconds) * self.gigabyte_second
            + paid * self.million_executions
        )


class StorageRates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    tables: float
    queues: float
    blobs: float

    def cost(self, *, tables: float, queues: float, blobs: float) -> float:
        return (tables * self.tables + queues * self.queues + blobs * self.blobs) / 10_000


class EventHubsRates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    throughput_unit_hour: float
    million_events: float

    def cost(self, hours: float, *, units: int, events: float) -> float:
        return hours * units * self.throughput_unit_hour + events / 1e6 * self.million_events


class EventGridRates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    million_operations: float
    free_operations: float

    def cost(self, operations: float) -> float:
        return max(0.0, operations - self.free_operations) / 1e6 * self.million_operations


class LogRates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    gigabyte: float
    free_gigabytes: float

    def cost(self, gigabytes: float) -> float:
        return max(0.0, gigabytes - self.free_gigabytes) * self.gigabyte


class Rates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    currency: str
    as_of: date
    sources: tuple[str, ...]
    hours_per_month: float
    functions: FunctionRates
    storage: StorageRates
    event_hubs: EventHubsRates
    event_grid: EventGridRates
    logs: LogRates


def rates() -> Rates:
    return msgspec.toml.decode(FILE.read_bytes(), type=Rates)
