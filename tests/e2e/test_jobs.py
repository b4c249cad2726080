"""A job that uses the example sender, through the whole stack: what it says becomes alerts of its node, each once."""

import pytest

from demo.stack import TELEMETRY_HUB
from examples.custom_events import main
from tests.e2e.mesh import Mesh, wait_for

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack"), pytest.mark.timeout(180)]

SAID = {"too-few-rows": "warning", "stale-data": "error", "quality-check-failed": "error"}
"""What the made-up job of the example amounts to, by the library."""


def test_what_a_job_says_becomes_alerts_of_its_node_each_once(mesh: Mesh) -> None:
    """It runs again until every worker has heard of the node; however often, there is one alert for each thing said."""
    mesh.create("jobs", network=False)
    mesh.ready("jobs")
    node = f"node/{mesh.subscription}/jobs"
    connection = mesh.azure.endpoints.event_hubs_connection_string
    runs = 0

    def heard() -> list[str]:
        nonlocal runs
        runs += 1
        main(["--connection", connection, "--hub", TELEMETRY_HUB, "--resource", mesh.group_id("jobs")])
        rules = [str(alert["rule"]) for alert in mesh.pages(f"alerts?node={node}")]
        return rules if set(rules) >= SAID.keys() else []

    wait_for("the alerts", heard)
    alerts = mesh.pages(f"alerts?node={node}")
    assert {str(alert["rule"]): alert["severity"] for alert in alerts} == SAID
    assert len(alerts) == len(SAID), f"after {runs} runs"
    assert {alert["state"] for alert in alerts} == {"Firing"}
