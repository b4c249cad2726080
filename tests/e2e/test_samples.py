"""Samples through the whole stack: producer, AMQP, trigger, the library's rules, timer, alert, API."""

import json
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from local.caller import Json
from shared.domain.ids import NodeKey
from shared.telemetry.alerting import alert_id
from shared.telemetry.attribute import Attribution
from shared.telemetry.batch import Findings, read_batch
from shared.telemetry.evaluate import LONGEST_WAIT, judged_at_end, window_of
from shared.telemetry.event import StreamEvent
from shared.telemetry.matching import Matcher
from shared.telemetry.rule import Absence, Condition
from shared.telemetry.rule_files import load_rules
from shared.telemetry.windows import LATEST
from tests.e2e.azure import NotSeen, wait_for
from tests.e2e.mesh import Mesh
from tests.e2e.senders import OF_SAMPLES
from tests.unit.telemetry.library_samples import holds, manifest, record_of
from tests.unit.telemetry.recordings import ABSENT, RECORDED, body_of, files

pytestmark = [
    pytest.mark.stack,
    pytest.mark.xdist_group("stack"),
    pytest.mark.timeout(900),
    pytest.mark.usefixtures("senders"),
    pytest.mark.skipif(not RECORDED.is_dir(), reason=ABSENT),
]

PARTITION = "2"
_SENDER = re.compile(rb"/subscriptions/[^/\"']+/resourcegroups/[^/\"']+(?=[/\"'])", re.IGNORECASE)


def recorded() -> list[bytes]:
    """Every file of recorded telemetry, as it was recorded."""
    return [body_of(name) for name in files()]


def of_the_library() -> list[bytes]:
    """For each rule the sample that fires it, as often as it takes."""
    samples = [sides["fires"] for sides in manifest().values() if not sides["fires"].silence]
    return [json.dumps({"records": [record_of(s)] * s.times}).encode() for s in samples]


@pytest.mark.parametrize(("group", "made"), [(OF_SAMPLES[0], recorded), (OF_SAMPLES[1], of_the_library)])
def test_samples_raise_the_alerts_that_the_rules_say_and_no_other(
    mesh: Mesh, group: str, made: Callable[[], list[bytes]]
) -> None:
    """They are sent from resources of one node: their subscription and group are replaced, all else is as it was."""
    before = len(dead(mesh))
    sender = f"/subscriptions/{mesh.subscription}/resourceGroups/{group}".encode()
    bodies = [_SENDER.sub(sender, body) for body in made()]
    rules = {rule.name: rule for rule in load_rules() if is_judged_soon(rule.condition)}
    found = expected(bodies, NodeKey.of(mesh.subscription, group), Matcher(list(rules.values())))
    fired = {alert_id(t.rule, t.group): t.rule for t in found.tallies if holds(rules[t.rule].condition, t)}
    assert len(fired) > 4

    mesh.send(bodies, PARTITION)

    def raised() -> bool:
        mesh.run_by_hand("judge")
        missing.clear()
        missing.update({key: fired[key] for key in fired.keys() - alerts(mesh, group).keys()})
        return not missing

    missing: dict[str, str] = {}
    with suppress(NotSeen):
        wait_for("the alerts", raised)
    assert missing == {}
    told = {key: str(alert["rule"]) for key, alert in alerts(mesh, group).items() if alert["rule"] in rules}
    assert told == fired
    wait_for("the dead letters", lambda: len(dead(mesh)) >= before + len(found.letters))
    assert len(dead(mesh)) == before + len(found.letters)


def is_judged_soon(condition: Condition) -> bool:
    """Whether it is known at once, or once its window is over: an old record counts as half an hour old."""
    if isinstance(condition, Absence):
        return False
    return not judged_at_end(condition) or window_of(condition) < LATEST - LONGEST_WAIT


def expected(bodies: list[bytes], node: NodeKey, matcher: Matcher) -> Findings:
    """What a single process makes of all of them at once."""
    events = [StreamEvent(body, PARTITION, str(n), n, datetime.now(UTC)) for n, body in enumerate(bodies)]
    return read_batch(events, Attribution([node]), matcher)


def alerts(mesh: Mesh, group: str) -> dict[str, Json]:
    return {str(a["id"]): a for a in mesh.pages(f"alerts?node=node/{mesh.subscription}/{group}")}


def dead(mesh: Mesh) -> list[Json]:
    return [
        x for x in mesh.dead_letters() if x["kind"] == "telemetry" and f"event-hub/{PARTITION}/" in str(x)
    ]
