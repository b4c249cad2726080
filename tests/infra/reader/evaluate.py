"""What Bicep's expressions come to before anything is deployed: variables, defaults, loaded files and pure functions.

Functions behave as Microsoft's Bicep function reference says. What only a deployment knows (ids, `reference`, what
resources return) is Unknowable here, unless the caller gives it as a symbol.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from tests.infra.reader.expressions import (
    Access,
    Binary,
    Call,
    Expression,
    Group,
    Index,
    Items,
    Lambda,
    Literal,
    Loop,
    Name,
    Object,
    Ternary,
    Text,
    Unary,
    When,
)
from tests.infra.reader.file import BicepFile

type Value = str | int | bool | list[Value] | dict[str, Value] | None


class Unknowable(Exception):
    """Only a deployment knows it."""


class Evaluator:
    """Evaluates what stands in one file.

    `symbols` are values of parameters, and of resources and modules as far as a deployment would know them; `scopes`
    are what `subscription()`, `environment()` and the like answer.
    """

    def __init__(
        self,
        file: BicepFile,
        symbols: Mapping[str, Value] | None = None,
        scopes: Mapping[str, Value] | None = None,
    ) -> None:
        self._file = file
        self._symbols = dict(symbols or {})
        self._scopes = scopes or {}
        self._loaders: dict[str, Callable[[Path], Value]] = {
            "loadTextContent": lambda path: path.read_text(),
            "loadJsonContent": lambda path: as_value(json.loads(path.read_text())),
        }

    @property
    def file(self) -> BicepFile:
        return self._file

    def symbol(self, name: str) -> Value:
        """A parameter's or variable's value. Raises Unknowable."""
        if name not in self._symbols:
            self._symbols[name] = self.value(self._meaning(name))
        return self._symbols[name]

    def _meaning(self, name: str) -> Expression:
        if name in self._file.variables:
            return self._file.variables[name].value
        parameter = self._file.parameters.get(name)
        if parameter and parameter.default is not None:
            return parameter.default
        if parameter and parameter.type.endswith("?"):
            return Literal(None)
        raise Unknowable(name)

    def value(self, found: Expression, local: Mapping[str, Value] | None = None) -> Value:
        """An expression's value; `local` are the names of loops and lambdas around it. Raises Unknowable."""
        here = local or {}
        match found:
            case Text(parts):
                return "".join(p if isinstance(p, str) else spelled(self.value(p, here)) for p in parts)
            case Literal(value):
                return value
            case Name(name):
                return here[name] if name in here else self.symbol(name)
            case Object(entries):
                return {spelled(self.value(k, here)): self.value(v, here) for k, v in entries}
            case Items(values):
                return [self.value(v, here) for v in values]
            case _:
                return self._worked_out(found, here)

    def _worked_out(self, found: Expression, here: Mapping[str, Value]) -> Value:
        match found:
            case Access(of, name, safe):
                return _member(self.value(of, here), name, safe=safe)
            case Group(of):
                return self.value(of, here)
            case Index(of, index):
                return _member(self.value(of, here), self.value(index, here), safe=False)
            case Ternary(condition, then, otherwise):
                return self.value(then if self.value(condition, here) else otherwise, here)
            case Binary(operator, left, right):
                return self._binary(operator, left, right, here)
            case Unary(operator, operand):
                value = self.value(operand, here)
                return not value if operator == "!" else -_number(value)
            case Loop():
                return self._loop(found, here)
            case Call(name, arguments, of):
                return self._call(name, arguments, of, here)
            case _:
                raise Unknowable(str(found))

    def _loop(self, loop: Loop, here: Mapping[str, Value]) -> Value:
        made: list[Value] = []
        for at, item in enumerate(_list(self.value(loop.source, here))):
            inner = {**here, loop.item: item, **({loop.index: at} if loop.index else {})}
            body = loop.body
            if isinstance(body, When):
                if not self.value(body.condition, inner):
                    continue
                body = body.body
            made.append(self.value(body, inner))
        return made

    def _binary(self, operator: str, left: Expression, right: Expression, here: Mapping[str, Value]) -> Value:
        first = self.value(left, here)
        match operator:
            case "&&":
                return bool(first) and bool(self.value(right, here))
            case "||":
                return bool(first) or bool(self.value(right, here))
            case "??":
                return self.value(right, here) if first is None else first
        second = self.value(right, here)
        match operator:
            case "==":
                return first == second
            case "!=":
                return first != second
            case "+":
                return _number(first) + _number(second)
            case "-":
                return _number(first) - _number(second)
            case "*":
                return _number(first) * _number(second)
            case ">":
                return _number(first) > _number(second)
            case "<":
                return _number(first) < _number(second)
        raise Unknowable(operator)

    def _call(
        self, name: str, arguments: tuple[Expression, ...], of: Expression | None, here: Mapping[str, Value]
    ) -> Value:
        if of is not None:
            raise Unknowable(f"{name} of a resource")
        if name in self._loaders:
            where = arguments[0]
            if not isinstance(where, Text) or where.plain is None:
                raise ValueError(f"{name} takes a literal path: the compiler reads the file")
            return self._loaders[name](self._file.path.parent / where.plain)
        if name in self._scopes and not arguments:
            return self._scopes[name]
        if name in self._file.functions:
            made = self._file.functions[name].value
            return self._applied(made, [self.value(a, here) for a in arguments], {})
        if name in ("map", "filter", "toObject"):
            return self._over(name, arguments, here)
        if name not in _FUNCTIONS:
            raise Unknowable(name)
        return _FUNCTIONS[name](*(self.value(a, here) for a in arguments))

    def _over(self, name: str, arguments: tuple[Expression, ...], here: Mapping[str, Value]) -> Value:
        items = _list(self.value(arguments[0], here))
        by = [a for a in arguments[1:] if isinstance(a, Lambda)]
        results = [
            [self._applied(fn, [item, at][: len(fn.parameters)], here) for fn in by]
            for at, item in enumerate(items)
        ]
        if name == "map":
            return [r[0] for r in results]
        if name == "filter":
            return [item for item, r in zip(items, results, strict=True) if r[0]]
        return {spelled(r[0]): r[-1] if len(r) > 1 else i for i, r in zip(items, results, strict=True)}

    def _applied(self, made: Lambda, values: list[Value], here: Mapping[str, Value]) -> Value:
        return self.value(made.body, {**here, **dict(zip(made.parameters, values, strict=True))})


def spelled(value: Value) -> str:
    """A value as it stands in a text."""
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def as_value(found: object) -> Value:
    """JSON that was decoded, as a value. Raises TypeError."""
    match found:
        case None | bool() | int() | str():
            return found
        case list():
            return [as_value(item) for item in found]
        case dict():
            return {str(key): as_value(item) for key, item in found.items()}
        case _:
            raise TypeError(f"no value of Bicep: {found!r}")


def _member(of: Value, key: Value, *, safe: bool) -> Value:
    if of is None and safe:
        return None
    if isinstance(of, dict) and isinstance(key, str):
        if key not in of and not safe:
            raise Unknowable(f"no {key!r} in an object with {sorted(of)}")
        return of.get(key)
    if isinstance(of, list) and isinstance(key, int):
        return of[key]
    raise Unknowable(f"{key!r} of {type(of).__name__}")


def _number(value: Value) -> int:
    if not isinstance(value, int):
        raise TypeError(f"no number: {value!r}")
    return value


def _list(value: Value) -> list[Value]:
    if not isinstance(value, list):
        raise TypeError(f"no array: {value!r}")
    return value


def _union(*values: Value) -> Value:
    """Objects are merged, the later ones winning and nested ones merged too; arrays lose what is double."""
    if all(isinstance(v, list) for v in values):
        merged: list[Value] = []
        for item in (i for v in values for i in _list(v)):
            if item not in merged:
                merged.append(item)
        return merged
    made: dict[str, Value] = {}
    for value in values:
        for key, item in (value if isinstance(value, dict) else {}).items():
            both = isinstance(made.get(key), dict) and isinstance(item, dict)
            made[key] = _union(made[key], item) if both else item
    return made


def _concat(*values: Value) -> Value:
    if values and isinstance(values[0], list):
        return [item for v in values for item in _list(v)]
    return "".join(spelled(v) for v in values)


def _contains(within: Value, what: Value) -> bool:
    if isinstance(within, str):
        return spelled(what) in within
    return isinstance(within, list | dict) and what in within


def _flatten(values: Value) -> Value:
    return [item for inner in _list(values) for item in _list(inner)]


def _items(value: Value) -> Value:
    return [{"key": k, "value": v} for k, v in sorted(value.items())] if isinstance(value, dict) else []


def _range(start: Value, count: Value) -> Value:
    return list(range(_number(start), _number(start) + _number(count)))


_FUNCTIONS: dict[str, Callable[..., Value]] = {
    "replace": lambda text, old, new: spelled(text).replace(spelled(old), spelled(new)),
    "any": lambda value: value,
    "int": lambda value: int(spelled(value)),
    "string": spelled,
    "json": lambda text: as_value(json.loads(spelled(text))),
    "toLower": lambda text: spelled(text).lower(),
    "toUpper": lambda text: spelled(text).upper(),
    "take": lambda of, n: (of if isinstance(of, list) else spelled(of))[: _number(n)],
    "skip": lambda of, n: (of if isinstance(of, list) else spelled(of))[_number(n) :],
    "trim": lambda text: spelled(text).strip(),
    "split": lambda text, by: list(spelled(text).split(spelled(by))),
    "join": lambda values, by: spelled(by).join(spelled(v) for v in _list(values)),
    "empty": lambda value: not value,
    "length": lambda value: len(value) if isinstance(value, str | list | dict) else 0,
    "first": lambda value: value[0] if isinstance(value, str | list) and value else None,
    "last": lambda value: value[-1] if isinstance(value, str | list) and value else None,
    "startsWith": lambda text, start: spelled(text).startswith(spelled(start)),
    "contains": _contains,
    "concat": _concat,
    "union": _union,
    "flatten": _flatten,
    "items": _items,
    "range": _range,
    "objectKeys": lambda value: sorted(value) if isinstance(value, dict) else [],
    "guid": lambda *values: str(uuid5(NAMESPACE_URL, "-".join(spelled(v) for v in values))),
    "uniqueString": lambda *v: uuid5(NAMESPACE_URL, "-".join(spelled(x) for x in v)).hex[:13],
}
