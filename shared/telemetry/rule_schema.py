"""What a rule looks like as people write it, and the JSON Schema made of it.

These types are the one definition: `shared.telemetry.rule_files` reads YAML by them, and `rule.schema.json`, by which
editors complete, is generated from them. What they mean is told in `shared.telemetry.rule`.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from shared.ports import Severity
from shared.telemetry.rule import Aggregation, GroupBy, Scalar

SCHEMA_FILE = "rule.schema.json"
LONGEST_PATTERN = 256
"""Characters of a regular expression: it is searched in texts of any length, on the way of every record of its kind."""


def _text(
    what: str,
    description: str | None = None,
    *,
    pattern: str | None = None,
    least: int | None = None,
    most: int | None = None,
) -> Meta:
    """A text; `what` is what a fault calls it: "'5x' is not a duration such as 30s, 5m, 1h"."""
    return Meta(
        description=description, pattern=pattern, min_length=least, max_length=most, extra={"what": what}
    )


Duration = Annotated[
    str,
    _text(
        "a duration such as 30s, 5m, 1h",
        "A duration from 1s on: 30s, 5m, 1h, 2d.",
        pattern=r"^[1-9][0-9]{0,6}(s|m|h|d)$",
    ),
]
FieldPath = Annotated[
    str,
    _text(
        "a path such as properties.statusCode",
        "The names from the record's root downwards, with dots: properties.statusCode",
        pattern=r"^[^.\s][^.]*(\.[^.]+){0,7}$",
        most=256,
    ),
]
Name = Annotated[
    str,
    _text(
        "a name such as sql-deadlocks, of at most 64 characters",
        "The rule's identity: lower-case words with hyphens.",
        pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$",
        most=64,
    ),
]
Line = Annotated[str, _text("a line of 1 to 200 characters", pattern=r"^[^\r\n]{1,200}$")]
Prose = Annotated[str, _text("a text of 1 to 2000 characters", least=1, most=2000)]
Word = Annotated[str, _text("a text of 1 to 256 characters", least=1, most=256)]
Expression = Annotated[
    str,
    _text(
        f"a regular expression of 1 to {LONGEST_PATTERN} characters",
        "A regular expression (Python's) that has to be found in the text.",
        least=1,
        most=LONGEST_PATTERN,
    ),
]
Some = Meta(min_length=1, max_length=100)
type Words = Word | Annotated[list[Word], Some]
type Results = Word | int | Annotated[list[Word | int], Some]
type Scalars = Scalar | Annotated[list[Scalar], Some]
type Level = Literal["critical", "error", "warning", "informational", "verbose"]


class _Form(msgspec.Struct, forbid_unknown_fields=True):
    """Nothing may be written that is not understood."""


class FieldForm(_Form):
    """What a field has to be: all that are given. Texts are compared without regard to case."""

    any_of: Scalars | UnsetType = UNSET
    none_of: Scalars | UnsetType = UNSET
    contains: Word | UnsetType = UNSET
    matches: Expression | UnsetType = UNSET
    gt: float | UnsetType = UNSET
    gte: float | UnsetType = UNSET
    lt: float | UnsetType = UNSET
    lte: float | UnsetType = UNSET
    exists: bool | UnsetType = UNSET


class MatchForm(_Form):
    """Which records: of each list that is given, one has to fit. A metric has but its name, its type and fields."""

    category: Words | UnsetType = UNSET
    operation: Annotated[Words, Meta(description="May end in *.")] | UnsetType = UNSET
    level: Level | Annotated[list[Level], Some] | UnsetType = UNSET
    result: Annotated[Results, Meta(description="success, failure, or the service's word.")] | UnsetType = (
        UNSET
    )
    resource_type: (
        Annotated[Words, Meta(description="microsoft.sql/servers/databases; may end in *.")] | UnsetType
    ) = UNSET
    metric: Annotated[Words, Meta(description="The name of a platform metric.")] | UnsetType = UNSET
    custom: Annotated[Words, Meta(description="The type of a custom event.")] | UnsetType = UNSET
    fields: (
        Annotated[
            dict[FieldPath, FieldForm | Scalars],
            Meta(
                min_length=1,
                max_length=20,
                description="By path: the value, several values, or what it has to be.",
            ),
        ]
        | UnsetType
    ) = UNSET


class EachForm(_Form, tag="each", tag_field="kind"):
    """Every matching record."""


class CountForm(_Form, tag="count", tag_field="kind"):
    """So many matching records within a window."""

    at_least: Annotated[int, Meta(ge=1, le=1_000_000_000)]
    window: Duration


class RateForm(_Form, tag="rate", tag_field="kind"):
    """So many matching records a minute, on average over a window."""

    per_minute: Annotated[float, Meta(gt=0)]
    window: Duration


class ThresholdForm(_Form, tag="threshold", tag_field="kind"):
    """An aggregate of a number over a window, compared with exactly one of gt, gte, lt, lte."""

    aggregation: Aggregation
    of: Annotated[FieldPath, Meta(description="Of a metric: total, count, average, minimum or maximum.")]
    window: Duration
    gt: float | UnsetType = UNSET
    gte: float | UnsetType = UNSET
    lt: float | UnsetType = UNSET
    lte: float | UnsetType = UNSET
    percentile: Annotated[float, Meta(gt=0, le=100)] | UnsetType = UNSET
    least: Annotated[int, Meta(ge=1, le=1_000_000)] = 1


class AbsenceForm(_Form, tag="absence", tag_field="kind"):
    """No matching record for a period."""

    period: Duration


class RuleForm(_Form):
    """One rule: which records, when they amount to an alert, and what follows."""

    name: Name
    title: Line
    severity: Severity
    match: MatchForm
    condition: EachForm | CountForm | RateForm | ThresholdForm | AbsenceForm
    description: Prose | UnsetType = UNSET
    group_by: GroupBy = "resource"
    dedupe: Annotated[
        list[FieldPath],
        Meta(
            max_length=8, description="Fields that tell alerts of one group apart: category, operationName, …"
        ),
    ] = []
    cool_down: Annotated[Duration, Meta(description="How long nobody is told again.")] | UnsetType = UNSET
    auto_resolve: (
        Annotated[
            Duration | Literal["never"],
            Meta(
                description="After how long without a match the alert is resolved; 1h unless said, or never."
            ),
        ]
        | UnsetType
    ) = UNSET
    handlers: Annotated[list[Word], Meta(max_length=20, description="Who is told, beside the record.")] = []


class RulesForm(_Form):
    """A file of several rules."""

    rules: Annotated[list[RuleForm], Meta(min_length=1, max_length=500)]


def rule_schema() -> dict[str, object]:
    """The JSON Schema (2020-12) of one YAML document: a rule, or `rules:` with a list of them."""
    (rule, rules), parts = msgspec.json.schema_components(
        (RuleForm, RulesForm), ref_template="#/$defs/{name}"
    )
    one = [{"required": [name]} for name in ("gt", "gte", "lt", "lte")]
    parts["ThresholdForm"]["oneOf"] = one  # which no type can say
    parts["FieldForm"]["minProperties"] = 1
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A Meshplane rule, or a list of them under `rules`",
        "if": {"required": ["rules"]},
        "then": rules,
        "else": rule,
        "$defs": parts,
    }
