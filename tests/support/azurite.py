"""One Azurite for all tests of a process (that is, of an xdist worker)."""

from collections.abc import Iterator
from contextlib import contextmanager

from local import azurite
from local.azurite import Azurite


@contextmanager
def running_azurite() -> Iterator[Azurite]:
    """An Azurite that keeps its data in memory. Wrap it in a session-scoped fixture of your conftest:

        @pytest.fixture(scope="session")
        def storage() -> Iterator[Azurite]:
            with running_azurite() as running:
                yield running

    It is shared by every test of the process: name tables, queues and containers uniquely.
    """
    with azurite.running() as running:
        yield running
