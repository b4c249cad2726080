"""A rule: which records it is about, when they amount to an alert, and what follows. Pure data.

Rules are written in YAML (`shared/telemetry/library`, and the folder that `MESH_RULES` names) and read by
`shared.telemetry.rule_files`; a `Rule` here is valid.
"""

from typing import Literal

import msgspec

from shared.ports import Severity

type GroupBy = Literal["node", "resource", "domain"]
type Aggregation = Literal["avg", "max", "min", "sum", "percentile"]
type Comparison = Literal["gt", "gte", "lt", "lte"]
type Scalar = str | int | float | bool


class FieldMatch(msgspec.Struct, frozen=True, kw_only=True):
    """What one field of a record has to be. All that are given must hold; a field that is missing holds none but
    `exists: false`.

    `path` are the names from the record's root downwards (`properties`, `statusCode`), compared without regard to
    case: of records that spell a name otherwise than the rule, `properties` and what is in them are found in any case,
    other names of the root with a small or a capital first letter. Numbers index arrays; whatever is an encoded string
    is opened; what is null is missing. Texts are compared without regard to case, numbers and truth values may be
    texts on either side; `matches` is a regular expression that has to be found.
    """

    path: tuple[str, ...]
    any_of: tuple[Scalar, ...] = ()
    none_of: tuple[Scalar, ...] = ()
    contains: str = ""
    matches: str = ""
    gt: float | None = None
    gte: float | None = None
    lt: float | None = None
    lte: float | None = None
    exists: bool | None = None


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """Which records a rule is about: any of the values of each list that is not empty, in lower case.

    `operation` and `resource_type` may end in `*`. `level` is one of `critical`, `error`, `warning`,
    `informational`, `verbose` whatever the service writes. `result` is `success`, `failure` or the service's own
    word (`shared.telemetry.matching_words` says which words and numbers those are). A `metric` is a platform metric's
    name; a rule with one is about metrics only, one without about logs only, one without anything about every record.
    `custom` is the type of a custom event (docs/custom-events.md).
    """

    category: tuple[str, ...] = ()
    operation: tuple[str, ...] = ()
    level: tuple[str, ...] = ()
    result: tuple[str, ...] = ()
    resource_type: tuple[str, ...] = ()
    metric: tuple[str, ...] = ()
    custom: tuple[str, ...] = ()
    fields: tuple[FieldMatch, ...] = ()


class Each(msgspec.Struct, frozen=True, tag="each", tag_field="kind"):
    """Every matching record."""


class Count(msgspec.Struct, frozen=True, kw_only=True, tag="count", tag_field="kind"):
    """`at_least` matching records within `window` seconds."""

    at_least: int
    window: float


class Rate(msgspec.Struct, frozen=True, kw_only=True, tag="rate", tag_field="kind"):
    """At least `per_minute` matching records a minute, on average over `window` seconds."""

    per_minute: float
    window: float


class Threshold(msgspec.Struct, frozen=True, kw_only=True, tag="threshold", tag_field="kind"):
    """An aggregate of a number over `window` seconds, compared with `value`.

    `of` is the path of the number: for a metric one of its `total`, `count`, `average`, `minimum`, `maximum`.
    `percentile` (0 to 100) is for that aggregation. Windows with fewer than `least` records say nothing.
    """

    aggregation: Aggregation
    of: tuple[str, ...]
    comparison: Comparison
    value: float
    window: float
    percentile: float = 95.0
    least: int = 1


class Absence(msgspec.Struct, frozen=True, kw_only=True, tag="absence", tag_field="kind"):
    """No matching record for `period` seconds."""

    period: float


type Condition = Each | Count | Rate | Threshold | Absence


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule; its `name` is its identity.

    Alerts have one dedupe key a rule and group; `dedupe` adds fields of the record by path (`category`,
    `operationName`, `properties.pipelineName`). For `cool_down` seconds after an alert was told, its firing again is
    counted and not told. An alert that has not fired for `auto_resolve` seconds is resolved; 0 leaves that to people.
    `handlers` are names of `shared.telemetry.handlers`, with `record` always understood. `source` is file:line.
    """

    name: str
    title: str
    severity: Severity
    match: Match
    condition: Condition
    group_by: GroupBy = "resource"
    dedupe: tuple[tuple[str, ...], ...] = ()
    cool_down: float = 0.0
    auto_resolve: float = 3600.0
    handlers: tuple[str, ...] = ()
    description: str = ""
    source: str = ""
