"""One record of the stream, reduced to the fields that decisions need.

Names and meanings: "Common and service-specific schemas for Azure resource logs", "Azure Activity Log
event schema" and "Stream Azure monitoring data to an event hub" of Azure Monitor. Variants come from
recordings: `Level` (sign-in logs, API Management), `timeStamp` (Application Gateway), and `EventName`,
`Status` and `EventTimeString` (operational logs of Event Hubs); runs of Data Factory write `status`.
Metrics have neither a category nor an operation.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import cast

import msgspec


class Record(msgspec.Struct, gc=False, frozen=True, kw_only=True, omit_defaults=True):
    """A resource log, an activity-log entry or a metric; a field the service did not send is None.

    The fields up to `metric` make the kind of a record: `shared.telemetry.kinds` takes them by their order. All else,
    identities, claims, addresses and `properties` among it, is decoded only where a rule names it.
    """

    resource: str = msgspec.field(name="resourceId")
    category: str | None = None
    operation_name: str | None = msgspec.field(default=None, name="operationName")
    event_name: str | None = msgspec.field(default=None, name="EventName")
    level_lower: str | int | None = msgspec.field(default=None, name="level")
    level_upper: str | int | None = msgspec.field(default=None, name="Level")
    result_type: str | int | None = msgspec.field(default=None, name="resultType")
    status_lower: str | int | None = msgspec.field(default=None, name="status")
    status_upper: str | int | None = msgspec.field(default=None, name="Status")
    result_signature: str | int | None = msgspec.field(default=None, name="resultSignature")
    status_code: str | int | None = msgspec.field(default=None, name="statusCode")
    metric: str | None = msgspec.field(default=None, name="metricName")
    time: str | None = None
    time_stamp: str | None = msgspec.field(default=None, name="timeStamp")
    event_time: str | None = msgspec.field(default=None, name="EventTimeString")

    @property
    def operation(self) -> str:
        return self.operation_name or self.event_name or ""

    @property
    def result(self) -> str:
        """`Success`, `Failure`, `Start`, a number in text, as the service writes it; empty where it is not said."""
        result = self.result_type or self.status_lower or self.status_upper
        return str(result) if result else ""

    def at(self, otherwise: datetime) -> datetime:
        """When it happened, in UTC; `otherwise` where the record has no time that can be read."""
        text = self.time or self.time_stamp or self.event_time or ""
        return _time(text) or otherwise

    def seconds(self, otherwise: float) -> float:
        """The same in seconds since 1970."""
        text = self.time or self.time_stamp or self.event_time or ""
        time = _time(text)
        return time.timestamp() if time else otherwise


KIND_FIELDS = Record.__struct_fields__.index("metric") + 1
"""So many of the first fields tell one kind of record from another."""
KIND_NAMES = Record.__struct_encode_fields__[:KIND_FIELDS]


class Undecodable(msgspec.Struct, frozen=True):
    """A piece of an event that is no record: why, and the piece itself (it may hold claims: redact before storing)."""

    reason: str
    piece: bytes


type Item = Record | Undecodable


def record_type(roots: Iterable[str]) -> type[Record]:
    """A `Record` that also keeps the values of these names of its root, undecoded, under `attribute_of(name)`."""
    typed = Record.__struct_encode_fields__
    made = msgspec.defstruct(
        "Record",
        [
            (attribute_of(n), msgspec.Raw | msgspec.UnsetType, msgspec.field(default=msgspec.UNSET, name=n))
            for n in sorted(set(roots).difference(typed))
        ],
        bases=(Record,),
        gc=False,
        frozen=True,
        kw_only=True,
        omit_defaults=True,
    )
    return cast(type[Record], made)


def attribute_of(root: str) -> str:
    """Under which attribute a record of `record_type` keeps a value: JSON's names are none of Python's."""
    return "raw_" + root.encode().hex()


def _time(text: str) -> datetime | None:
    for read in (_iso, _us, _us_with_zone):
        try:
            return read(text)
        except (ValueError, OverflowError):
            continue
    return None


def _iso(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _us(text: str) -> datetime:
    """As function apps of some regions write it (recorded)."""
    return datetime.strptime(text, "%m/%d/%Y %H:%M:%S").replace(tzinfo=UTC)


def _us_with_zone(text: str) -> datetime:
    """As the operational logs of Event Hubs write it (recorded)."""
    return datetime.strptime(text, "%m/%d/%Y %I:%M:%S %p %z").astimezone(UTC)
