"""The nodes that tests of telemetry send from: made once, since an instance looks only now and then which there are."""

import time

from tests.e2e.mesh import Mesh, wait_for

KNOWN_AFTER = 16.0
"""Seconds after which every instance has heard of a node: it reads the list again when its own is 15 s old."""

OF_ALERTS = ("told", "failing", "looked-after", "quiet", "hung")
OF_TELEMETRY = ("noisy", "recorded", "sampled", "broken", "replayed", "counted", "again")
OF_SAMPLES = ("recorded-samples", "rule-samples")
OF_JOBS = ("jobs",)
SENDERS = (*OF_ALERTS, *OF_TELEMETRY, *OF_SAMPLES, *OF_JOBS)


def known_senders(mesh: Mesh) -> None:
    """All of them, Ready, and known to every instance."""
    for group in SENDERS:
        mesh.create(group, network=False)
    for group in SENDERS:
        mesh.ready(group)
    known = time.monotonic() + KNOWN_AFTER
    wait_for("every instance to know them", lambda: time.monotonic() > known)
