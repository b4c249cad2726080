"""What main.bicep deploys with its defaults into an imagined subscription, as far as that can be known beforehand."""

from collections.abc import Iterator, Mapping
from functools import cache

from tests.infra.reader.evaluate import Evaluator, Unknowable, Value
from tests.infra.reader.expressions import Expression, Loop, Object, When
from tests.infra.reader.file import BicepFile, Module, Resource, read
from tests.infra.sources import INFRA, bicep

SUBSCRIPTION = "b0000000-0000-4000-8000-000000000001"
SCOPES: dict[str, Value] = {
    "subscription": {"id": f"/subscriptions/{SUBSCRIPTION}", "subscriptionId": SUBSCRIPTION},
    "resourceGroup": {
        "id": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg",
        "name": "rg",
        "location": "westeurope",
    },
    "deployer": {"objectId": "b0000000-0000-4000-8000-0000000000cc"},
    "deployment": {"location": "westeurope", "name": "main"},
    "tenant": {"tenantId": "b0000000-0000-4000-8000-0000000000aa"},
    "environment": {
        "name": "AzureCloud",
        "resourceManager": "https://management.azure.com/",
        "portal": "https://portal.azure.com",
        "authentication": {"loginEndpoint": "https://login.microsoftonline.com/"},
        "suffixes": {"storage": "core.windows.net", "sqlServerHostname": ".database.windows.net"},
    },
}


@cache
def main() -> Evaluator:
    """main.bicep with its defaults; outputs of modules are imagined by their types."""
    return main_with({})


def main_with(symbols: Mapping[str, Value]) -> Evaluator:
    """The same with values of parameters."""
    file = bicep("main.bicep")
    imagined = {name: _outputs(bicep(module.path)) for name, module in file.modules.items()}
    return Evaluator(file, {**imagined, **symbols}, SCOPES)


def _outputs(module: BicepFile) -> Value:
    return {"outputs": {name: _imagined(name, output.type) for name, output in module.outputs.items()}}


def _imagined(name: str, kind: str) -> Value:
    if kind.endswith("[]"):
        return []
    return {"bool": True, "int": 1}.get(kind, f"/subscriptions/{SUBSCRIPTION}/{name}")


def parameters(module: str) -> dict[str, Value]:
    """What main.bicep gives to a module by its symbol; what only a deployment knows is left out."""
    return given(bicep("main.bicep").modules[module], main(), {})


def given(module: Module, caller: Evaluator, local: Mapping[str, Value]) -> dict[str, Value]:
    """What a module gets in one turn of its loop, as far as that is known."""
    passed = module.body.get("params")
    found: dict[str, Value] = {}
    for key, expression in passed.entries if isinstance(passed, Object) else ():
        try:
            found[str(key.plain)] = caller.value(expression, local)
        except Unknowable:
            continue
    return found


def deployments(caller: Evaluator) -> Iterator[tuple[BicepFile, Evaluator]]:
    """A file and all that it deploys, each turn of a loop by itself."""
    file = caller.file
    yield file, caller
    for module in file.modules.values():
        target = read((file.path.parent / module.path).resolve())
        for local in known_turns(caller, module.value):
            yield from deployments(Evaluator(target, given(module, caller, local), SCOPES))


def module(symbol: str, **resources: Value) -> Evaluator:
    """A module of main.bicep with what it is given there; `resources` as far as they are known."""
    path = bicep("main.bicep").modules[symbol].path
    return Evaluator(bicep(path), {**parameters(symbol), **resources}, SCOPES)


def evaluator_of(file: BicepFile) -> Evaluator:
    """A file as main.bicep calls it; main.bicep itself and what it does not call with their own defaults."""
    if file.path == INFRA / "main.bicep":
        return main()
    calls = bicep("main.bicep").modules.values()
    symbol = next((m.name for m in calls if (INFRA / m.path).resolve() == file.path), None)
    return Evaluator(file, parameters(symbol) if symbol else {}, SCOPES)


def path_of(symbol: str) -> str:
    """Under infra/."""
    return str((INFRA / bicep("main.bicep").modules[symbol].path).relative_to(INFRA))


def names(evaluator: Evaluator, resource: Resource) -> list[str]:
    """The names of a resource, of each turn of its loop."""
    name = resource.body.get("name")
    assert name is not None
    return [str(evaluator.value(name, local)) for local in turns(evaluator, resource.value)]


def known_turns(evaluator: Evaluator, value: Expression) -> list[dict[str, Value]]:
    """The turns of a loop; one without any names where nobody knows them yet."""
    try:
        return list(turns(evaluator, value))
    except Unknowable:
        return [{}]


def turns(evaluator: Evaluator, value: Expression) -> Iterator[dict[str, Value]]:
    """The names of a loop with each of its values; one without any where there is no loop."""
    while isinstance(value, When):
        value = value.body
    if not isinstance(value, Loop):
        yield {}
        return
    source = evaluator.value(value.source)
    assert isinstance(source, list)
    for at, item in enumerate(source):
        yield {value.item: item, **({value.index: at} if value.index else {})}
