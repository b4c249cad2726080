"""What main.bicep deploys with its defaults into an imagined subscription, as far as that can be known beforehand."""

from collections.abc import Iterator
from functools import cache

from tests.infra.reader.evaluate import Evaluator, Unknowable, Value
from tests.infra.reader.expressions import Expression, Loop, When
from tests.infra.reader.file import BicepFile, Resource
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
    file = bicep("main.bicep")
    imagined = {name: _outputs(bicep(module.path)) for name, module in file.modules.items()}
    return Evaluator(file, imagined, SCOPES)


def _outputs(module: BicepFile) -> Value:
    return {"outputs": {name: _imagined(name, output.type) for name, output in module.outputs.items()}}


def _imagined(name: str, kind: str) -> Value:
    if kind.endswith("[]"):
        return []
    return {"bool": True, "int": 1}.get(kind, f"/subscriptions/{SUBSCRIPTION}/{name}")


def parameters(module: str, caller: str = "main.bicep") -> dict[str, Value]:
    """What main.bicep gives to a module by its symbol; what only a deployment knows is left out."""
    given = bicep(caller).modules[module].body.get("params")
    entries = given.entries if given is not None and hasattr(given, "entries") else ()
    found: dict[str, Value] = {}
    for key, expression in entries:
        try:
            found[str(key.plain)] = main().value(expression)
        except Unknowable:
            continue
    return found


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
