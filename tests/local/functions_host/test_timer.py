"""Timer triggers of running hosts, against Azurite."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient

from local.azurite import Azurite
from local.functions_host.host.ncrontab import Crontab
from tests.local.functions_host.conftest import APPS, Seen
from tests.support.functions_host import RunningHost, functions_host, wait_until

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("functions_host_timer"), pytest.mark.timeout(600)]

HOST_ID = f"timers-{uuid.uuid4().hex[:8]}"


@dataclass(frozen=True, slots=True)
class Timers:
    """Two hosts of one app, the first with a run of `daily` behind it that was never made."""

    first: RunningHost
    second: RunningHost
    seen: Seen


@pytest.fixture(scope="module")
def timers(storage: Azurite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Timers]:
    """Both hosts share storage and host id, as two instances in the cloud do."""
    folder = tmp_path_factory.mktemp("timers")
    seen = Seen(folder / "seen.jsonl")
    settings = {
        "AzureWebJobsStorage": storage.connection_string,
        "AzureFunctionsWebHost__hostid": HOST_ID,
        "NIGHTLY": "0 0 3 1 1 *",
        "SEEN": str(seen.file),
    }
    _remember_a_missed_run(storage)
    with (
        functions_host(APPS / "timers", folder / "first.log", settings) as first,
        functions_host(APPS / "timers", folder / "second.log", settings) as second,
    ):
        yield Timers(first, second, seen)


def _remember_a_missed_run(storage: Azurite) -> None:
    last = datetime.now(UTC) - timedelta(days=3)
    due = Crontab.parse("0 0 3 * * *").next_after(last)
    assert due is not None
    status = {"Last": last.isoformat(), "LastUpdated": last.isoformat(), "Next": due.isoformat()}
    service = BlobServiceClient.from_connection_string(storage.connection_string)
    with service:
        container = service.create_container("azure-webjobs-hosts")
        container.upload_blob(f"timers/{HOST_ID}/Host.Functions.daily/status", json.dumps(status))


def test_a_timer_fires_in_one_host_only(timers: Timers) -> None:
    """Two hosts, one lock: every second once, from the same host."""
    wait_until(lambda: len(timers.seen.of("every_second")) >= 4)
    ran = timers.seen.of("every_second")
    assert {entry["host"] for entry in ran} == {timers.first.child.pid}
    # Each run is told for which moment the one before it was: on a busy machine it may come late.
    told = [entry["status"] for entry in ran]
    before = [str(status["Last"]) for status in told if isinstance(status, dict) and "Last" in status]
    assert len(before) >= 3
    assert len(set(before)) == len(before)


def test_run_on_startup_runs_once_at_the_start(timers: Timers) -> None:
    """Whatever the schedule, which here comes from a setting, says."""
    wait_until(lambda: bool(timers.seen.of("nightly")))
    assert [entry["past_due"] for entry in timers.seen.of("nightly")] == [False]


def test_a_missed_run_is_made_up_for_and_said_to_be_late(timers: Timers) -> None:
    """The status in the blob has a time in the past, so the timer fires once with `past_due`."""
    wait_until(lambda: bool(timers.seen.of("daily")))
    [late] = timers.seen.of("daily")
    assert late["past_due"] is True
    assert isinstance(late["status"], dict)
    assert set(late["status"]) == {"Last", "LastUpdated", "Next"}


def test_the_status_moves_on(timers: Timers, storage: Azurite) -> None:
    """After the late run the blob holds the next time, in the future."""
    service = BlobServiceClient.from_connection_string(storage.connection_string)
    with service:
        blob = service.get_blob_client("azure-webjobs-hosts", f"timers/{HOST_ID}/Host.Functions.daily/status")
        wait_until(lambda: _next_of(blob.download_blob().readall()) > datetime.now(UTC))


def _next_of(status: bytes) -> datetime:
    return datetime.fromisoformat(json.loads(status)["Next"])


def test_the_retry_policy_is_carried_out(timers: Timers) -> None:
    """Two retries after the first failure, each told its number."""
    wait_until(lambda: len(timers.seen.of("stubborn")) == 3)
    assert [entry["retry"] for entry in timers.seen.of("stubborn")] == [0, 1, 2]


def test_a_timer_is_run_by_hand(timers: Timers) -> None:
    """POST /admin/functions/NAME with the master key runs it once more, in any host."""
    runs = len(timers.seen.of("nightly"))
    assert timers.second.request("POST", "/admin/functions/nightly").status == 401
    assert timers.second.run_by_hand("nightly").status == 202
    wait_until(lambda: len(timers.seen.of("nightly")) == runs + 1)


def test_a_function_that_runs_too_long_is_ended(timers: Timers) -> None:
    """functionTimeout (3 s) ends the worker, as in Azure; the caller gets a 500 and the host a new worker."""
    [pid] = timers.second.workers()
    assert timers.second.request("GET", "/api/endless").status == 500
    wait_until(lambda: timers.second.workers() not in ([], [pid]))


def test_the_other_host_takes_over(timers: Timers, tmp_path: Path) -> None:
    """After the first host's clean stop the second fires within seconds."""
    timers.first.child.stop(90)
    wait_until(lambda: timers.seen.of("every_second")[-1]["host"] == timers.second.child.pid)
    assert timers.first.child.returncode == 0
