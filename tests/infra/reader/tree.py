"""From tree-sitter's nodes to expressions, and what tree-sitter could not read."""

import re
from collections.abc import Callable, Iterator

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

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

_PARSER = Parser(Language(tree_sitter_bicep.language()))
_LOOSEST_FIRST = (
    ("??",),
    ("||",),
    ("&&",),
    ("==", "!=", "=~", "!~"),
    ("<", "<=", ">", ">="),
    ("+", "-"),
    ("*", "/", "%"),
)
_BINDS = {operator: rank for rank, operators in enumerate(_LOOSEST_FIRST) for operator in operators}
_ESCAPE = re.compile(r"\\(u\{([0-9a-fA-F]+)\}|.)")
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}


class Unreadable(Exception):
    """A construct that the reader does not know."""


def parse(text: str) -> Node:
    """The root of the tree of a file's text; it may hold errors."""
    return _PARSER.parse(text.encode()).root_node


def faults(root: Node) -> list[str]:
    """What is no Bicep, as `line: text`."""
    return [
        f"{node.start_point.row + 1}: {text_of(node)[:60]!r}"
        for node in _every(root)
        if node.is_error or node.is_missing
    ]


def _every(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _every(child)


def text_of(node: Node) -> str:
    return (node.text or b"").decode()


def named(node: Node) -> list[Node]:
    """The named children, without comments."""
    return [c for c in node.named_children if c.type not in ("comment", "diagnostic_comment")]


def expression(node: Node) -> Expression:
    """The expression of a node, with Bicep's precedence. Raises Unreadable."""
    match node.type:
        case "string":
            return _text(node)
        case "number":
            return Literal(int(text_of(node)))
        case "boolean":
            return Literal(text_of(node) == "true")
        case "null":
            return Literal(None)
        case "identifier" | "property_identifier":
            return Name(text_of(node))
        case "object":
            return Object(tuple(_entry(c) for c in named(node) if _is_entry(c)))
        case "array":
            return Items(tuple(_items(node)))
        case _:
            return _operation(node)


def _items(node: Node) -> Iterator[Expression]:
    """The grammar takes `f().x` in an array for the two items `f` and `().x`: what adjoins is read again as one."""
    run: list[Node] = []
    for child in [*named(node), None]:
        if child is not None and (not run or child.start_byte == run[-1].end_byte):
            run.append(child)
            continue
        if len(run) == 1:
            yield expression(run[0])
        elif run:
            text = "".join(text_of(n) for n in run)
            yield expression(named(named(parse(f"var item = {text}\n"))[0])[-1])
        run = [child] if child is not None else []


def _operation(node: Node) -> Expression:
    inner = named(node)
    match node.type:
        case "parenthesized_expression":
            return Group(expression(inner[0]))
        case "nullable_type":  # how the grammar takes `x!`
            return expression(inner[0])
        case "member_expression" | "resource_expression":
            safe = any(c.type == ".?" for c in node.children)
            return _postfix(inner[0], lambda of: Access(of, text_of(inner[-1]), safe))
        case "subscript_expression":
            return _postfix(inner[0], lambda of: Index(of, expression(inner[1])))
        case "call_expression":
            return _call(inner[0], tuple(expression(c) for c in named(inner[1])))
        case "lambda_expression":
            return Lambda(_parameters(inner[0]), expression(inner[1]))
        case "unary_expression":
            return Unary(text_of(_field(node, "operator")), expression(_field(node, "argument")))
        case "binary_expression":
            left, right = expression(inner[0]), expression(inner[1])
            operator = text_of(_field(node, "operator"))
            return _operated(operator, left, right)
        case "ternary_expression":
            condition, then, otherwise = (expression(c) for c in inner)
            if isinstance(condition, Lambda):
                return Lambda(condition.parameters, Ternary(condition.body, then, otherwise))
            return Ternary(condition, then, otherwise)
        case "for_statement":
            return _loop(node)
        case "if_statement":
            return When(expression(inner[0]), expression(inner[1]))
        case _:
            raise Unreadable(f"line {node.start_point.row + 1}: {node.type} {text_of(node)[:60]!r}")


type _Wrap = Callable[[Expression], Expression]


def _postfix(node: Node, wrap: _Wrap) -> Expression:
    """`.b` and `[0]` bind tightest; the grammar hangs them onto a whole lambda, ternary or comparison before them."""
    return _onto_last(expression(node), wrap)


def _onto_last(found: Expression, wrap: _Wrap) -> Expression:
    match found:
        case Lambda(parameters, body):
            return Lambda(parameters, _onto_last(body, wrap))
        case Binary(operator, left, right):
            return Binary(operator, left, _onto_last(right, wrap))
        case Ternary(condition, then, otherwise):
            return Ternary(condition, then, _onto_last(otherwise, wrap))
        case _:
            return wrap(found)


def _operated(operator: str, left: Expression, right: Expression) -> Expression:
    """A lambda takes everything to its right; the grammar makes it the left side of an operator."""
    if isinstance(left, Lambda):
        return Lambda(left.parameters, _operated(operator, left.body, right))
    if isinstance(left, Binary) and _BINDS[operator] > _BINDS[left.operator]:
        return Binary(left.operator, left.left, _operated(operator, left.right, right))
    return Binary(operator, left, right)


def _call(function: Node, arguments: tuple[Expression, ...]) -> Expression:
    if function.type == "identifier":
        return Call(text_of(function), arguments)
    inner = named(function)
    return Call(text_of(inner[-1]), arguments, expression(inner[0]))


def _loop(node: Node) -> Loop:
    variables, source, body = named(node)
    names = [text_of(c) for c in named(variables)] if named(variables) else [text_of(variables)]
    return Loop(names[0], names[1] if len(names) > 1 else None, expression(source), expression(body))


def _parameters(node: Node) -> tuple[str, ...]:
    return tuple(text_of(c) for c in named(node)) or (text_of(node),)


def _field(node: Node, name: str) -> Node:
    found = node.child_by_field_name(name)
    if found is None:
        raise Unreadable(f"line {node.start_point.row + 1}: {node.type} without {name}")
    return found


def _is_entry(node: Node) -> bool:
    return node.type == "object_property" and any(c.type == ":" for c in node.children)


def _entry(node: Node) -> tuple[Text, Expression]:
    key, value = named(node)[:2]
    return (_text(key) if key.type == "string" else Text((text_of(key),)), expression(value))


def _text(node: Node) -> Text:
    """Pieces between interpolations are taken from the source: the grammar drops some escapes."""
    source = node.text or b""
    quote = 3 if source.startswith(b"'''") else 1
    parts: list[str | Expression] = []
    at = quote
    for child in node.named_children:
        if child.type == "interpolation":
            opened = child.children[0].end_byte - len("${")  # the grammar gives it the blanks before it
            parts += [_piece(source[at : opened - node.start_byte], quote), expression(named(child)[0])]
            at = child.end_byte - node.start_byte
    parts.append(_piece(source[at : len(source) - quote], quote))
    return Text(tuple(p for p in parts if p != ""))


def _piece(source: bytes, quote: int) -> str:
    text = source.decode()
    if quote == 3:  # nothing is escaped, and a line break right after the quotes does not count
        return text.removeprefix("\r").removeprefix("\n")
    return _ESCAPE.sub(lambda m: chr(int(m[2], 16)) if m[2] else _ESCAPED.get(m[1], m[1]), text)
