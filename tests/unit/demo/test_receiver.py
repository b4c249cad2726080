"""The demo's webhook knows Meshplane's notices from others."""

import json
import time
import urllib.error
import urllib.request

import pytest

from demo.receiver import SECRET, Receiver, is_ours, running_receiver
from shared.telemetry.handlers.webhook import signature

BODY = json.dumps({"data": {"essentials": {"monitorCondition": "Fired", "severity": "Sev1"}}}).encode()


def headers(secret: str = SECRET, at: float = 0.0, notice: str = "4f1a-1-fired") -> dict[str, str]:
    timestamp = str(int(at or time.time()))
    return {
        "x-meshplane-notice": notice,
        "x-meshplane-timestamp": timestamp,
        "x-meshplane-signature": signature(secret, timestamp, BODY),
    }


def test_what_meshplane_signs_is_kept_once() -> None:
    """Over HTTP, and sent again: one notice of its alert, and none of another."""
    with running_receiver() as receiver:
        for _ in range(2):
            request = urllib.request.Request(receiver.url, BODY, headers())
            with urllib.request.urlopen(request, timeout=60) as answer:
                assert answer.status == 200
        [notice] = receiver.of("4f1a")
        assert (notice.condition, notice.severity, notice.ours) == ("Fired", "Sev1", True)
        assert receiver.of("4f1b") == []


def test_another_s_notice_is_refused() -> None:
    with running_receiver() as receiver:
        request = urllib.request.Request(receiver.url, BODY, headers("another secret of some length"))
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(request, timeout=60)
        assert [n.ours for n in receiver.of("4f1a")] == [False]


def test_a_notice_that_was_recorded_long_ago_is_not_believed() -> None:
    assert is_ours(SECRET, headers(), BODY)
    assert not is_ours(SECRET, headers(at=time.time() - 400), BODY)
    assert not is_ours(SECRET, {}, BODY)
    assert Receiver().take({}, BODY) == 401
