"""One record of the stream, reduced to the fields that decisions need.

Names and meanings: "Common and service-specific schemas for Azure resource logs", "Azure Activity Log
event schema" and "Stream Azure monitoring data to an event hub" of Azure Monitor. Variants come from
recordings: `Level` (sign-in logs, API Management), `timeStamp` and `timestamp` (Application Gateway), and `EventName`,
`Status` and `EventTimeString` (operational logs of Event Hubs); runs of Data Factory write `status`.
Metrics have neither a category nor an operation.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import cast

import msgspec


class Record(msgspec.Struct, gc=False, frozen=True, kw_only=True, omit_defaults=True):
    """A resource log, an activity-log entry or a metric; a field the service did not send is None.

    The fields up to `metric` make the kind of a record: `shared.telemetry.kinds` takes them by their order. That is the
    order in which services write them, since decoding looks for a name from where it found the one before. All else,
    identities, claims, addresses and `properties` among it, is decoded only where a rule names it.
    """

    resource: str = msgspec.field(name="resourceId")
    operation_name: str | None = msgspec.field(default=None, name="operationName")
    category: str | None = None
    result_type: str | int | None = msgspec.field(default=None, name="resultType")
    result_signature: str | int | None = msgspec.field(default=None, name="resultSignature")
    level_lower: str | int | None = msgspec.field(default=None, name="level")
    level_upper: str | int | None = msgspec.field(default=None, name="Level")
    event_name: str | None = msgspec.field(default=None, name="EventName")
    status_lower: str | int | None = msgspec.field(default=None, name="status")
    status_upper: str | int | None = msgspec.field(default=None, name="Status")
    status_code: str | int | None = msgspec.field(default=None, name="statusCode")
    metric: str | None = msgspec.field(default=None, name="metricName")
    time: str | None = None
    time_stamp: str | None = msgspec.field(default=None, name="timeStamp")
    timestamp: str | None = None
    event_time: str | None = msgspec.field(default=None, name="EventTimeString")

    @property
    def operation(self) -> str:
        return self.operation_name or self.event_name or ""

    @property
    def result(self) -> str:
        """`Success`, `Failure`, `Start`, a number in text, as the service writes it; empty where it is not said."""
        result = self.result_type or self.status_lower or self.status_upper
        return str(result) if result else ""

    def seconds(self, otherwise: float) -> float:
        """When it happened, in seconds since 1970; `otherwise` where the record has no time that can be read."""
        text = self.time or self.time_stamp or self.timestamp or self.event_time
        return otherwise if text is None else seconds_of(text, otherwise)


KIND_FIELDS = Record.__struct_fields__.index("metric") + 1
"""So many of the first fields tell one kind of record from another."""
KIND_NAMES = Record.__struct_encode_fields__[:KIND_FIELDS]


class Undecodable(msgspec.Struct, frozen=True):
    """A piece of an event that is no record: why, and the piece itself (it may hold claims: redact before storing)."""

    reason: str
    piece: bytes


type Item = Record | Undecodable


def record_type(roots: Iterable[str]) -> type[Record]:
    """A `Record` that also keeps the values of these names of its root, undecoded, under `attribute_of(name)`.

    `properties` comes first, for it is what most records have.
    """
    typed = Record.__struct_encode_fields__
    made = msgspec.defstruct(
        "Record",
        [
            (attribute_of(n), msgspec.Raw | msgspec.UnsetType, msgspec.field(default=msgspec.UNSET, name=n))
            for n in sorted(set(roots).difference(typed), key=lambda n: (n != "properties", n))
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


def seconds_of(text: str, otherwise: float) -> float:
    """The seconds since 1970 of a time as services write it; without a zone it is UTC, and before 1970 it is none."""
    try:
        time = datetime.fromisoformat(text)
        seconds = (time.replace(tzinfo=UTC) if time.tzinfo is None else time).timestamp()
    except (ValueError, OverflowError):
        return _irregular(text, otherwise)
    return seconds if seconds >= 0 else otherwise


# Operational logs of Event Hubs and function apps of some regions write the American way (recorded).
_AMERICAN = re.compile(
    r"(\d{1,2})/(\d{1,2})/(\d{4}) (\d{1,2}):(\d\d):(\d\d)(?: ([AP])M)?(?: ?([+-])(\d\d):?(\d\d))?", re.ASCII
)


_LONGEST_TIME = 64


def _irregular(text: str, otherwise: float) -> float:
    if len(text) > _LONGEST_TIME:
        return otherwise
    if ": " in text:  # blanks after the colons were recorded of sign-in logs
        return seconds_of(text.replace(": ", ":"), otherwise)
    match = _AMERICAN.fullmatch(text.strip())
    if not match:
        return otherwise
    month, day, year, hour, minute, second = map(int, match.groups()[:6])
    half, sign, zone_hours, zone_minutes = match.groups()[6:]
    if half:
        hour = hour % 12 + (12 if half == "P" else 0)
    ahead = (int(zone_hours) * 60 + int(zone_minutes)) * 60 * (-1 if sign == "-" else 1) if sign else 0
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp() - ahead
    except ValueError:
        return otherwise
