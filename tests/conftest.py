"""What holds for all tests: how random ones are, and lines that tests have to say at the end of a run."""

import os

import pytest
from hypothesis import HealthCheck, settings

# The same examples on every run: what passed where the code was written passes elsewhere. How long one takes says
# nothing on a machine that does other things too. MESHPLANE_EXPLORE=1 tries others.
settings.register_profile(
    "same",
    deadline=None,
    derandomize=not os.environ.get("MESHPLANE_EXPLORE"),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("same")

SECONDS_WITH_PROCESSES = 600


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test with processes that says nothing else may take ten minutes: on a busy machine they start slowly."""
    for item in items:
        if item.get_closest_marker("stack") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(SECONDS_WITH_PROCESSES))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests recorded with `record_property("summary", line)`, also of a run spread over processes."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, line in getattr(report, "user_properties", ()):
                if name == "summary" and getattr(report, "when", "") == "call":
                    terminalreporter.write_line(str(line))
