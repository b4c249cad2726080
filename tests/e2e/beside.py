"""Tests that spend their time waiting run beside each other, as the groups of a real mesh do."""

from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.e2e.mesh import Mesh

type Scenario = Callable[[Mesh], None]

_scenarios: dict[str, dict[str, Scenario]] = defaultdict(dict)
_started: dict[str, dict[str, Future[None]]] = {}


def beside(scenario: Scenario) -> Callable[[Mesh, pytest.FixtureRequest], None]:
    """Makes a test of a scenario that uses only resource groups of its own.

    The first such test of a module starts all that were selected, each in a thread; every test then waits for its
    own and fails with what it raised.
    """
    module, name = scenario.__module__, scenario.__name__
    _scenarios[module][name] = scenario

    def test(mesh: Mesh, request: pytest.FixtureRequest) -> None:
        if module not in _started:
            selected = {item.name for item in request.session.items if item.module.__name__ == module}  # type: ignore[attr-defined]
            _started[module] = _start(module, selected, mesh)
        _started[module][name].result()

    test.__name__, test.__doc__, test.__module__ = name, scenario.__doc__, module
    return test


def _start(module: str, selected: set[str], mesh: Mesh) -> dict[str, Future[None]]:
    chosen = {name: scenario for name, scenario in _scenarios[module].items() if name in selected}
    # Every wait of a scenario is bounded, so the threads end by themselves.
    pool = ThreadPoolExecutor(max_workers=len(chosen), thread_name_prefix=module)
    futures = {name: pool.submit(scenario, mesh) for name, scenario in chosen.items()}
    pool.shutdown(wait=False)
    return futures
