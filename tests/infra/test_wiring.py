"""The files of infra/ fit together: what is passed is taken, what is referred to is there, all of it explained."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.infra.reader.file import BicepFile, read, read_text
from tests.infra.sources import INFRA, all_bicep, where
from tests.infra.wiring import (
    double_entries,
    misdecorated,
    misplaced,
    missing_files,
    undescribed,
    unknown_functions,
    unknown_names,
    unknown_outputs,
    unused,
    wrong_modules,
    wrong_values,
)

templates = pytest.mark.parametrize("file", [f for f in all_bicep() if not f.using], ids=where)


@templates
def test_every_parameter_and_output_is_described(file: BicepFile) -> None:
    assert undescribed(file) == []


@templates
def test_every_name_is_declared_and_every_declaration_is_used(file: BicepFile) -> None:
    assert unknown_names(file) == []
    assert unused(file) == []


@templates
def test_modules_get_what_they_take_where_they_are_made_for(file: BicepFile) -> None:
    assert wrong_modules(file, read) == []
    assert unknown_outputs(file, read) == []


@templates
def test_the_compiler_would_find_functions_and_members_and_the_scope_right(file: BicepFile) -> None:
    assert unknown_functions(file) + double_entries(file) + misplaced(file) + misdecorated(file) == []


@templates
def test_what_is_loaded_or_imported_is_there(file: BicepFile) -> None:
    assert missing_files(file) == []


@pytest.mark.parametrize("file", [f for f in all_bicep() if f.using], ids=where)
def test_values_are_those_of_parameters(file: BicepFile) -> None:
    assert wrong_values(file, read) == []


def test_every_module_is_deployed_by_something() -> None:
    """But for those that people deploy, and what others only import."""
    used = {(f.path.parent / m.path).resolve() for f in all_bicep() for m in f.modules.values()}
    used |= {(f.path.parent / p).resolve() for f in all_bicep() for p in f.imports.values()}
    entries = {INFRA / name for name in ("main.bicep", "subscription.bicep", "managementgroup.bicep")}
    assert [where(f) for f in all_bicep() if not f.using and f.path not in used | entries] == []


MODULE = """
@description('Its name.')
param name string

@description('Its size.')
param size int = 1

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' existing = {
  name: name
  scope: subscription()
}

@description('Its id.')
output id string = '${group.id}-${size}'
"""
MAIN = """
targetScope = 'subscription'

@description('The mesh.')
param mesh string

var names = ['a', 'b']
var settings = loadJsonContent('settings.json')

module each 'module.bicep' = [for name in names: {
  scope: resourceGroup(name)
  params: {
    name: name
  }
}]
module one 'module.bicep' = {
  scope: resourceGroup(mesh)
  params: {
    name: settings.name
    size: length(filter(names, n => n != mesh))
  }
}

@description('Ids.')
output ids string[] = [each[0].outputs.id, one.outputs.id]
"""


type Check = Callable[[BicepFile, Callable[[Path], BicepFile]], list[str]]
ALL: dict[str, Check] = {
    "undescribed": lambda file, _: undescribed(file),
    "unknown_names": lambda file, _: unknown_names(file),
    "unused": lambda file, _: unused(file),
    "wrong_modules": wrong_modules,
    "unknown_outputs": unknown_outputs,
    "missing_files": lambda file, _: missing_files(file),
    "unknown_functions": lambda file, _: unknown_functions(file),
    "double_entries": lambda file, _: double_entries(file),
    "misplaced": lambda file, _: misplaced(file),
    "misdecorated": lambda file, _: misdecorated(file),
}


def faults(folder: Path, main: str) -> dict[str, list[str]]:
    """What the checks say about a text of main.bicep beside the module."""
    (folder / "module.bicep").write_text(MODULE)
    (folder / "settings.json").write_text('{"name": "x"}')
    file = read_text(folder / "main.bicep", main)
    return {name: found for name, check in ALL.items() if (found := check(file, read))}


def test_what_is_right_has_no_faults(tmp_path: Path) -> None:
    assert faults(tmp_path, MAIN) == {}


@pytest.mark.parametrize(
    ("check", "old", "new"),
    [
        ("undescribed", "@description('Ids.')\n", ""),
        ("undescribed", "'The mesh.'", "''"),
        ("unknown_names", "resourceGroup(mesh)", "resourceGroup(mash)"),
        ("unknown_names", "n => n != mesh", "n => m != mesh"),
        ("unknown_names", "name: name", "name: nome"),
        ("unused", "var names = ['a', 'b']", "var names = ['a', 'b']\nvar more = names"),
        ("unused", "settings.name", "'x'"),
        ("wrong_modules", "size:", "sise:"),
        ("wrong_modules", "    name: settings.name\n", ""),
        ("wrong_modules", "'module.bicep' = {", "'modul.bicep' = {"),
        ("wrong_modules", "  scope: resourceGroup(name)\n", ""),
        ("unknown_outputs", "one.outputs.id", "one.outputs.ids"),
        ("unknown_outputs", "each[0].outputs.id", "each[0].outputs.name"),
        ("unknown_functions", "length(", "size("),
        ("double_entries", "    name: settings.name\n", "    name: settings.name\n    name: mesh\n"),
        ("misdecorated", "param mesh string", "@secure()\nparam mesh kindType\ntype kindType = string"),
        ("misplaced", "module one", "resource lake 'A.B/c@2024-01-01' = {\n  name: 'x'\n}\nmodule one"),
        ("missing_files", "'settings.json'", "'setting.json'"),
    ],
)  # fmt: skip
def test_each_check_notices_what_it_is_for(tmp_path: Path, check: str, old: str, new: str) -> None:
    """One thing broken on purpose in a copy."""
    assert MAIN.count(old) == 1
    assert check in faults(tmp_path, MAIN.replace(old, new))


def test_a_file_of_values_that_is_wrong_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "main.bicep").write_text(MAIN)
    for text in ("param mash = 'x'\n", "param mesh = 'x'\nparam more = 1\n", ""):
        assert wrong_values(read_text(tmp_path / "x.bicepparam", f"using 'main.bicep'\n{text}"), read)
    assert not wrong_values(
        read_text(tmp_path / "x.bicepparam", "using 'main.bicep'\nparam mesh = 'x'\n"), read
    )
