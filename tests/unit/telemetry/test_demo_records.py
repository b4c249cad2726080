"""The demo's records are sent by its resources, and say what the demo shows, with recordings and without."""

from pathlib import Path

import pytest

from demo.records import RECORDED, event_bodies, peering_deleted
from shared.domain.ids import NodeKey, normal_id
from shared.telemetry.attribute import Attribution
from shared.telemetry.batch import Findings, read_batch
from shared.telemetry.matching import Matcher
from shared.telemetry.rule import FieldMatch, Match
from tests.unit.telemetry.samples import SALES, event, resource, rule

VAULT = resource("Microsoft.KeyVault/vaults/kv-sales")
DATABASE = resource("Microsoft.Sql/servers/sql-sales/databases/orders")
# As in the library: a record without a level is judged by its result.
FAILED = rule("failed", match=Match(result=("failure",), fields=(FieldMatch(path=("level",), exists=False),)))
NODE = [
    resource("Microsoft.Storage/storageAccounts/stsales"),
    VAULT,
    DATABASE,
    resource("Microsoft.DataFactory/factories/adf-sales"),
]


def found(bodies: list[bytes]) -> Findings:
    events = [event(body, offset) for offset, body in enumerate(bodies)]
    return read_batch(events, Attribution([SALES]), Matcher([rule(), FAILED]))


@pytest.fixture(params=["recordings", "samples"])
def recorded(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == "samples":
        return tmp_path
    if not RECORDED.is_dir():
        pytest.skip("no recorded samples: ../shared/real-data/D-telemetry is absent")
    return RECORDED


def test_all_kinds_of_resources_send_and_several_raise_alerts(recorded: Path) -> None:
    findings = found(event_bodies(NODE, recorded))
    assert findings.unattributed == 0
    assert {t.group for t in findings.tallies} >= {normal_id(VAULT)}
    assert len(findings.tallies) >= 3
    assert {t.node for t in findings.tallies} == {str(SALES)}
    assert [letter.source.rpartition("/")[2] for letter in findings.letters] == ["1"]
    assert not findings.touches


def test_the_samples_need_no_recording(tmp_path: Path) -> None:
    findings = found(event_bodies(NODE, tmp_path / "absent"))
    assert (findings.records, len(findings.tallies), len(findings.letters)) == (6, 4, 1)


def test_a_type_that_nobody_sends_gives_only_the_broken_record(tmp_path: Path) -> None:
    assert found(event_bodies([resource("Microsoft.Web/sites/site")], tmp_path)).records == 0
    assert event_bodies([], tmp_path) == []


def test_a_deleted_peering_asks_for_a_look_at_its_network_s_group() -> None:
    hub = NodeKey.of(SALES.subscription, "rg-hub")
    findings = found([peering_deleted(resource("Microsoft.Network/virtualNetworks/hub", hub))])
    assert [key for key, _ in findings.touches] == [hub]
