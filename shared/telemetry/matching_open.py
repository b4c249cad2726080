"""Opening what a record keeps undecoded: only for the records, and only at the names, that rules ask for.

A partial decode costs a fifth of a whole one, so names are looked for as they are usually spelled, and
a value is decoded whole only where a name stands in it in yet another spelling.
"""

import json
from collections.abc import Callable, Iterable
from operator import attrgetter

import msgspec

from shared.telemetry.matching_fields import MISSING, Opened, Path, Value, start_of, typed_field, walk
from shared.telemetry.record import Record, attribute_of

# Names of a record's root as Azure spells them: a rule may write them in any case.
_ROOTS = (
    *(
        "properties",
        "identity",
        "callerIpAddress",
        "correlationId",
        "durationMs",
        "resultDescription",
        "location",
    ),
    *(
        "tenantId",
        "operationVersion",
        "total",
        "count",
        "average",
        "minimum",
        "maximum",
        "timeGrain",
        "dimensions",
    ),
    *("statusText", "protocol", "uri", "requestUri", "SubscriptionId", "ResourceGroup", "ActivityId"),
    *("EventProperties", "Caller", "Region", "Environment", "LogicalServerName"),
    *("pipelineName", "activityName", "triggerName", "runId", "pipelineRunId"),
)
_values = msgspec.structs.astuple
_SPELLED = {n.lower(): n for n in _ROOTS}


class Unreadable(ValueError):
    """A value that a rule asks for cannot be decoded."""


def roots_of(paths: Iterable[Path]) -> set[str]:
    """The names under which records may keep what paths start with, where they are not decoded anyway."""
    return {spelling for p in paths if typed_field(p) is None for spelling in _root_spellings(p[0])}


def _spellings(name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((name, name[:1].lower() + name[1:], name[:1].upper() + name[1:])))


def _root_spellings(root: str) -> tuple[str, ...]:
    """Every name costs time on each record, so those that Azure documents stand for themselves alone."""
    spelled = _SPELLED.get(root.lower())
    return (spelled,) if spelled else _spellings(root)


class Opener:
    """Opens records at the start of some paths."""

    def __init__(self, paths: Iterable[Path]) -> None:
        names: dict[str, set[str]] = {}
        self._missing: dict[Path, Value] = {}
        self._typed: list[tuple[Path, Callable[[Record], Value]]] = []
        self._roots: list[tuple[Callable[[Record], msgspec.Raw | None], _Whole | _Part]] = []
        for start in sorted(set(map(start_of, paths))):
            typed = typed_field(start)
            if typed:
                self._typed.append((start, typed))
            elif len(start) == 1:
                self._roots.append((_keeper(start[0]), _Whole(start)))
            else:
                names.setdefault(start[0], set()).add(start[1])
            self._missing[start] = MISSING
        self._roots += [(_keeper(root), _Part(root, of)) for root, of in names.items()]
        parts = [(root, name) for root, of in names.items() for name in of]
        self._single = _single(*parts[0]) if len(parts) == len(self._missing) == 1 else None

    def open(self, record: Record) -> Opened:
        """Raises Unreadable."""
        if self._single:
            opened = self._single(record)
            if opened is not None:
                return opened
        return self._open_all(record)

    def _open_all(self, record: Record) -> Opened:
        opened = self._missing.copy()
        for path, typed in self._typed:
            opened[path] = typed(record)
        for kept, reading in self._roots:
            raw = kept(record)
            if raw is not None:
                reading.read(raw, opened)
        return opened


def _single(root: str, name: str) -> Callable[[Record], Opened | None]:
    """Opens a record at one name, which is what most rules ask for; None where that is not so simple."""
    path = (root, name)
    kept = attrgetter(attribute_of(_root_spellings(root)[0]))
    part = msgspec.defstruct("Part", [("value", object, msgspec.field(default=MISSING, name=name))], gc=False)
    decode = msgspec.json.Decoder(part).decode

    def opened(record: Record) -> Opened | None:
        raw = kept(record)
        if raw is msgspec.UNSET:
            return None
        try:
            (value,) = _values(decode(raw))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        return None if value is MISSING else {path: value}

    return opened


def _keeper(root: str) -> Callable[[Record], msgspec.Raw | None]:
    """Finds what a record keeps of a root, in the first spelling that it has."""
    first, *others = (attrgetter(attribute_of(spelling)) for spelling in _root_spellings(root))

    def kept(record: Record) -> msgspec.Raw | None:
        raw: msgspec.Raw | msgspec.UnsetType = first(record)
        for other in others:
            if raw is not msgspec.UNSET:
                break
            raw = other(record)
        return None if isinstance(raw, msgspec.UnsetType) else raw

    return kept


class _Whole:
    """All that a root holds."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, raw: msgspec.Raw, opened: dict[Path, Value]) -> None:
        opened[self._path] = _decoded(raw)


class _Part:
    """Some names of the object at a root."""

    def __init__(self, root: str, names: Iterable[str]) -> None:
        self._names = {name.lower().encode(): (root, name) for name in names}
        spelled = [((root, name), spelling) for name in sorted(names) for spelling in _spellings(name)]
        fields = [
            (f"value_{place}", object, msgspec.field(default=MISSING, name=spelling))
            for place, (_, spelling) in enumerate(spelled)
        ]
        self._paths = tuple(path for path, _ in spelled)
        self._decode = msgspec.json.Decoder(msgspec.defstruct("Part", fields, gc=False)).decode

    def read(self, raw: msgspec.Raw, opened: dict[Path, Value]) -> None:
        try:
            part = self._decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._read_whole(raw, opened)
            return
        missing = len(self._names)
        for path, value in zip(self._paths, _values(part), strict=True):
            if value is not MISSING:
                opened[path] = value
                missing -= 1
        if missing > 0:
            self._look_closer(raw, opened)

    def _look_closer(self, raw: msgspec.Raw, opened: dict[Path, Value]) -> None:
        """A name in another spelling stands in the text at least."""
        lower = bytes(raw).lower()
        for name, path in self._names.items():
            if opened[path] is MISSING and name in lower:
                self._read_whole(raw, opened)
                return

    def _read_whole(self, raw: msgspec.Raw, opened: dict[Path, Value]) -> None:
        value = _decoded(raw)
        for path in self._names.values():
            if opened[path] is MISSING:
                opened[path] = walk(value, path[1:])


def _decoded(raw: msgspec.Raw) -> Value:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:  # what msgspec refuses and json does not: lone surrogates, numbers beyond a float
        return json.loads(bytes(raw), strict=False)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"a value cannot be decoded: {type(error).__name__}") from error
