"""What holds the files of infra/ together: names, parameters, modules, outputs. Each check gives its faults."""

from collections.abc import Callable, Iterator
from pathlib import Path

from tests.infra.reader.expressions import (
    Access,
    Call,
    Expression,
    Index,
    Lambda,
    Loop,
    Name,
    Object,
    Text,
    every,
    parts_of,
)
from tests.infra.reader.file import BicepFile, Module, Output, Parameter
from tests.infra.sources import where

NAMESPACES = {"az", "sys"}


def undescribed(file: BicepFile) -> list[str]:
    """Parameters and outputs that nobody explains."""
    told = (*file.parameters.values(), *file.outputs.values())
    return [f"{where(file, d.line)} {d.name} has no @description" for d in told if not d.description]


def names_in(expression: Expression, bound: frozenset[str] = frozenset()) -> Iterator[str]:
    """The names that an expression takes from the file: those of loops and lambdas around them left out."""
    match expression:
        case Name(name):
            if name not in bound:
                yield name
            return
        case Lambda(parameters, body):
            yield from names_in(body, bound | set(parameters))
            return
        case Loop(item, index, source, body):
            yield from names_in(source, bound)
            yield from names_in(body, bound | {item} | ({index} if index else set()))
            return
    for part in parts_of(expression):
        yield from names_in(part, bound)


def unknown_names(file: BicepFile) -> list[str]:
    """Names that nothing in the file declares; functions that are called without being there are the compiler's."""
    known = NAMESPACES | _declared(file) | set(file.imports)
    return sorted({f"{where(file)}: {n}" for v in file.values() for n in names_in(v) if n not in known})


def unused(file: BicepFile) -> list[str]:
    """Parameters and variables that nothing reads, existing resources that nothing refers to."""
    read = {n for v in file.values() for n in names_in(v)}
    read |= {n for d in (*file.parameters.values(), *file.outputs.values()) for n in _decorated(d.decorators)}
    existing = [r.name for r in file.resources.values() if r.is_existing and not _holds_others(file, r.name)]
    declared = [*file.parameters, *file.variables, *existing]
    inside = {e.name for v in file.values() for e in every(v) if isinstance(e, Access)}  # `parent::child`
    return [f"{where(file)}: {n}" for n in declared if n not in read and not (n in existing and n in inside)]


def _decorated(decorators: tuple[Call, ...]) -> Iterator[str]:
    return (n for d in decorators for a in d.arguments for n in names_in(a))


def _holds_others(file: BicepFile, name: str) -> bool:
    kind = file.resources[name].type
    return any(other.type.startswith(f"{kind}/") for other in file.resources.values())


def _declared(file: BicepFile) -> set[str]:
    return {
        *file.parameters,
        *file.variables,
        *file.resources,
        *file.modules,
        *file.functions,
    }


_FUNCTIONS = """
any array base64 bool cidrHost cidrSubnet coalesce concat contains deployer deployment empty endsWith
environment extensionResourceId filter first flatten format getSecret groupBy guid indexOf int intersection
items join json last length loadFileAsBase64 loadJsonContent loadTextContent loadYamlContent managementGroup
map mapValues max min newGuid objectKeys padLeft parseCidr pickZones range readEnvironmentVariable reduce
reference replace resourceGroup resourceId shallowMerge skip sort split startsWith string subscription
subscriptionResourceId substring take tenant tenantResourceId toLower toObject toUpper trim union
uniqueString uri utcNow
"""
KNOWN_FUNCTIONS = frozenset(_FUNCTIONS.split())
"""Of Bicep's function reference."""
GROUP = "Microsoft.Resources/resourceGroups"
AT_SUBSCRIPTION = ("Microsoft.Authorization/", "Microsoft.Insights/diagnosticSettings", GROUP)
"""What may be deployed outside a resource group, of the types that are used."""


def unknown_functions(file: BicepFile) -> list[str]:
    """Functions that neither Bicep nor the file has."""
    called = (e for v in file.values() for e in every(v) if isinstance(e, Call) and e.of is None)
    return [
        f"{where(file)}: {c.name}()" for c in called if c.name not in KNOWN_FUNCTIONS | set(file.functions)
    ]


def double_entries(file: BicepFile) -> list[str]:
    """Objects with a member twice: the compiler refuses them."""
    objects = (e for v in file.values() for e in every(v) if isinstance(e, Object))
    return [f"{where(file)}: {n}" for o in objects for n in sorted(set(o.names())) if o.names().count(n) > 1]


CONSTRAINTS = {"allowed", "maxLength", "maxValue", "minLength", "minValue", "secure"}
"""Decorators that only a type of Bicep's own takes (BCP308)."""


def misdecorated(file: BicepFile) -> list[str]:
    """Constraints on what has a type of somebody's making: they belong on the type."""
    declared: list[Parameter | Output] = [*file.parameters.values(), *file.outputs.values()]
    return [
        f"{where(file, d.line)} {d.name}: @{c.name}"
        for d in declared
        for c in d.decorators
        if c.name in CONSTRAINTS and d.type.removesuffix("?") in (*file.types, *file.imports)
    ]


def misplaced(file: BicepFile) -> list[str]:
    """Resources that cannot be deployed at the scope of the file."""
    in_group = file.scope == "resourceGroup"
    made = [r for r in file.resources.values() if not r.is_existing]
    wrong = [r for r in made if (r.type == GROUP if in_group else not r.type.startswith(AT_SUBSCRIPTION))]
    return [f"{where(file, r.line)}: {r.type} in a {file.scope}" for r in wrong]


type Reader = Callable[[Path], BicepFile]


def wrong_modules(file: BicepFile, read: Reader) -> list[str]:
    """Modules that are not there, get what they do not take or not what they need, or are deployed elsewhere."""
    return [fault for module in file.modules.values() for fault in _module_faults(file, module, read)]


def _module_faults(file: BicepFile, module: Module, read: Reader) -> Iterator[str]:
    place = f"{where(file, module.line)} {module.name}"
    path = (file.path.parent / module.path).resolve()
    if not path.exists():
        yield f"{place}: there is no {module.path}"
        return
    target = read(path)
    given = module.body.get("params")
    passed = given.names() if isinstance(given, Object) else []
    yield from (f"{place}: {n} is no parameter" for n in passed if n not in target.parameters)
    missing = [p.name for p in target.parameters.values() if p.is_required and p.name not in passed]
    yield from (f"{place}: {n} is not passed" for n in missing)
    scope = _scope(file, module.body.get("scope"))
    if scope != target.scope:
        yield f"{place}: deployed to a {scope}, made for a {target.scope}"


def _scope(file: BicepFile, scope: Expression | None) -> str:
    match scope:
        case None:
            return file.scope
        case Call(name):
            return name
        case Name(name) | Index(Name(name), _) if name in file.resources:
            return file.resources[name].type.rpartition("/")[2].removesuffix("s")
    return "unknown"


def unknown_outputs(file: BicepFile, read: Reader) -> list[str]:
    """`module.outputs.x` where the module has no such output."""
    faults = []
    for found in (e for v in file.values() for e in every(v)):
        match found:
            case Access(Access(Name(module) | Index(Name(module), _), "outputs"), output):
                if module in file.modules and output not in _outputs(file, module, read):
                    faults.append(f"{where(file)}: {module}.outputs.{output}")
    return faults


def _outputs(file: BicepFile, module: str, read: Reader) -> set[str]:
    path = (file.path.parent / file.modules[module].path).resolve()
    return set(read(path).outputs) if path.exists() else set()


def missing_files(file: BicepFile) -> list[str]:
    """What is loaded while compiling, and is not there."""
    loaded = [
        e.arguments[0] for v in file.values() for e in every(v) if isinstance(e, Call) and "load" in e.name
    ]
    paths = [a.plain for a in loaded if isinstance(a, Text) and a.plain]
    imported = set(file.imports.values())
    return [f"{where(file)}: {p}" for p in (*paths, *imported) if not (file.path.parent / p).is_file()]


def wrong_values(file: BicepFile, read: Reader) -> list[str]:
    """A file of parameters that gives what there is not, or not all that there has to be."""
    target = read((file.path.parent / file.using).resolve())
    unknown = [f"{where(file)}: {n} is no parameter" for n in file.parameters if n not in target.parameters]
    missing = [p.name for p in target.parameters.values() if p.is_required and p.name not in file.parameters]
    return unknown + [f"{where(file)}: {n} is missing" for n in missing]
