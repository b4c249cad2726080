"""Whatever happens to the stream on its way, the counts and the alerts are those of the calm run."""

from collections.abc import Sequence
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.domain.errors import Transient
from shared.telemetry.evaluate import judged_at_end
from shared.telemetry.event import StreamEvent
from shared.telemetry.rule import Condition, Count, Each, Match, Rate, Rule, Threshold
from tests.fakes.clock import START
from tests.unit.telemetry.samples import envelope, resource, sample
from tests.unit.telemetry.streams import Instance, Stores, alerts_of, counted_in, event_of

VALUE = ("properties", "value")
SIZE = ("properties", "size")  # never negative
PARTITIONS = ("0", "1", "2")


def rule(name: str, condition: Condition, group_by: str = "node") -> Rule:
    return Rule(
        name=name,
        title=name,
        severity="error",
        match=Match(level=("error",)),
        condition=condition,
        group_by="node" if group_by == "node" else "resource" if group_by == "resource" else "domain",
        auto_resolve=0.0,
    )


def threshold(aggregation: str, comparison: str, value: float) -> Threshold:
    return Threshold(
        aggregation=aggregation,  # type: ignore[arg-type]  # a name that the test gives
        of=SIZE if aggregation == "sum" else VALUE,
        comparison=comparison,  # type: ignore[arg-type]
        value=value,
        window=60,
    )


RULES = (
    rule("each", Each(), "resource"),
    rule("count", Count(at_least=4, window=60)),
    rule("count-long", Count(at_least=6, window=600), "domain"),
    rule("rate", Rate(per_minute=3, window=120), "resource"),
    rule("max", threshold("max", "gte", 8)),
    rule("min", threshold("min", "lt", 1), "resource"),
    rule("sum", threshold("sum", "gt", 30)),
    rule("avg", threshold("avg", "gt", 6)),
    rule("percentile", threshold("percentile", "gt", 7)),
    rule("never-low", threshold("min", "gt", 5)),
)

RECORDS = st.builds(
    lambda late, name, value, level: (late, name, value, level),
    late=st.integers(-5, 200),
    name=st.sampled_from(["a", "b"]),
    value=st.integers(-2, 9),
    level=st.sampled_from(["Error", "Error", "Informational"]),
)
EVENTS = st.lists(
    st.tuples(st.sampled_from(PARTITIONS), st.integers(0, 40), st.lists(RECORDS, min_size=1, max_size=3)),
    min_size=1,
    max_size=14,
)


def stream(
    plan: Sequence[tuple[str, int, Sequence[tuple[int, str, int, str]]]],
) -> dict[str, list[StreamEvent]]:
    """The events of each partition in their order."""
    partitions: dict[str, list[StreamEvent]] = {partition: [] for partition in PARTITIONS}
    now = START - timedelta(minutes=20)
    for partition, pause, records in plan:
        now += timedelta(seconds=pause)
        own = partitions[partition]
        body = envelope(
            *(
                sample(
                    resourceId=resource(f"Microsoft.KeyVault/vaults/{name}"),
                    time=(now - timedelta(seconds=late)).isoformat(),
                    level=level,
                    properties={"value": value, "size": value + 2},
                )
                for late, name, value, level in records
            )
        )
        own.append(event_of(body, partition, len(own) + 7, now))
    return partitions


async def calm(partitions: dict[str, list[StreamEvent]], rules: Sequence[Rule]) -> Stores:
    stores = Stores(rules)
    instance = Instance(stores)
    for events in partitions.values():
        await instance.process(*events)
    await instance.close_all()
    return stores


@given(EVENTS, st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
async def test_redelivery_splits_crashes_and_new_owners_change_nothing(
    plan: list[tuple[str, int, list[tuple[int, str, int, str]]]], data: st.DataObject
) -> None:
    partitions = stream(plan)
    rules = data.draw(st.lists(st.sampled_from(RULES), min_size=1, max_size=4, unique=True), "rules")
    expected = await calm(partitions, rules)
    stores = Stores(rules)
    owners = [Instance(stores), Instance(stores)]
    reached = dict.fromkeys(PARTITIONS, 0)
    for _ in range(data.draw(st.integers(0, 12), "deliveries")):
        partition = data.draw(st.sampled_from(PARTITIONS), "partition")
        events = partitions[partition]
        start = data.draw(st.integers(0, reached[partition]), "from")
        end = data.draw(st.integers(start, len(events)), "to")
        owner = data.draw(st.integers(0, 1), "owner")
        if data.draw(st.booleans(), "fails"):
            stores.fuse.set(data.draw(st.integers(0, 25), "call"), after=data.draw(st.booleans(), "after"))
        try:
            await owners[owner].process(*events[start:end])
            reached[partition] = max(reached[partition], end)
        except Transient:
            owners[owner] = data.draw(st.sampled_from([owners[owner], Instance(stores)]), "reborn")
        stores.fuse.clear()
        stores.clock.advance(data.draw(st.sampled_from([0, 0, 15]), "pause"))
        # Spans that are over are judged by what has come: only at the end is that everything.
        if not any(judged_at_end(r.condition) for r in rules) and data.draw(st.booleans(), "timer"):
            await owners[0].closing.judge_due()
    for partition, events in partitions.items():
        await owners[data.draw(st.integers(0, 1))].process(*events[reached[partition] :])
    await owners[0].close_all()
    assert counted_in(stores) == counted_in(expected)
    assert alerts_of(stores) == alerts_of(expected)
