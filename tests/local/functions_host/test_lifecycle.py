"""Starting, failing to start, and stopping a host."""

import json
import shutil
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from local.azurite import Azurite
from local.child import ChildFailed
from tests.local.functions_host.conftest import APPS, Seen
from tests.support.functions_host import functions_host, start_functions_host, wait_until

pytestmark = [
    pytest.mark.stack,
    pytest.mark.xdist_group("functions_host_lifecycle"),
    pytest.mark.timeout(600),
]


def _settings(storage: Azurite, folder: Path) -> dict[str, str]:
    return {
        "Storage": storage.connection_string,
        "AzureWebJobsStorage": storage.connection_string,
        "WORK": f"work-{uuid.uuid4().hex[:8]}",
        "SEEN": str(folder / "seen.jsonl"),
    }


def test_a_clean_stop_finishes_what_runs(storage: Azurite, tmp_path: Path) -> None:
    """SIGTERM during a request: the answer arrives, the exit status is 0, and no process is left."""
    host = start_functions_host(
        APPS / "basic", tmp_path / "log", _settings(storage, tmp_path), "--instances", "2"
    )
    workers = [psutil.Process(pid) for pid in host.workers()]
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(host.request, "GET", "/api/slow?seconds=1.5", key=host.function_key)
        wait_until(lambda: bool(Seen(tmp_path / "seen.jsonl").of("slow")))
        host.child.stop(90)
        assert call.result().status == 200
    assert host.child.returncode == 0
    assert not any(worker.is_running() for worker in workers)


def test_workers_end_when_their_host_is_killed(storage: Azurite, tmp_path: Path) -> None:
    """kill -9 of the host alone: its workers see their pipe close, even one whose function blocks a thread."""
    host = start_functions_host(
        APPS / "basic", tmp_path / "log", _settings(storage, tmp_path), "--instances", "2"
    )
    workers = [psutil.Process(pid) for pid in host.workers()]
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(host.request, "GET", "/api/stuck", key=host.function_key)
        wait_until(lambda: bool(Seen(tmp_path / "seen.jsonl").of("stuck")))
        psutil.Process(host.child.pid).kill()
        assert call.exception() is not None
    gone, alive = psutil.wait_procs(workers, timeout=60)
    assert len(gone) == 2
    assert not alive
    host.child.kill()


def test_local_settings_and_keys_are_files(storage: Azurite, tmp_path: Path) -> None:
    """The app's own local.settings.json is read, as Core Tools do, and a key file keeps the keys."""
    app = tmp_path / "app"
    shutil.copytree(APPS / "basic", app)
    values = {**_settings(storage, tmp_path), "SHOWN": "from the file"}
    (app / "local.settings.json").write_text(json.dumps({"IsEncrypted": False, "Values": values}))
    keys = {"functionKey": "function", "masterKey": "master", "eventGridKey": "grid"}
    (tmp_path / "keys.json").write_text(json.dumps(keys))
    with functions_host(app, tmp_path / "log", None, "--keys-file", str(tmp_path / "keys.json")) as host:
        assert host.request("GET", "/api/echo/x", key="function").json["setting"] == "from the file"


def test_an_app_that_cannot_be_imported_says_why(tmp_path: Path) -> None:
    """The worker's own message and stack trace, and exit status 1."""
    with pytest.raises(ChildFailed) as failure:
        start_functions_host(APPS / "broken", tmp_path / "log")
    assert "exit status 1" in str(failure.value)
    log = (tmp_path / "log").read_text()
    assert "The function app cannot be started." in log
    assert "No module named 'package_that_is_not_installed'" in log
    assert "function_app.py" in log


def test_all_missing_settings_are_named_at_once(storage: Azurite, tmp_path: Path) -> None:
    """Every function whose binding cannot be set up, in one message."""
    settings = {"AzureWebJobsStorage": storage.connection_string}
    with pytest.raises(ChildFailed, match="exit status 1"):
        start_functions_host(APPS / "unset", tmp_path / "log", settings)
    log = (tmp_path / "log").read_text()
    assert "The 'one' function is in error: '%QUEUE_NAME%' does not resolve to a value." in log
    assert "The 'two' function is in error: connection 'Telemetry' is not set" in log
    assert "The 'three' function is in error: schedule 'every day' has 2 fields instead of 6." in log


def test_a_folder_without_an_app_is_refused(tmp_path: Path) -> None:
    """A missing host.json is named; so is a missing function_app.py."""
    with pytest.raises(ChildFailed, match=r"There is no host\.json"):
        start_functions_host(tmp_path, tmp_path / "log1")
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    with pytest.raises(ChildFailed, match=r"There is no function_app\.py"):
        start_functions_host(tmp_path, tmp_path / "log2")
