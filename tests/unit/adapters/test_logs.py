"""Our log lines are JSON with the run they belong to; those of libraries stay as they are."""

import json
import logging
from collections.abc import Iterator

import pytest

from shared.adapters.logs import structure_logs
from shared.domain.run import Run, current_run


@pytest.fixture(autouse=True)
def structured() -> Iterator[None]:
    factory = logging.getLogRecordFactory()
    level = logging.getLogger("azure").level
    structure_logs()
    structure_logs()
    yield
    logging.setLogRecordFactory(factory)
    logging.getLogger("azure").setLevel(level)


def test_a_line_within_a_run_names_its_key_generation_and_operation(caplog: pytest.LogCaptureFixture) -> None:
    running = current_run.set(Run("node/s/g", 7, "run-1"))
    logging.getLogger("shared.reconcile.engine").warning("%d reads, 100 %% of them", 4)
    current_run.reset(running)
    assert json.loads(caplog.records[0].getMessage()) == {
        "message": "4 reads, 100 % of them",
        "key": "node/s/g",
        "generation": 7,
        "operation": "run-1",
    }


def test_a_line_outside_a_run_has_the_same_fields(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("functions.telemetry").warning("a batch")
    assert json.loads(caplog.records[0].getMessage()) == {
        "message": "a batch",
        "key": None,
        "generation": None,
        "operation": None,
    }


def test_what_a_library_logs_stays_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("azure.core").warning("%s", "plain")
    assert caplog.records[0].getMessage() == "plain"
