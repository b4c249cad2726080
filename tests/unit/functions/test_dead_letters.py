"""Dead letters over HTTP: found by node and time, and handled again together."""

from datetime import UTC, datetime

import pytest

from shared.ports import DeadLetter
from tests.support.mesh import SUBSCRIPTION
from tests.unit.functions.api import api

NODE = f"node/{SUBSCRIPTION}/sales"
OTHER = f"node/{SUBSCRIPTION}/other"


async def test_letters_of_a_node_and_a_time_are_replayed_together_and_what_cannot_is_kept() -> None:
    on = api()
    hours = [datetime(2026, 1, 1, hour, tzinfo=UTC) for hour in range(4)]
    for hour in hours:
        key = NODE if hour.hour else "no key"
        await on.app.dead_letters.add(
            DeadLetter(id=f"l{hour.hour}", kind="key", at=hour, reason="r", source="s", key=key, node=NODE)
        )
    other = DeadLetter(id="other", kind="key", at=hours[1], reason="r", source="s", key=OTHER)
    await on.app.dead_letters.add(other)
    query = {
        "node": NODE.removeprefix("node/"),
        "to": "2026-01-01T02:00:00 00:00",
        "from": "2026-01-01T00:00:00Z",
    }
    assert [item["id"] for item in (await on.ask("list_dead_letters", query=query)).body["items"]] == [
        "l2",
        "l1",
        "l0",
    ]
    said = await on.ask("replay_dead_letters", query=query)
    assert said.status == 200
    assert (sorted(said.body["taken"]), [kept["id"] for kept in said.body["kept"]]) == (["l1", "l2"], ["l0"])
    left = (await on.ask("list_dead_letters")).body["items"]
    assert {item["id"] for item in left} == {"l3", "l0", "other"}


@pytest.mark.parametrize("query", [{"from": "yesterday"}, {"node": "nobody"}, {"top": "101"}, {"kind": "x"}])
async def test_a_question_for_letters_that_makes_no_sense_is_refused(query: dict[str, str]) -> None:
    assert (await api().ask("replay_dead_letters", query=query)).status == 400
