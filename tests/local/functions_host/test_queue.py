"""Storage Queue triggers of a running host, against Azurite."""

import json

import pytest
from azure.storage.queue import QueueServiceClient

from tests.local.functions_host.conftest import Running
from tests.support.functions_host import wait_until

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("functions_host_queue"), pytest.mark.timeout(600)]


def _deliveries(basic: Running, number: int) -> list[dict[str, object]]:
    return [
        entry
        for entry in basic.seen.of("work")
        if isinstance(body := entry["body"], dict) and body["n"] == number
    ]


def test_a_message_is_handled_once_and_deleted(basic: Running) -> None:
    """The function sees the message's facts, its outputs are written, and the message is gone."""
    sent = basic.queue().send_message(json.dumps({"n": 1}))
    wait_until(lambda: bool(_deliveries(basic, 1)))
    [delivery] = _deliveries(basic, 1)
    assert delivery["id"] == sent.id
    assert delivery["dequeue_count"] == 1
    assert delivery["inserted"] == str(sent.inserted_on)
    assert delivery["expires"] == str(sent.expires_on)
    assert delivery["receipt"] is True
    wait_until(lambda: basic.queue().get_queue_properties().approximate_message_count == 0)
    done = {message.content for message in basic.queue("-done").receive_messages(max_messages=32)}
    assert {"done 1", "and more"} <= done  # beside what other tests of this queue left


def test_a_failing_message_comes_back_with_a_higher_count(basic: Running) -> None:
    """Two failures, then success on the third delivery; it never reaches the poison queue."""
    basic.queue().send_message(json.dumps({"n": 2, "fail_until": 3}))
    wait_until(lambda: len(_deliveries(basic, 2)) == 3)
    assert [delivery["dequeue_count"] for delivery in _deliveries(basic, 2)] == [1, 2, 3]
    wait_until(lambda: basic.queue().get_queue_properties().approximate_message_count == 0)
    assert not any(entry["body"] == {"n": 2, "fail_until": 3} for entry in basic.seen.of("after_all"))


def test_a_message_that_always_fails_ends_in_the_poison_queue(basic: Running) -> None:
    """After maxDequeueCount (3) deliveries the message moves, and the poison queue's own function gets it."""
    body = {"n": 3, "fail_until": 99}
    basic.queue().send_message(json.dumps(body))
    wait_until(lambda: any(entry["body"] == body for entry in basic.seen.of("after_all")))
    assert [delivery["dequeue_count"] for delivery in _deliveries(basic, 3)] == [1, 2, 3]


def test_a_message_that_is_not_base64_goes_to_the_poison_queue_at_once(basic: Running) -> None:
    """No delivery could decode it. The poison queue's own function cannot either, and there it stays."""
    poisoned = len(basic.seen.of("after_all"))
    service = QueueServiceClient.from_connection_string(basic.storage.connection_string)
    with service:
        service.get_queue_client(basic.work).send_message('{"n": 4}')
    wait_until(lambda: f"stays in '{basic.work}-poison'" in basic.host.log())
    wait_until(lambda: basic.queue().get_queue_properties().approximate_message_count == 0)
    # What another test left there may have been handled already and not yet be gone.
    wait_until(lambda: basic.queue("-poison").get_queue_properties().approximate_message_count == 1)
    assert not _deliveries(basic, 4)
    assert len(basic.seen.of("after_all")) == poisoned


def test_a_message_handed_over_by_hand_reaches_the_function(basic: Running) -> None:
    """POST /admin/functions/NAME with an input runs the queue function without a queue."""
    answer = basic.host.run_by_hand("after_all", json.dumps({"by": "hand"}))
    assert answer.status == 202
    wait_until(lambda: any(entry["body"] == {"by": "hand"} for entry in basic.seen.of("after_all")))
