"""What a rule looks like as people write it, and the JSON Schema made of it.

These types are the one definition: `shared.telemetry.rule_files` reads YAML by them, and `rule.schema.json`, by which
editors complete, is generated from them. What they mean is told in `shared.telemetry.rule`.
"""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType, field

from shared.forms.schema import Form, Line, schema_of, text
from shared.ports import Severity
from shared.telemetry.rule import Aggregation, GroupBy, Scalar

SCHEMA_FILE = "rule.schema.json"
LONGEST_PATTERN = 256
"""Characters of a regular expression: it is searched in texts of any length, on the way of every record of its kind."""


Duration = Annotated[
    str,
    text(
        "a duration such as 30s, 5m, 1h",
        pattern=r"^[1-9][0-9]{0,6}(s|m|h|d)$",
    ),
]
FieldPath = Annotated[
    str,
    text(
        "a path such as properties.statusCode",
        pattern=r"^[^.\s][^.]*(\.[^.]+){0,7}$",
        most=256,
    ),
]
Name = Annotated[
    str,
    text(
        "a name such as sql-deadlocks, of at most 64 characters",
        pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$",
        most=64,
    ),
]
Prose = Annotated[str, text("a text of 1 to 2000 characters", least=1, most=2000)]
Word = Annotated[str, text("a text of 1 to 256 characters", least=1, most=256)]
Expression = Annotated[
    str,
    text(f"a regular expression of 1 to {LONGEST_PATTERN} characters", least=1, most=LONGEST_PATTERN),
]
Some = Meta(min_length=1, max_length=100)
type Words = Word | Annotated[list[Word], Some]
type Results = Word | int | Annotated[list[Word | int], Some]
type Scalars = Scalar | Annotated[list[Scalar], Some]
type Level = Literal["critical", "error", "warning", "informational", "verbose"]


class FieldForm(Form):
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


class MatchForm(Form):
    """Which records: of each list that is given, one has to fit. A metric has but its name, its type and fields."""

    category: Words | UnsetType = UNSET
    operation: Words | UnsetType = UNSET
    level: Level | Annotated[list[Level], Some] | UnsetType = UNSET
    result: Results | UnsetType = UNSET
    resource_type: Words | UnsetType = UNSET
    metric: Words | UnsetType = UNSET
    custom: Words | UnsetType = UNSET
    fields: Annotated[dict[FieldPath, FieldForm | Scalars], Meta(min_length=1, max_length=20)] | UnsetType = (
        UNSET
    )


class EachForm(Form, tag="each", tag_field="kind"):
    """Every matching record."""


class CountForm(Form, tag="count", tag_field="kind"):
    """So many matching records within a window."""

    at_least: Annotated[int, Meta(ge=1, le=1_000_000_000)]
    window: Duration


class RateForm(Form, tag="rate", tag_field="kind"):
    """So many matching records a minute, on average over a window."""

    per_minute: Annotated[float, Meta(gt=0)]
    window: Duration


class ThresholdForm(Form, tag="threshold", tag_field="kind"):
    """An aggregate of a number over a window, compared with exactly one of gt, gte, lt, lte."""

    aggregation: Aggregation
    of: FieldPath
    window: Duration
    gt: float | UnsetType = UNSET
    gte: float | UnsetType = UNSET
    lt: float | UnsetType = UNSET
    lte: float | UnsetType = UNSET
    percentile: Annotated[float, Meta(gt=0, le=100)] | UnsetType = UNSET
    least: Annotated[int, Meta(ge=1, le=1_000_000)] = 1


class AbsenceForm(Form, tag="absence", tag_field="kind"):
    """No matching record for a period."""

    period: Duration


class RuleForm(Form):
    """One rule: which records, when they amount to an alert, and what follows."""

    name: Name
    title: Line
    severity: Severity
    match: MatchForm
    condition: EachForm | CountForm | RateForm | ThresholdForm | AbsenceForm
    description: Prose | UnsetType = UNSET
    group_by: GroupBy = "resource"
    dedupe: Annotated[list[FieldPath], Meta(max_length=8)] = field(default_factory=list)
    cool_down: Duration | UnsetType = UNSET
    auto_resolve: Duration | Literal["never"] | UnsetType = UNSET
    handlers: Annotated[list[Word], Meta(max_length=20)] = field(default_factory=list)


class RulesForm(Form):
    """A file of several rules."""

    rules: Annotated[list[RuleForm], Meta(min_length=1, max_length=500)]


_COMPARISONS = {"gt": "Above.", "gte": "From.", "lt": "Below.", "lte": "Up to."}
_TOLD: dict[type[Form], dict[str, str]] = {
    FieldForm: {
        "any_of": "One of these.",
        "none_of": "None of these.",
        "contains": "A text in it.",
        "matches": "A regular expression (Python's) found in it.",
        **_COMPARISONS,
        "exists": "Whether it is there.",
    },
    MatchForm: {
        "category": "Of the log, such as AuditEvent.",
        "operation": "operationName; may end in *.",
        "level": "However the service writes it.",
        "result": "success, failure, or the service's own word.",
        "resource_type": "Such as microsoft.sql/servers/databases; may end in *.",
        "metric": "The name of a platform metric: the rule is about metrics.",
        "custom": "The type of a custom event.",
        "fields": "By path: a value, several values, or what the field has to be.",
    },
    EachForm: {},
    CountForm: {"at_least": "So many matching records.", "window": "Such as 5m."},
    RateForm: {"per_minute": "So many matching records a minute.", "window": "Such as 1h."},
    ThresholdForm: {
        "aggregation": "What is made of the numbers of a window.",
        "of": "The path of the number; of a metric total, count, average, minimum or maximum.",
        "window": "Such as 5m.",
        **_COMPARISONS,
        "percentile": "For the aggregation percentile; 95 unless said.",
        "least": "Windows with fewer records say nothing.",
    },
    AbsenceForm: {"period": "Such as 6h."},
    RuleForm: {
        "name": "Its identity: lower-case words with hyphens.",
        "title": "What people read first.",
        "severity": "How bad it is.",
        "match": "Which records.",
        "condition": "When they amount to an alert.",
        "description": "Why, and where the numbers come from.",
        "group_by": "What has an alert of its own.",
        "dedupe": "Paths whose values tell alerts of one group apart: category, properties.pipelineName.",
        "cool_down": "For how long its firing again is told to nobody.",
        "auto_resolve": "After how long without a match it is resolved; 1h unless said, or never.",
        "handlers": "Who is told: mesh-event, webhook (all there are), webhook:name, metric, remediate.",
    },
    RulesForm: {"rules": "One after the other."},
}
"""What editors show beside each key."""


def rule_schema() -> dict[str, object]:
    """The JSON Schema (2020-12) of one YAML document: a rule, or `rules:` with a list of them."""
    more: dict[type[Form], dict[str, object]] = {
        ThresholdForm: {"oneOf": [{"required": [name]} for name in _COMPARISONS]},
        FieldForm: {"minProperties": 1},
    }
    return schema_of(RuleForm, RulesForm, _TOLD, more, "A Meshplane rule, or a list of them under `rules`")
