"""Bicep's expressions as data: what a parsed file consists of, whichever way it was written."""

from collections.abc import Iterator
from dataclasses import dataclass, fields

type Expression = (
    Text
    | Literal
    | Name
    | Access
    | Index
    | Call
    | Object
    | Items
    | Loop
    | When
    | Lambda
    | Group
    | Unary
    | Binary
    | Ternary
)


@dataclass(frozen=True, slots=True)
class Text:
    """A string: pieces of text, and expressions between them."""

    parts: "tuple[str | Expression, ...]"

    @property
    def plain(self) -> str | None:
        """The text where nothing is put into it."""
        return "".join(str(p) for p in self.parts) if all(isinstance(p, str) for p in self.parts) else None


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, a truth value, or null."""

    value: int | bool | None


@dataclass(frozen=True, slots=True)
class Name:
    """A symbol of the file, or of the loop or lambda around it."""

    name: str


@dataclass(frozen=True, slots=True)
class Access:
    """`of.name`, `of.?name` where it is safe, `of::name` of a resource inside another."""

    of: "Expression"
    name: str
    safe: bool = False


@dataclass(frozen=True, slots=True)
class Index:
    of: "Expression"
    index: "Expression"


@dataclass(frozen=True, slots=True)
class Call:
    """A function, or with `of` what is called on a resource or namespace."""

    name: str
    arguments: "tuple[Expression, ...]"
    of: "Expression | None" = None


@dataclass(frozen=True, slots=True)
class Object:
    """Entries in order; keys are texts, mostly plain ones."""

    entries: "tuple[tuple[Text, Expression], ...]"

    def get(self, *path: str) -> "Expression | None":
        """What stands at a path of plain keys."""
        found = next((value for key, value in self.entries if key.plain == path[0]), None)
        if len(path) == 1:
            return found
        return found.get(*path[1:]) if isinstance(found, Object) else None

    def names(self) -> list[str]:
        """Its plain keys."""
        return [key.plain for key, _ in self.entries if key.plain is not None]


@dataclass(frozen=True, slots=True)
class Items:
    """An array."""

    values: "tuple[Expression, ...]"


@dataclass(frozen=True, slots=True)
class Loop:
    """`[for (item, index) in source: body]`."""

    item: str
    index: str | None
    source: "Expression"
    body: "Expression"


@dataclass(frozen=True, slots=True)
class When:
    """`if (condition) body`, of a resource, a module, or each of a loop."""

    condition: "Expression"
    body: "Expression"


@dataclass(frozen=True, slots=True)
class Lambda:
    parameters: tuple[str, ...]
    body: "Expression"


@dataclass(frozen=True, slots=True)
class Group:
    """Parentheses: they matter to nothing but what binds to what."""

    of: "Expression"


@dataclass(frozen=True, slots=True)
class Unary:
    operator: str
    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Binary:
    operator: str
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class Ternary:
    condition: "Expression"
    then: "Expression"
    otherwise: "Expression"


def parts_of(expression: Expression) -> Iterator[Expression]:
    """The expressions directly inside one."""
    for field in fields(expression):
        yield from _expressions(getattr(expression, field.name))


def every(expression: Expression) -> Iterator[Expression]:
    """An expression and everything inside it."""
    yield expression
    for part in parts_of(expression):
        yield from every(part)


def _expressions(value: object) -> Iterator[Expression]:
    if isinstance(value, tuple):
        for item in value:
            yield from _expressions(item)
    elif isinstance(value, Expression.__value__):
        yield value
