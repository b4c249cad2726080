"""The functions host as a child: it serves an app with its settings, loses a worker, restarts, and ends."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from local.child import ChildFailed
from local.functions_app import FunctionsHost

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("functions-app"), pytest.mark.timeout(600)]

APP = """
import os
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)

@app.route(route="greeting")
def greeting(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(os.environ["GREETING"])

@app.event_grid_trigger(arg_name="event")
def on_event(event: func.EventGridEvent) -> None:
    pass
"""


def write_app(folder: Path, code: str = APP) -> Path:
    folder.mkdir()
    (folder / "function_app.py").write_text(code)
    (folder / "host.json").write_text('{"version": "2.0"}')
    return folder


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FunctionsHost]:
    folder = tmp_path_factory.mktemp("functions")
    app = write_app(folder / "app")
    with FunctionsHost(app, {"GREETING": "hello from settings"}, folder / "state", instances=2) as running:
        yield running


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=60) as response:
        return str(response.read().decode())


def greeting(host: FunctionsHost) -> str:
    return get(f"{host.endpoint}/api/greeting?code={host.function_key}")


def test_the_app_answers_with_its_settings_and_only_with_its_key(host: FunctionsHost) -> None:
    assert greeting(host) == "hello from settings"
    with pytest.raises(urllib.error.HTTPError) as refused:
        get(f"{host.endpoint}/api/greeting")
    refused.value.close()
    assert refused.value.code == 401


def test_its_event_grid_webhook_takes_part_in_the_handshake(host: FunctionsHost) -> None:
    event = {
        "id": "1",
        "data": {"validationCode": "abc"},
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
    }
    request = urllib.request.Request(
        host.event_grid_url("on_event"),
        data=json.dumps([event]).encode(),
        headers={"aeg-event-type": "SubscriptionValidation", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        assert json.load(response) == {"validationResponse": "abc"}


def test_a_killed_worker_is_replaced_and_the_other_stays(host: FunctionsHost) -> None:
    victim, survivor = host.worker_pids()
    host.kill_worker(victim)
    deadline = time.monotonic() + 90
    while len(pids := {worker.pid for worker in host.workers() if worker.ready} - {victim}) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert survivor in pids
    assert greeting(host) == "hello from settings"


def test_a_process_that_is_no_worker_is_left_alone(host: FunctionsHost) -> None:
    with pytest.raises(ValueError, match="not a worker"):
        host.kill_worker(host.pid)


def test_a_restart_keeps_address_and_keys(host: FunctionsHost) -> None:
    before = (host.endpoint, host.function_key, host.event_grid_url("on_event"), host.pid)
    host.restart()
    after = (host.endpoint, host.function_key, host.event_grid_url("on_event"), host.pid)
    assert after[:3] == before[:3]
    assert after[3] != before[3]
    assert greeting(host) == "hello from settings"


def test_a_restart_may_change_settings(host: FunctionsHost) -> None:
    host.restart({"GREETING": "hello anew"})
    assert greeting(host) == "hello anew"
    host.restart({"GREETING": "hello from settings"})
    assert greeting(host) == "hello from settings"


def test_stopping_ends_the_workers_too(tmp_path: Path) -> None:
    running = FunctionsHost(write_app(tmp_path / "app"), {"GREETING": ""}, tmp_path / "state")
    running.start()
    processes = [psutil.Process(pid) for pid in (running.pid, *running.worker_pids())]
    running.stop()
    assert psutil.wait_procs(processes, timeout=60)[1] == []


def test_an_app_that_cannot_be_indexed_fails_with_its_traceback(tmp_path: Path) -> None:
    app = write_app(tmp_path / "app", "import nowhere_to_be_found")
    with pytest.raises(ChildFailed, match="nowhere_to_be_found"):
        FunctionsHost(app, {}, tmp_path / "state").start()


def test_settings_and_keys_are_readable_by_this_user_only(host: FunctionsHost) -> None:
    files = sorted(host.log.parent.glob("functions-*.json"))
    assert [path.name for path in files] == ["functions-keys.json", "functions-settings.json"]
    assert all(path.stat().st_mode & 0o077 == 0 for path in files)
