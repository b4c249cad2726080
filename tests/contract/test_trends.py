"""Trends of governance, in memory and on tables."""

from datetime import timedelta

import pytest

from shared.adapters.tables.trends import TableTrends
from shared.domain.governance_report import KEPT_DAYS, Cell, Tally
from shared.ports.mesh import Trends
from tests.contract.conftest import AZURITE, FAKE
from tests.contract.samples import NOW
from tests.fakes.trends import InMemoryTrends

DAY = timedelta(days=1)
EU, TAGS = Cell("retail", "eu-only"), Cell("retail", "tags")
NOBODY = Cell("", "eu-only")


@pytest.fixture(params=[FAKE, AZURITE])
def trends(request: pytest.FixtureRequest) -> Trends:
    if request.param == FAKE:
        return InMemoryTrends()
    return TableTrends(request.getfixturevalue("table_storage"))


async def test_nothing_was_recorded_before_the_first_time(trends: Trends) -> None:
    assert await trends.recorded_at() is None
    assert list(await trends.list()) == []


async def test_recording_twice_is_the_same_as_once_and_a_later_count_of_a_day_takes_its_place(
    trends: Trends,
) -> None:
    for violating in (3, 3, 1):
        await trends.record({EU: Tally(violating=violating), NOBODY: Tally(compliant=2)}, NOW)
    found = {trend.cell: trend.days for trend in await trends.list()}
    today = NOW.date().isoformat()
    assert found == {EU: {today: Tally(violating=1)}, NOBODY: {today: Tally(compliant=2)}}
    assert await trends.recorded_at() == NOW


async def test_days_are_kept_for_so_long_and_then_the_row_goes(trends: Trends) -> None:
    await trends.record({EU: Tally(violating=1), TAGS: Tally(compliant=1)}, NOW)
    last = NOW + DAY * (KEPT_DAYS - 1)
    await trends.record({EU: Tally(compliant=1)}, last)
    assert [(t.cell, len(t.days)) for t in await trends.list()] == [(EU, 2), (TAGS, 1)]
    await trends.record({EU: Tally(compliant=1)}, last + DAY)
    assert [(t.cell, len(t.days)) for t in await trends.list()] == [(EU, 2)]


async def test_a_policy_that_is_gone_has_no_count_of_today_any_more(trends: Trends) -> None:
    await trends.record({EU: Tally(violating=1)}, NOW)
    await trends.record({}, NOW)
    assert list(await trends.list()) == []


async def test_one_domain_is_read_by_itself_in_any_case_of_letters(trends: Trends) -> None:
    await trends.record({EU: Tally(compliant=1), NOBODY: Tally(compliant=1)}, NOW)
    assert [t.cell for t in await trends.list(domain="Retail")] == [EU]
    assert [t.cell for t in await trends.list(domain="")] == [NOBODY]


async def test_more_policies_than_a_transaction_takes_are_recorded(trends: Trends) -> None:
    cells = {Cell("retail", f"policy-{number}"): Tally(compliant=1) for number in range(120)}
    await trends.record(cells, NOW)
    assert [t.cell for t in await trends.list()] == sorted(cells)
