"""The reader of Bicep itself: what it takes, with which precedence, and that it refuses what is no Bicep."""

from pathlib import Path

import pytest

from tests.infra.reader.evaluate import Evaluator, Unknowable, Value
from tests.infra.reader.expressions import Binary, Lambda, Ternary, every
from tests.infra.reader.file import BicepFile, read_text
from tests.infra.reader.tree import Unreadable

SAMPLE = """
targetScope = 'subscription'

@description('It\\'s the mesh')
@minLength(2)
param name string = 'mesh'
param hubs { id: string, network: string? }[] = [{ id: 'a' }, { id: 'b' }]
param late string?
param needed string

var settings = union({
  PLAIN: name
  'QUOTED__x': '${name}-${length(hubs)}\\n'
}, empty(late) ? {} : { LATE: late! })
var ids = map(hubs, h => h.id)
var chosen = filter(hubs, h => h.id == 'x' || h.id == 'b')[0].id
var looped = [for (h, i) in hubs: '${i}: ${h.id} ${name}']
var some = [for h in hubs: if (h.id != 'a') {
  id: h.id
}]
var merged = union({ a: { b: 1 } }, { a: { c: 2 } })
var called = [
  toUpper('a')
  first(hubs).id, last(hubs).id
  [length(hubs)]
]
var raw = '''
it's ${raw}
'''
func shout(word string) string => '${toUpper(word)}!'
var shouted = shout('hi')

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = if (!empty(hubs)) {
  name: name
}
resource account 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: 'x'
  scope: group
  @batchSize(1)
  resource queues 'queueServices' = {
    name: 'default'
    resource queue 'queues' = [for id in ids: {
      name: id
    }]
  }
}
module each 'modules/each.bicep' = [for id in ids: {
  params: {
    id: id
  }
}]
output key string = account.listKeys().keys[0].value
output id string = each[0].outputs.id
"""


@pytest.fixture(scope="module")
def sample() -> BicepFile:
    return read_text(Path("sample.bicep"), SAMPLE)


def test_a_file_is_read_whole(sample: BicepFile) -> None:
    """Declarations with their decorators, conditions, loops, and resources inside others under their whole type."""
    assert sample.scope == "subscription"
    assert sample.parameters["name"].description == "It's the mesh"
    assert [p.name for p in sample.parameters.values() if p.is_required] == ["needed"]
    assert {r.name: r.type for r in sample.resources.values()} == {
        "group": "Microsoft.Resources/resourceGroups",
        "account": "Microsoft.Storage/storageAccounts",
        "queues": "Microsoft.Storage/storageAccounts/queueServices",
        "queue": "Microsoft.Storage/storageAccounts/queueServices/queues",
    }
    assert sample.resources["account"].is_existing
    assert sample.modules["each"].path == "modules/each.bicep"
    assert list(sample.outputs) == ["key", "id"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("settings", {"PLAIN": "mesh", "QUOTED__x": "mesh-2\n"}),
        ("ids", ["a", "b"]),
        ("chosen", "b"),
        ("looped", ["0: a mesh", "1: b mesh"]),
        ("some", [{"id": "b"}]),
        ("merged", {"a": {"b": 1, "c": 2}}),
        ("called", ["A", "a", "b", [2]]),
        ("raw", "it's ${raw}\n"),
        ("shouted", "HI!"),
    ],
)
def test_values_are_those_that_bicep_would_make(sample: BicepFile, name: str, value: Value) -> None:
    assert Evaluator(sample).symbol(name) == value


def test_what_only_a_deployment_knows_is_not_made_up(sample: BicepFile) -> None:
    for name in ("key", "id"):
        with pytest.raises(Unknowable):
            Evaluator(sample).value(sample.outputs[name].value)
    with pytest.raises(Unknowable):
        Evaluator(sample).symbol("needed")


def test_a_lambda_takes_all_that_stands_to_its_right() -> None:
    """The grammar hangs `.b` onto the whole comparison before it; Bicep binds it tightest."""
    file = read_text(Path("x.bicep"), "var x = map(y, h => h.a == 'x' ? h.b.c : h.d)\n")
    [found] = [e for e in every(file.variables["x"].value) if isinstance(e, Lambda)]
    assert isinstance(found.body, Ternary)
    assert isinstance(found.body.condition, Binary)
    values: list[Value] = [{"a": "x", "b": {"c": 1}, "d": 2}, {"a": "y", "b": {"c": 1}, "d": 2}]
    assert Evaluator(file, {"y": values}).symbol("x") == [1, 2]


def test_a_file_of_parameters_is_read_with_what_it_is_for() -> None:
    text = "using 'main.bicep'\n\n// Why.\nparam name = 'mesh'\nparam hubs = json(read('X', '[]'))\n"
    file = read_text(Path("main.bicepparam"), text)
    assert (file.using, list(file.parameters)) == ("main.bicep", ["name", "hubs"])
    assert Evaluator(file).symbol("name") == "mesh"


@pytest.mark.parametrize(
    "broken",
    [
        SAMPLE.replace("name: name\n}", "name: name\n", 1),
        SAMPLE.replace("param name string =", "param name =", 1),
        SAMPLE.replace("= if (!empty(hubs)) {", "= if !empty(hubs) {", 1),
        SAMPLE.replace("[for id in ids: {", "[for id ids: {", 1),
        SAMPLE.replace("'Microsoft.Storage/storageAccounts@2023-05-01'", "", 1),
        SAMPLE.replace("name: 'default'", "name: 'default", 1),
        SAMPLE.replace("var chosen", "var ids", 1),
    ],
)
def test_what_is_no_bicep_is_refused(broken: str) -> None:
    assert broken != SAMPLE
    with pytest.raises(Unreadable):
        read_text(Path("broken.bicep"), broken)
