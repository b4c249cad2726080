"""A rule as written → the rule that is judged by, with what no type can check."""

from collections.abc import Collection

from msgspec import UNSET, UnsetType

from shared.forms.reading import Reading, suggestion
from shared.telemetry.rule import (
    Absence,
    Comparison,
    Condition,
    Count,
    Each,
    FieldMatch,
    Match,
    Rate,
    Rule,
    Scalar,
    Threshold,
)
from shared.telemetry.rule_expressions import expression_fault
from shared.telemetry.rule_schema import (
    AbsenceForm,
    CountForm,
    EachForm,
    FieldForm,
    MatchForm,
    RateForm,
    RuleForm,
    ThresholdForm,
)

WEBHOOKS = "webhook"
NUMBERS_OF_METRICS = ("total", "count", "average", "minimum", "maximum")
_OF_LOGS = ("category", "operation", "level", "result", "custom")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST = {"window": 7 * 86400, "period": 90 * 86400, "cool_down": 90 * 86400, "auto_resolve": 90 * 86400}


def rule_made(reading: Reading[RuleForm], source: str, handlers: Collection[str]) -> Rule | None:
    """The rule of a reading, or None where it has faults, which are told to the reading."""
    form = reading.value
    if form is None:
        return None
    rule = Rule(
        name=form.name,
        title=form.title,
        severity=form.severity,
        match=_match(form, reading),
        condition=_condition(form, reading),
        group_by=form.group_by,
        dedupe=tuple(_path(text) for text in form.dedupe),
        cool_down=_optional(form.cool_down, "cool_down", 0.0, reading),
        auto_resolve=_auto_resolve(form, reading),
        handlers=_handlers(form, handlers, reading),
        description=form.description or "",
        source=source,
    )
    return None if reading.faults else rule


# --- match


def _match(form: RuleForm, reading: Reading[RuleForm]) -> Match:
    match = form.match
    if match == MatchForm() and not isinstance(form.condition, AbsenceForm):
        reading.fault("match", "names nothing: every record would match")
    if match.metric is not UNSET:
        for name in _OF_LOGS:
            if getattr(match, name) is not UNSET:
                reading.fault(f"match.{name}", "a metric has none: take it out, or metric")
    for name, patterns in (("operation", match.operation), ("resource_type", match.resource_type)):
        if any("*" in pattern[:-1] for pattern in _words(patterns)):
            reading.fault(f"match.{name}", "a * may only stand at the end")
    fields = () if match.fields is UNSET else match.fields.items()
    return Match(
        category=_words(match.category),
        operation=_words(match.operation),
        level=_words(match.level),
        result=_words(match.result),
        resource_type=_words(match.resource_type),
        metric=_words(match.metric),
        custom=_words(match.custom),
        fields=tuple(_field(path, what, reading) for path, what in fields),
    )


def _field(path: str, what: FieldForm | Scalar | list[Scalar], reading: Reading[RuleForm]) -> FieldMatch:
    if not isinstance(what, FieldForm):
        return FieldMatch(path=_path(path), any_of=_several(what))
    where = f"match.fields.{path}"
    if what == FieldForm():
        reading.fault(where, "says nothing of what the field has to be")
    if what.exists is False and what != FieldForm(exists=False):
        reading.fault(where, "a field that is not there is nothing else")
    return FieldMatch(
        path=_path(path),
        any_of=_several(what.any_of),
        none_of=_several(what.none_of),
        contains=what.contains or "",
        matches=_expression(what.matches or "", f"{where}.matches", reading),
        gt=_set(what.gt),
        gte=_set(what.gte),
        lt=_set(what.lt),
        lte=_set(what.lte),
        exists=_set(what.exists),
    )


def _expression(text: str, where: str, reading: Reading[RuleForm]) -> str:
    if text and (fault := expression_fault(text)):
        reading.fault(where, fault)
    return text


# --- condition


def _condition(form: RuleForm, reading: Reading[RuleForm]) -> Condition:
    match form.condition:
        case EachForm():
            return Each()
        case CountForm(at_least=at_least, window=window):
            return Count(at_least=at_least, window=_window(window, reading))
        case RateForm(per_minute=per_minute, window=window):
            return Rate(per_minute=per_minute, window=_window(window, reading))
        case AbsenceForm(period=period):
            return Absence(period=_seconds(period, "condition.period", reading))
        case ThresholdForm():
            return _threshold(form.condition, form.match.metric is not UNSET, reading)


def _threshold(form: ThresholdForm, of_metric: bool, reading: Reading[RuleForm]) -> Threshold:
    values: dict[Comparison, float | UnsetType] = {
        "gt": form.gt,
        "gte": form.gte,
        "lt": form.lt,
        "lte": form.lte,
    }
    given = [(name, value) for name, value in values.items() if not isinstance(value, UnsetType)]
    if len(given) != 1:
        reading.fault("condition", "a threshold is compared by exactly one of gt, gte, lt, lte")
    of = form.of.lower()
    if of_metric and of not in NUMBERS_OF_METRICS:
        text = f"{form.of!r} is no number of a metric: one of {', '.join(NUMBERS_OF_METRICS)}"
        reading.fault("condition.of", text + suggestion(of, NUMBERS_OF_METRICS))
    if form.percentile is not UNSET and form.aggregation != "percentile":
        reading.fault("condition.percentile", f"is for the aggregation percentile, not {form.aggregation}")
    (comparison, value), *_ = [*given, ("gt", 0.0)]
    return Threshold(
        aggregation=form.aggregation,
        of=_path(of if of_metric else form.of),
        comparison=comparison,
        value=value,
        window=_window(form.window, reading),
        percentile=95.0 if form.percentile is UNSET else form.percentile,
        least=form.least,
    )


def _window(text: str, reading: Reading[RuleForm]) -> float:
    return _seconds(text, "condition.window", reading)


# --- the rest


def _handlers(form: RuleForm, handlers: Collection[str], reading: Reading[RuleForm]) -> tuple[str, ...]:
    """Each once, with all webhooks in the place of `webhook`."""
    known = sorted({"record", WEBHOOKS, *handlers})
    found: list[str] = []
    for number, name in enumerate(form.handlers):
        if name == WEBHOOKS:
            found += [h for h in known if h.startswith(f"{WEBHOOKS}:")]
        elif name in known:
            found.append(name)
        else:
            text = f"{name!r} is no handler: one of {', '.join(known)}"
            reading.fault(f"handlers[{number}]", text + suggestion(name, known))
    return tuple(dict.fromkeys(found))


def _auto_resolve(form: RuleForm, reading: Reading[RuleForm]) -> float:
    if form.auto_resolve == "never":
        return 0.0
    return _optional(form.auto_resolve, "auto_resolve", 3600.0, reading)


def _optional(text: str | UnsetType, path: str, default: float, reading: Reading[RuleForm]) -> float:
    return default if isinstance(text, UnsetType) else _seconds(text, path, reading)


def _seconds(text: str, path: str, reading: Reading[RuleForm]) -> float:
    seconds = float(int(text[:-1]) * _SECONDS[text[-1]])
    longest = _LONGEST[path.rpartition(".")[2]]
    if seconds > longest:
        reading.fault(path, f"{text!r} is longer than {longest // 86400} days")
    return seconds


def _path(text: str) -> tuple[str, ...]:
    return tuple(text.split("."))


def _words(words: object) -> tuple[str, ...]:
    """In lower case, as a match compares them."""
    found = () if isinstance(words, UnsetType) else words if isinstance(words, list) else (words,)
    return tuple(str(word).lower() for word in found)


def _several(scalars: Scalar | list[Scalar] | UnsetType) -> tuple[Scalar, ...]:
    if isinstance(scalars, UnsetType):
        return ()
    return tuple(scalars) if isinstance(scalars, list) else (scalars,)


def _set[T](value: T | UnsetType) -> T | None:
    return None if isinstance(value, UnsetType) else value
