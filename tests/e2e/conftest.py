from collections.abc import Iterator

import pytest

from tests.e2e.asking import Desk, open_desk
from tests.e2e.mesh import Mesh, running_mesh
from tests.e2e.senders import known_senders


@pytest.fixture(scope="session")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    """The stack that the tests of tests/e2e and tests/chaos share."""
    with running_mesh(tmp_path_factory.mktemp("mesh")) as running:
        yield running


@pytest.fixture(scope="session")
def senders(mesh: Mesh) -> None:
    """Nodes to send from, which every instance knows."""
    known_senders(mesh)


@pytest.fixture(scope="module")
def desk(mesh: Mesh) -> Iterator[Desk]:
    """Where people ask for edges."""
    with open_desk(mesh) as running:
        yield running
