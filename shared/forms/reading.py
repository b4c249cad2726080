"""Reads a YAML tree as a type, and tells every fault with its line and its path, not only the first."""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from typing import cast

import yaml
from msgspec import inspect

from shared.forms.yaml_tree import Fault, line_of

_SHOWN = 60  # characters of a value in a fault


class _Nothing:
    """What could not be read."""


_NOTHING = _Nothing()
_KINDS: dict[type, inspect.Type] = {}  # a type takes 10 ms to inspect
_CONSTRUCTOR = yaml.constructor.SafeConstructor()


def read[T](form: type[T], node: yaml.Node) -> "Reading[T]":
    """Reads a node as a struct of msgspec's; of its types those that the forms of rules and policies use."""
    reader = _Reader()
    kind = _KINDS.get(form) or _KINDS.setdefault(form, inspect.type_info(form))
    value = reader.read(kind, node, "")
    return Reading(None if isinstance(value, _Nothing) else cast(T, value), reader.faults, reader.lines)


class Reading[T]:
    """The value, or None and its faults; `lines` tells where each path is written."""

    def __init__(self, value: T | None, faults: list[Fault], lines: dict[str, int]) -> None:
        self.value = value
        self.faults = faults
        self._lines = lines

    def fault(self, path: str, text: str) -> None:
        """Adds a fault that the types cannot tell; its line is that of the path, or of what it lies in."""
        found = path
        while found not in self._lines:
            found = re.sub(r"(\.|\[)?[^.\[]*$", "", found, count=1)
        self.faults.append(Fault(self._lines[found], f"{path}: {text}"))


class _Reader:
    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.lines: dict[str, int] = {}

    def read(self, kind: inspect.Type, node: yaml.Node, path: str) -> object:
        self.lines[path] = line_of(node)
        kinds = list(_alternatives(kind))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(kinds, node, path)
        if isinstance(node, yaml.SequenceNode):
            return self._sequence(kinds, node, path)
        return self._scalar(kinds, node, path)

    def _fault(self, node: yaml.Node, path: str, text: str) -> _Nothing:
        self.faults.append(Fault(line_of(node), f"{path}: {text}" if path else text))
        return _NOTHING

    # --- scalars

    def _scalar(self, kinds: Sequence[inspect.Type], node: yaml.Node, path: str) -> object:
        for kind in kinds:
            value = _scalar_of(kind, node)
            if not isinstance(value, _Nothing):
                return value
        text = f"{str(node.value)[:_SHOWN]!r} is not {_described(kinds)}"
        values = [v for kind in kinds for v in _literals(kind)]
        if _tag(node) != "str" and any(isinstance(_bare(kind), inspect.StrType) for kind in kinds):
            text += ": put it in quotes"
        return self._fault(node, path, text + suggestion(str(node.value), values))

    # --- lists

    def _sequence(self, kinds: Sequence[inspect.Type], node: yaml.SequenceNode, path: str) -> object:
        kind = _first(kinds, inspect.ListType)
        if kind is None:
            return self._fault(node, path, f"a list is not {_described(kinds)}")
        count = len(node.value)
        least, most = kind.min_length or 0, kind.max_length or count
        if not least <= count <= most:
            return self._fault(node, path, f"has {count} elements, not {least} to {most}")
        values = [self.read(kind.item_type, part, f"{path}[{n}]") for n, part in enumerate(node.value)]
        return _NOTHING if any(isinstance(v, _Nothing) for v in values) else values

    # --- mappings

    def _mapping(self, kinds: Sequence[inspect.Type], node: yaml.MappingNode, path: str) -> object:
        structs = [kind for kind in map(_bare, kinds) if isinstance(kind, inspect.StructType)]
        if structs:
            return self._struct(structs, node, path)
        kind = _first(kinds, inspect.DictType)
        if kind is None:
            return self._fault(node, path, f"a mapping is not {_described(kinds)}")
        return self._dict(kind, node, path)

    def _dict(self, kind: inspect.DictType, node: yaml.MappingNode, path: str) -> object:
        count = len(node.value)
        least, most = kind.min_length or 0, kind.max_length or count
        if not least <= count <= most:
            return self._fault(node, path, f"has {count} entries, not {least} to {most}")
        values: dict[str, object] = {}
        for key, part in self._entries(node, path):
            name = self._scalar(list(_alternatives(kind.key_type)), key, path)
            value = self.read(kind.value_type, part, f"{path}.{key.value}")
            values[str(name)] = _NOTHING if isinstance(name, _Nothing) else value
        return _NOTHING if any(isinstance(v, _Nothing) for v in values.values()) else values

    def _struct(self, structs: Sequence[inspect.StructType], node: yaml.MappingNode, path: str) -> object:
        entries = {str(key.value): (key, part) for key, part in self._entries(node, path)}
        struct = self._variant(structs, entries, node, path)
        if struct is None:
            return _NOTHING
        fields = {field.encode_name: field for field in struct.fields}
        names = [*fields, struct.tag_field] if struct.tag_field else [*fields]
        values: dict[str, object] = {}
        for name, (key, part) in entries.items():
            where = f"{path}.{name}" if path else name
            if name in fields:
                values[fields[name].name] = self.read(fields[name].type, part, where)
            elif name not in names:
                self._fault(key, where[-256:], "is no key here" + suggestion(name, [n for n in names if n]))
                values[name] = _NOTHING
        for name, field in fields.items():
            if field.required and name not in entries:
                self._fault(node, path, f"{name!r} is missing")
                values[name] = _NOTHING
        return _NOTHING if any(isinstance(v, _Nothing) for v in values.values()) else struct.cls(**values)

    def _variant(
        self,
        structs: Sequence[inspect.StructType],
        entries: dict[str, tuple[yaml.Node, yaml.Node]],
        node: yaml.MappingNode,
        path: str,
    ) -> inspect.StructType | None:
        """The struct that the tag names; the only one where there is no tag."""
        tag_field = structs[0].tag_field
        if tag_field is None:
            return structs[0]
        tags = [str(struct.tag) for struct in structs]
        if tag_field not in entries:
            self._fault(node, path, f"{tag_field!r} is missing: one of {', '.join(tags)}")
            return None
        _, part = entries[tag_field]
        if part.value not in tags:
            text = f"{str(part.value)[:_SHOWN]!r} is not one of {', '.join(tags)}"
            self._fault(part, f"{path}.{tag_field}", text + suggestion(str(part.value), tags))
            return None
        return structs[tags.index(part.value)]

    def _entries(self, node: yaml.MappingNode, path: str) -> Iterator[tuple[yaml.Node, yaml.Node]]:
        """Keys that are texts, each once."""
        seen: dict[str, int] = {}
        for key, part in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._fault(key, path, "a key has to be a word")
            elif key.value in seen:
                self._fault(
                    key, path, f"{key.value[:_SHOWN]!r} is there twice, first in line {seen[key.value]}"
                )
            else:
                seen[key.value] = line_of(key)
                yield key, part


# --- types


def _alternatives(kind: inspect.Type) -> Iterator[inspect.Type]:
    """The members of unions, nested or described; each with what describes it."""
    bare = _bare(kind)
    if isinstance(bare, inspect.UnionType):
        for member in bare.types:
            yield from _alternatives(member)
    elif not isinstance(bare, inspect.CustomType) and type(bare).__name__ != "UnsetType":
        yield kind


def _bare(kind: inspect.Type) -> inspect.Type:
    return _bare(kind.type) if isinstance(kind, inspect.Metadata) else kind


def _first[K: inspect.Type](kinds: Sequence[inspect.Type], wanted: type[K]) -> K | None:
    return next((kind for kind in map(_bare, kinds) if isinstance(kind, wanted)), None)


def _literals(kind: inspect.Type) -> list[str]:
    bare = _bare(kind)
    return [str(v) for v in bare.values] if isinstance(bare, inspect.LiteralType) else []


def _tag(node: yaml.Node) -> str:
    return str(node.tag).rpartition(":")[2]


def _scalar_of(kind: inspect.Type, node: yaml.Node) -> object:
    bare = _bare(kind)
    check = _CHECKS.get(type(bare))
    if isinstance(kind, inspect.Metadata) and (kind.extra or {}).get("plain") == _tag(node):
        # What YAML takes for a day is the text that was written.
        node = yaml.ScalarNode("tag:yaml.org,2002:str", node.value, node.start_mark, node.end_mark)
    return check(bare, node) if check else _NOTHING


def _text(kind: inspect.Type, node: yaml.Node) -> object:
    assert isinstance(kind, inspect.StrType)
    value = str(node.value)
    least, most = kind.min_length or 0, kind.max_length or len(value)
    fits = least <= len(value) <= most and (kind.pattern is None or re.fullmatch(kind.pattern, value))
    return value if fits and _tag(node) == "str" else _NOTHING


def _number(kind: inspect.Type, node: yaml.Node) -> object:
    assert isinstance(kind, inspect.IntType | inspect.FloatType)
    whole = isinstance(kind, inspect.IntType)
    if _tag(node) not in (("int",) if whole else ("int", "float")) or len(node.value) > 32:
        return _NOTHING
    value = _CONSTRUCTOR.construct_object(node)
    fits = (
        math.isfinite(value)
        and (kind.ge is None or value >= kind.ge)
        and (kind.gt is None or value > kind.gt)
        and (kind.le is None or value <= kind.le)
    )
    return (value if whole else float(value)) if fits else _NOTHING


def _boolean(_kind: inspect.Type, node: yaml.Node) -> object:
    return bool(_CONSTRUCTOR.construct_object(node)) if _tag(node) == "bool" else _NOTHING


def _literal(kind: inspect.Type, node: yaml.Node) -> object:
    return node.value if _tag(node) == "str" and node.value in _literals(kind) else _NOTHING


_CHECKS: dict[type[inspect.Type], Callable[[inspect.Type, yaml.Node], object]] = {
    inspect.StrType: _text,
    inspect.IntType: _number,
    inspect.FloatType: _number,
    inspect.BoolType: _boolean,
    inspect.LiteralType: _literal,
}


# --- words


def _described(kinds: Sequence[inspect.Type]) -> str:
    return " or ".join(dict.fromkeys(map(_description, kinds)))


def _description(kind: inspect.Type) -> str:
    if isinstance(kind, inspect.Metadata) and kind.extra:
        return str(kind.extra["what"])
    bare = _bare(kind)
    if isinstance(bare, inspect.LiteralType):
        values = _literals(bare)
        return f"one of {', '.join(values)}" if len(values) > 1 else values[0]
    if isinstance(bare, inspect.IntType | inspect.FloatType):
        return ("a whole number" if isinstance(bare, inspect.IntType) else "a number") + _range(bare)
    return _NAMES.get(type(bare), "a mapping")


_NAMES = {inspect.StrType: "a text", inspect.BoolType: "true or false", inspect.ListType: "a list"}


def _range(kind: inspect.IntType | inspect.FloatType) -> str:
    limits = (("from", kind.ge), ("above", kind.gt), ("to", kind.le))
    return "".join(f" {word} {limit:g}" for word, limit in limits if limit is not None)


def suggestion(word: str, words: Sequence[str]) -> str:
    close = get_close_matches(word.lower()[:_SHOWN], words, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
