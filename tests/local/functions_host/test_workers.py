"""Several workers: work is spread, a worker that dies is replaced, and nothing of its work is lost silently."""

import json
import os
import signal
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

import pytest

from tests.local.functions_host.conftest import Running
from tests.support.functions_host import wait_until

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("functions_host_queue"), pytest.mark.timeout(600)]


def test_requests_are_spread_over_the_instances(basic: Running) -> None:
    """Three slow requests at once run in three processes."""
    with ThreadPoolExecutor(3) as pool:
        calls = [
            pool.submit(basic.host.request, "GET", "/api/slow?seconds=2", key=basic.host.function_key)
            for _ in range(3)
        ]
        pids = {int(call.result().body) for call in calls}
    assert pids == set(basic.host.workers())
    assert len(pids) == 3


def test_one_worker_runs_many_invocations_at_once(basic: Running) -> None:
    """Of thirty slow requests on three workers each has begun several before the first one ends."""
    before = len(basic.seen.of("slow"))
    with ThreadPoolExecutor(30) as pool:
        calls = [
            pool.submit(basic.host.request, "GET", "/api/slow?seconds=3", key=basic.host.function_key)
            for _ in range(30)
        ]
        wait(calls, return_when=FIRST_COMPLETED)
        begun = Counter(entry["pid"] for entry in basic.seen.of("slow")[before:])
        assert {call.result().status for call in calls} == {200}
    assert len(begun) == 3
    assert min(begun.values()) > 2


def test_a_killed_worker_fails_its_request_and_is_replaced(basic: Running) -> None:
    """The caller gets a 500, the other workers go on, and a new process takes the place."""
    before = set(basic.host.workers())
    slow_before = len(basic.seen.of("slow"))
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(basic.host.request, "GET", "/api/slow?seconds=30", key=basic.host.function_key)
        wait_until(lambda: len(basic.seen.of("slow")) > slow_before)
        victim = basic.seen.of("slow")[-1]["pid"]
        assert isinstance(victim, int)
        os.kill(victim, signal.SIGKILL)
        assert call.result().status == 500
    assert basic.host.request("GET", "/api/open").status == 200
    wait_until(lambda: len(basic.host.workers()) == 3)
    assert before - set(basic.host.workers()) == {victim}


def test_a_message_survives_its_worker(basic: Running) -> None:
    """kill -9 in the middle of a queue function: the message comes again and is handled by another process."""
    basic.queue().send_message(json.dumps({"n": 50, "seconds": 1}))

    def deliveries() -> list[dict[str, object]]:
        return [entry for entry in basic.seen.of("work") if entry["body"] == {"n": 50, "seconds": 1}]

    wait_until(lambda: bool(deliveries()))
    victim = deliveries()[0]["pid"]
    assert isinstance(victim, int)
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: len(deliveries()) == 2)
    assert [entry["dequeue_count"] for entry in deliveries()] == [1, 2]
    assert deliveries()[1]["pid"] != victim
    wait_until(lambda: basic.queue().get_queue_properties().approximate_message_count == 0)
    wait_until(lambda: len(basic.host.workers()) == 3)
