"""A Bicep file as data: its parameters, variables, resources, modules and outputs."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from tree_sitter import Node

from tests.infra.reader.expressions import Call, Expression, Lambda, Loop, Object, Text, When
from tests.infra.reader.tree import Unreadable, expression, faults, named, parse, text_of


@dataclass(frozen=True, slots=True)
class Declared:
    """What any declaration has: a name, decorators without their `@`, and its line."""

    name: str
    line: int
    decorators: tuple[Call, ...]

    def decorator(self, name: str) -> Call | None:
        return next((d for d in self.decorators if d.name == name), None)

    @property
    def description(self) -> str:
        found = self.decorator("description")
        told = found.arguments[0] if found else None
        return (told.plain or "") if isinstance(told, Text) else ""


@dataclass(frozen=True, slots=True)
class Parameter(Declared):
    type: str
    default: Expression | None

    @property
    def is_required(self) -> bool:
        return self.default is None and not self.type.endswith("?")


@dataclass(frozen=True, slots=True)
class Variable(Declared):
    value: Expression


@dataclass(frozen=True, slots=True)
class Output(Declared):
    type: str
    value: Expression


@dataclass(frozen=True, slots=True)
class Resource(Declared):
    """`type` with its parents' where it stands inside another; `value` is its body with loop and condition."""

    type: str
    version: str
    is_existing: bool
    value: Expression

    @property
    def body(self) -> Object:
        return body_of(self.value)


@dataclass(frozen=True, slots=True)
class Module(Declared):
    path: str
    value: Expression

    @property
    def body(self) -> Object:
        return body_of(self.value)


@dataclass(frozen=True, slots=True)
class Function(Declared):
    value: Lambda


@dataclass(frozen=True, slots=True)
class BicepFile:
    """A file that was read whole. `assigned` are the values of a `.bicepparam`, `using` what they are for;
    `imports` say which file a type, function or variable comes from.
    """

    path: Path
    text: str
    scope: str = "resourceGroup"
    using: str = ""
    parameters: dict[str, Parameter] = field(default_factory=dict)
    variables: dict[str, Variable] = field(default_factory=dict)
    resources: dict[str, Resource] = field(default_factory=dict)
    modules: dict[str, Module] = field(default_factory=dict)
    outputs: dict[str, Output] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    types: dict[str, Declared] = field(default_factory=dict)
    imports: dict[str, str] = field(default_factory=dict)

    def values(self) -> list[Expression]:
        """Every expression at the top of the file."""
        defaults = [p.default for p in self.parameters.values() if p.default is not None]
        return [
            *defaults,
            *(v.value for v in self.variables.values()),
            *(r.value for r in self.resources.values()),
            *(m.value for m in self.modules.values()),
            *(o.value for o in self.outputs.values()),
            *(f.value for f in self.functions.values()),
        ]


def body_of(value: Expression) -> Object:
    """The object under a loop and a condition."""
    while isinstance(value, Loop | When):
        value = value.body
    if not isinstance(value, Object):
        raise Unreadable(f"a body that is no object: {value}")
    return value


def read(path: Path) -> BicepFile:
    """Reads a `.bicep` or `.bicepparam` file. Raises Unreadable where there is anything that it does not know."""
    return read_text(path, path.read_text())


def read_text(path: Path, text: str) -> BicepFile:
    """The same from a text that is not, or not so, in the file."""
    known = _EXTENSION.sub(r"//\g<0>", text)
    root = parse(_ASSIGNED.sub(r"\1 any =", known) if path.suffix == ".bicepparam" else known)
    wrong = faults(root)
    if wrong:
        raise Unreadable(f"{path.name} is no Bicep: {'; '.join(wrong)}")
    taken = BicepFile(path, text, *_head(root))
    _declare(taken, named(root), ())
    return taken


def _head(root: Node) -> tuple[str, str]:
    """The scope of deployment, and the file that parameters are for."""
    stated = {node.type: expression(named(node)[0]) for node in named(root) if node.type in _HEAD}
    scope, using = (stated.get(kind) for kind in _HEAD)
    return (
        (scope.plain or "") if isinstance(scope, Text) else "resourceGroup",
        (using.plain or "") if isinstance(using, Text) else "",
    )


_EXTENSION = re.compile(r"^extension \w+$", re.MULTILINE)  # newer than the grammar
_ASSIGNED = re.compile(r"^(param \w+) =", re.MULTILINE)  # to the grammar a parameter has a type
_HEAD = ("target_scope_assignment", "using_statement")
_IGNORED = ("metadata_declaration", *_HEAD)


def _declare(file: BicepFile, nodes: list[Node], parents: tuple[str, ...]) -> None:
    decorators: tuple[Call, ...] = ()
    for node in nodes:
        if node.type == "decorators":
            decorators = tuple(_decorator(c) for c in named(node))
            continue
        _declare_one(file, node, decorators, parents)
        decorators = ()


def _decorator(node: Node) -> Call:
    found = expression(named(node)[0])
    if not isinstance(found, Call):
        raise Unreadable(f"line {node.start_point.row + 1}: {text_of(node)!r}")
    return found


def _declare_one(file: BicepFile, node: Node, decorators: tuple[Call, ...], parents: tuple[str, ...]) -> None:
    if node.type in _IGNORED:
        return
    inner = named(node)
    if node.type == "import_functionality":
        file.imports.update({text_of(c): _plain(inner[-1]) for c in inner[:-1]})
        return
    about = (text_of(inner[0]), node.start_point.row + 1, decorators)
    name = about[0]
    if node.type != "output_declaration" and name in _taken(file):
        raise Unreadable(f"line {about[1]}: {name} is declared twice")
    match node.type:
        case "parameter_declaration":
            default = expression(inner[2]) if len(inner) > 2 else None
            file.parameters[name] = Parameter(*about, text_of(inner[1]), default)
        case "variable_declaration":
            file.variables[name] = Variable(*about, expression(inner[-1]))
        case "output_declaration":
            file.outputs[name] = Output(*about, text_of(inner[1]), expression(inner[-1]))
        case "type_declaration":
            file.types[name] = Declared(*about)
        case "user_defined_function":
            file.functions[name] = Function(*about, _function(node))
        case "module_declaration":
            file.modules[name] = Module(*about, _plain(inner[1]), expression(inner[-1]))
        case "resource_declaration":
            _declare_resource(file, node, about, parents)
        case _:
            raise Unreadable(f"line {about[1]}: {node.type}")


def _taken(file: BicepFile) -> set[str]:
    """The names that share one space: outputs have their own."""
    declared = (file.parameters, file.variables, file.resources, file.modules, file.functions, file.imports)
    return set(file.types).union(*declared)


def _declare_resource(
    file: BicepFile, node: Node, about: tuple[str, int, tuple[Call, ...]], parents: tuple[str, ...]
) -> None:
    inner = named(node)
    kind, _, version = _plain(inner[1]).partition("@")
    kinds = (*parents, kind)
    existing = any(c.type == "existing" for c in node.children)
    file.resources[about[0]] = Resource(*about, "/".join(kinds), version, existing, expression(inner[-1]))
    _declare(file, list(_inside(inner[-1])), kinds)


def _inside(node: Node) -> list[Node]:
    """The resources, with their decorators, that stand in another's body."""
    if node.type in ("for_statement", "if_statement"):
        return _inside(named(node)[-1])
    found: list[Node] = []
    for child in named(node):
        if child.type == "decorators":
            found.append(child)
        elif child.type == "object_property" and child.named_children[0].type == "resource_declaration":
            found.append(child.named_children[0])
    return found


def _function(node: Node) -> Lambda:
    parameters = next(c for c in node.children if c.type == "parameters")
    names = tuple(text_of(named(p)[0]) for p in named(parameters))
    return Lambda(names, expression(named(node)[-1]))


def _plain(node: Node) -> str:
    found = expression(node)
    if not isinstance(found, Text) or found.plain is None:
        raise Unreadable(f"line {node.start_point.row + 1}: {text_of(node)!r} is no plain text")
    return found.plain
