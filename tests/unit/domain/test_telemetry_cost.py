"""What telemetry costs, against sums done by hand from the published rates."""

from pathlib import Path

import msgspec
import pytest

from shared.domain import cost
from shared.domain.cost import Rates, TelemetryRates, rate_faults
from shared.domain.sinks import KINDS, CategoryRule
from shared.domain.telemetry_cost import telemetry_cost

RATES = msgspec.toml.decode((Path(cost.__file__).parent / "rates.toml").read_bytes(), type=Rates)
MONTH = 730 / 24


def test_a_gigabyte_a_day_costs_what_a_month_of_it_costs_in_each_sink() -> None:
    found = telemetry_cost({"StorageRead": (7 * 10**9, 700)}, 7, ("workspace",), (), RATES)
    assert found.gigabytes_a_day == pytest.approx(1)
    assert found.monthly == pytest.approx(MONTH * 2.30)
    everything = telemetry_cost({"StorageRead": (7 * 10**9, 700)}, 7, KINDS, (), RATES)
    assert everything.monthly == pytest.approx(MONTH * (2.30 + 0.25 + 0.25 + 0.0184))
    assert everything.categories[0].records_a_day == pytest.approx(100)


def test_a_category_that_is_archived_alone_shows_what_that_saves_and_others_what_it_would() -> None:
    measured = {"StorageRead": (7 * 10**9, 700.0), "AuditEvent": (7 * 10**8, 70.0)}
    rules = (CategoryRule("archive", "Microsoft.Storage/storageAccounts/blobServices", "storageread"),)
    found = telemetry_cost(measured, 7, ("workspace", "event-hub"), rules, RATES)
    by = {c.category: c for c in found.categories}
    assert (by["StorageRead"].treatment, by["AuditEvent"].treatment) == ("archive", "send")
    assert by["StorageRead"].monthly == pytest.approx(MONTH * (0.25 + 0.0184))
    assert by["StorageRead"].saves == pytest.approx(MONTH * (2.55 - 0.2684))
    assert by["AuditEvent"].saves == pytest.approx(0.1 * MONTH * (2.55 - 0.2684))
    assert found.saved == by["StorageRead"].saves


def test_an_excluded_category_costs_nothing_any_more() -> None:
    rules = (CategoryRule("exclude", category="StorageRead"),)
    found = telemetry_cost({"StorageRead": (10**9, 1.0)}, 1, KINDS, rules, RATES)
    assert (found.monthly, found.categories[0].treatment) == (0.0, "exclude")


def test_a_node_that_streamed_nothing_has_no_estimate() -> None:
    found = telemetry_cost({}, 0, ("workspace",), (), RATES)
    assert (found.days, found.monthly, found.categories) == (0, 0.0, ())


def test_a_table_of_rates_without_telemetry_has_the_published_ones_and_none_is_negative() -> None:
    assert RATES.telemetry == TelemetryRates()
    wrong = msgspec.structs.replace(RATES, telemetry=TelemetryRates(workspace=-1))
    assert rate_faults(wrong)
