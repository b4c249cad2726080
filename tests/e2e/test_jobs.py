"""A job that uses the example sender, through the whole stack: what it says becomes alerts of its node, each once."""

from typing import cast

import pytest

from demo.stack import TELEMETRY_HUB
from examples.custom_events import main
from tests.e2e.mesh import Mesh, wait_for
from tests.e2e.senders import OF_JOBS

pytestmark = [
    pytest.mark.stack,
    pytest.mark.xdist_group("stack"),
    pytest.mark.timeout(900),
    pytest.mark.usefixtures("senders"),
]

[SENDER] = OF_JOBS

SAID = {"too-few-rows": "warning", "stale-data": "error", "quality-check-failed": "error"}
"""What the made-up job of the example amounts to, by the library."""


def test_what_a_job_says_becomes_alerts_of_its_node_each_once(mesh: Mesh) -> None:
    """It runs twice: there is one alert for each thing said, which counts both."""
    node = f"node/{mesh.subscription}/{SENDER}"
    connection = mesh.azure.endpoints.event_hubs_connection_string
    for _ in range(2):
        main(["--connection", connection, "--hub", TELEMETRY_HUB, "--resource", mesh.group_id(SENDER)])

    def heard() -> set[str]:
        alerts = mesh.pages(f"alerts?node={node}")
        return {str(alert["rule"]) for alert in alerts if cast(int, alert["count"]) >= 2}

    wait_for("the alerts of both runs", lambda: heard() >= SAID.keys())
    alerts = mesh.pages(f"alerts?node={node}")
    assert {str(alert["rule"]): alert["severity"] for alert in alerts} == SAID
    assert len(alerts) == len(SAID)
    assert {alert["state"] for alert in alerts} == {"Firing"}
