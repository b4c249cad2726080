"""What infra/ deploys with its defaults, as Resource Manager's JSON: for tools that do not know Bicep of today.

`python -m tests.infra.arm FOLDER` writes a template for each Bicep file that has resources, under its own name.
What only a deployment knows is an expression that says so. Nobody deploys these.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.infra.deployment import evaluator_of, known_turns
from tests.infra.reader.evaluate import Evaluator, Unknowable, Value, spelled
from tests.infra.reader.expressions import Expression, Items, Object
from tests.infra.reader.file import BicepFile, Resource
from tests.infra.sources import INFRA, all_bicep

SCHEMA = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"


GRAPH = "Microsoft.Graph/"  # deployed by Bicep's extension for Microsoft Graph, not by Resource Manager


def template(file: BicepFile) -> dict[str, Value]:
    """The resources of a file, those in loops once for each turn."""
    evaluator = evaluator_of(file)
    made = [r for resource in file.resources.values() for r in _resources(file, resource, evaluator)]
    return {"$schema": SCHEMA, "contentVersion": "1.0.0.0", "resources": [*made]}


def _resources(file: BicepFile, resource: Resource, evaluator: Evaluator) -> Iterator[dict[str, Value]]:
    if resource.is_existing or resource.type.startswith(GRAPH):
        return
    for local in known_turns(evaluator, resource.value):
        found = known(resource.body, evaluator, local)
        assert isinstance(found, dict)
        body = {name: value for name, value in found.items() if name not in ("parent", "scope", "dependsOn")}
        yield {"type": resource.type, "apiVersion": resource.version, **body}


def known(value: Expression, evaluator: Evaluator, local: Mapping[str, Value]) -> Value:
    """An expression's value; inside objects and arrays each by itself, so that one unknown thing hides no others."""
    match value:
        case Object(entries):
            return {spelled(known(key, evaluator, local)): known(v, evaluator, local) for key, v in entries}
        case Items(values):
            return [known(v, evaluator, local) for v in values]
    try:
        return evaluator.value(value, local)
    except Unknowable as unknowable:
        return f"[variables('{unknowable}')]"


def main() -> None:
    folder = Path(sys.argv[1])
    for file in all_bicep():
        made = template(file)
        if made["resources"]:
            path = folder / file.path.relative_to(INFRA).with_suffix(".json")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(made, indent=2))


if __name__ == "__main__":
    main()
