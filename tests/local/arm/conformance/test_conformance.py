"""Every visible recording of real Azure, sent again: each answer is alike, or differs for a reason that is listed.

All recordings are one test, so that the count covers them all however tests are spread over processes.
"""

from collections.abc import Callable

import pytest

from tests.local.arm.conformance.declarations import Declarations, strays
from tests.local.arm.conformance.recordings import RECORDINGS, exchanges, files
from tests.local.arm.conformance.replay import replaying
from tests.local.arm.conformance.tally import TALLY

pytestmark = pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recordings of real Azure are not here")


@pytest.mark.timeout(480)
async def test_recorded_requests_get_the_recorded_answers(
    record_property: Callable[[str, object], None],
) -> None:
    """Status, error code, headers of long operations and body, for the resource types that are modelled; and requests
    and answers have nothing that Azure's OpenAPI documents do not declare."""
    wrong: list[str] = []
    declarations = Declarations()
    for path in files():
        name = path.relative_to(RECORDINGS).as_posix()
        recorded = exchanges(path)
        async with replaying(recorded, declarations, timing=name.startswith("aso/")) as replay:
            outcomes = await replay.run(recorded)
        wrong += [f"{name} {found}" for found in TALLY.add(name, outcomes)]
        wrong += [
            f"{name} {outcome.exchange.index}: {found}"
            for outcome in outcomes
            for found in outcome.undeclared
        ]
    record_property("summary", TALLY.line())
    record_property("summary", declarations.line())
    assert not wrong, "\n".join(wrong)
    assert [entry.difference for entry in TALLY.known if entry not in TALLY.used] == []
    assert [entry.found for entry in strays() if entry not in declarations.used] == []
    assert TALLY.alike > 5_000
