"""The built package holds all that it needs: started with nothing else on the path, it makes a node of a group."""

import ast
import json
import os
import shutil
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import cast

import pytest

from demo.stack import REGION, MeshStack, StackOptions
from deployment.build import PLATFORM, Package, build
from deployment.measure import by_distribution, cold_start, folder_size, sizes
from local.caller import Json
from local.functions_host.host.worker_process import PACKAGES
from shared.version import VERSION
from tests.e2e.azure import wait_for

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("package"), pytest.mark.timeout(600)]

ROOT = Path(__file__).resolve().parents[2]
# What a person who forgot a requirement would not notice on a laptop: each is in our own environment.
FOREIGN = (
    "hypothesis",
    "rich",
    "duckdb",
    "psutil",
    "proton",
    "azure.storage.blob",
    "pip",
    "local",
    "demo",
    "tests",
)
PROBE = """

import importlib
import json
import sys


def _origin(name: str) -> str | None:
    try:
        return importlib.import_module(name).__file__
    except ModuleNotFoundError:
        return None


@app.route(route="probe", auth_level="anonymous")
def probe(req: func.HttpRequest) -> func.HttpResponse:
    names = req.params["modules"].split(",")
    loaded = {name: getattr(module, "__file__", None) for name, module in list(sys.modules.items())}
    return func.HttpResponse(
        json.dumps({"path": sys.path, "found": {name: _origin(name) for name in names}, "loaded": loaded})
    )
"""


@dataclass(frozen=True, slots=True)
class Running:
    """The package's app on a local Azure."""

    stack: MeshStack
    package: Package

    def get(self, path: str) -> Json:
        """What the app answers under /api; empty where it is no success."""
        request = urllib.request.Request(
            f"{self.stack.app.endpoint}/api/{path}", headers={"x-functions-key": self.stack.app.function_key}
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return cast(Json, json.load(answer))
        except urllib.error.HTTPError as error:
            error.close()
            return {}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """Built anew, from the repository as it lies here; but for bytecode, which takes longer than all the rest."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PIP_NO_COMPILE", "1")
        return build(ROOT, tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def running(package: Package, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The package, with one more function that tells what the worker sees."""
    probed = Package(tmp_path_factory.mktemp("probed"))
    shutil.copytree(package.app, probed.app, copy_function=os.link)
    probed.platform.symlink_to(package.platform)
    file = probed.app / "function_app.py"
    file.unlink()
    file.write_text((package.app / "function_app.py").read_text() + PROBE)
    options = StackOptions(
        folder=tmp_path_factory.mktemp("stack"),
        package=probed.out,
        logs=False,
        settings={"MESH_EVENT_DELAY_SECONDS": "0.5"},
    )
    with MeshStack(options) as stack:
        stack.create_hub()
        yield Running(stack, probed)


def test_it_holds_what_requirements_txt_pins(package: Package) -> None:
    """Every distribution of the lock file in its version, and none beside; our own modules once."""
    pinned = {
        tuple(line.split(" ")[0].split("=="))
        for line in (ROOT / "requirements.txt").read_text().splitlines()
        if "==" in line
    }
    installed = distributions(path=[str(package.app / PACKAGES)])
    assert {(each.name.lower().replace("_", "-"), each.version) for each in installed} == pinned
    assert sorted(path.name for path in package.app.iterdir()) == [
        ".python_packages",
        "function_app.py",
        "functions",
        "host.json",
        "infra",
        "requirements.txt",
        "shared",
    ]


def test_a_group_becomes_a_node(running: Running) -> None:
    """From the event to the peering, by the package's own code and requirements."""
    caller = running.stack.azure.caller()
    group = f"/subscriptions/{running.stack.subscription}/resourceGroups/orders"
    network = f"{group}/providers/Microsoft.Network/virtualNetworks/net"
    space = {"addressSpace": {"addressPrefixes": ["10.1.0.0/16"]}}
    caller.complete("PUT", f"{group}?api-version=2021-04-01", {"location": REGION})
    caller.complete("PUT", f"{network}?api-version=2023-09-01", {"location": REGION, "properties": space})
    tagged = {"location": REGION, "tags": {"mesh-node": "orders"}}
    caller.complete("PUT", f"{group}?api-version=2021-04-01", tagged)

    def ready() -> Json | None:
        node = running.get(f"nodes/{running.stack.subscription}/orders")
        return node if node.get("state") == "Ready" else None

    node = wait_for("orders Ready", ready, 120)
    listed = caller.request("GET", f"{network}/virtualNetworkPeerings?api-version=2023-09-01").body["value"]
    states = [cast(Json, each["properties"])["peeringState"] for each in cast(list[Json], listed)]
    assert states == ["Connected"], node


def test_the_worker_sees_the_package_and_the_platform_alone(running: Running) -> None:
    """The path, where modules come from, and that nothing of the repository or its environment can be imported."""
    app, platform = str(running.package.app), str(running.package.platform.resolve())
    health = running.get("health")
    assert (health.get("healthy"), health.get("version")) == (True, VERSION), health
    imported = imported_by(running.package.app)
    assert {"azure.functions", "azure.monitor.query.aio", "msgspec", "yaml"} <= imported
    seen = running.get(f"probe?modules={','.join((*FOREIGN, 'shared', *imported))}")

    path = cast(list[str], seen["path"])
    library = [entry for entry in path if entry not in (f"{app}/{PACKAGES}", platform, app)]
    assert path == [f"{app}/{PACKAGES}", platform, *library, app]
    assert not [entry for entry in library if "site-packages" in entry or entry.startswith(str(ROOT))]

    found = cast(dict[str, str | None], seen["found"])
    assert {name: found[name] for name in FOREIGN} == dict.fromkeys(FOREIGN)
    assert found["shared"] == f"{app}/shared/__init__.py"
    beside = {name: found[name] for name in imported if not str(found[name]).startswith(f"{app}/")}
    assert beside == {}, "what the code imports, early or late, is in the package"

    files = [file for file in cast(dict[str, str | None], seen["loaded"]).values() if file]
    elsewhere = [file for file in files if not file.startswith((f"{app}/", *library))]
    # What the platform brings is its own alone: nothing that the package ought to have brought.
    assert {file.removeprefix(f"{platform}/").split("/")[0] for file in elsewhere} == {
        "azure_functions_runtime"
    }


def imported_by(app: Path) -> set[str]:
    """Modules that the app's own code imports anywhere, but for the standard library's and its own."""
    sources = [app / "function_app.py", *app.glob("functions/**/*.py"), *app.glob("shared/**/*.py")]
    nodes = [node for file in sources for node in ast.walk(ast.parse(file.read_text()))]
    named = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    named |= {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    known = {*sys.stdlib_module_names, "functions", "shared"}
    return {name for name in named if name.partition(".")[0] not in known}


def test_size_and_cold_start_are_told(package: Package) -> None:
    """What `make package` prints holds the archives, the biggest requirement, and both apps' starts."""
    packages = package.app / PACKAGES
    whole = sum(size for _, size in by_distribution(packages))
    assert 0.95 * folder_size(packages) <= whole <= folder_size(packages)
    assert len(list(package.platform.glob("*.dist-info"))) == len(PLATFORM)
    columns = [list(column.cells) for column in sizes(package).columns]
    assert {"meshplane.zip", "meshplane-source.zip", "unpacked"} <= set(columns[0])
    starts = [list(column.cells) for column in cold_start(package, rounds=1).columns]
    assert starts[0] == ["an empty app", "the package"]
    assert all(str(cell).endswith(" ms") for column in starts[2:] for cell in column)
