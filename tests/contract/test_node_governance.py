"""NodeStore: what is counted and found of the nodes' standings, in memory and on tables."""

import msgspec
import pytest

from shared.adapters.tables.nodes import TableNodeStore
from shared.adapters.tables.table import TableStorage
from shared.domain.governance import Standing, Verdict
from shared.domain.node import NodeRecord
from shared.ports import NodeStore
from tests.contract.conftest import AZURITE, FAKE
from tests.contract.samples import NOW, key
from tests.fakes import InMemoryNodeStore


@pytest.fixture(params=[FAKE, AZURITE])
def store(request: pytest.FixtureRequest) -> NodeStore:
    if request.param == FAKE:
        return InMemoryNodeStore()
    return TableNodeStore(request.getfixturevalue("table_storage"))


def standing(policy: str, verdict: Verdict) -> Standing:
    return Standing(
        policy=policy,
        verdict=verdict,
        mode="audit",
        message=f"what {policy} says",
        resources=("/one", "/two"),
        findings=2,
        since=NOW,
    )


async def filled(store: NodeStore) -> None:
    rows: dict[str, tuple[str, tuple[Standing, ...]]] = {
        "a": ("Retail", (standing("eu-only", "violating"), standing("tags", "exempt"))),
        "b": ("retail", (standing("eu-only", "compliant"), standing("tags", "violating"))),
        "c": ("finance", (standing("eu-only", "violating"),)),
        "d": ("", ()),
    }
    for name, (domain, standings) in rows.items():
        await store.save(NodeRecord(key=key(name), state="Ready", domain=domain, standings=standings))
    for name, state in (("seen", "Seen"), ("gone", "Offboarded")):
        await store.save(
            msgspec.convert({"key": key(name), "state": state}, NodeRecord, from_attributes=True)
        )


async def test_every_verdict_of_every_node_is_counted(store: NodeStore) -> None:
    await filled(store)
    first = await store.governance(size=3)
    rest = await store.governance(size=3, continuation=first.continuation)
    found = {row.key.group: (row.domain, row.verdicts) for row in (*first.items, *rest.items)}
    assert found == {
        "a": ("Retail", {"eu-only": "violating", "tags": "exempt"}),
        "b": ("retail", {"eu-only": "compliant", "tags": "violating"}),
        "c": ("finance", {"eu-only": "violating"}),
        "d": ("", {}),
    }
    assert rest.continuation == ""


@pytest.mark.parametrize(
    ("verdict", "policy", "domain", "expected"),
    [
        ("violating", "", "", {"a": ["eu-only"], "b": ["tags"], "c": ["eu-only"]}),
        ("violating", "eu-only", "", {"a": ["eu-only"], "c": ["eu-only"]}),
        ("violating", "", "RETAIL", {"a": ["eu-only"], "b": ["tags"]}),
        ("violating", "tags", "retail", {"b": ["tags"]}),
        ("exempt", "", "", {"a": ["tags"]}),
        ("unknown", "eu-only", "finance", {}),
    ],
)
async def test_findings_are_found_by_verdict_policy_and_domain(
    store: NodeStore, verdict: Verdict, policy: str, domain: str, expected: dict[str, list[str]]
) -> None:
    await filled(store)
    found: dict[str, list[str]] = {}
    token = ""
    while True:
        page = await store.findings(verdict, policy=policy, domain=domain, size=1, continuation=token)
        found |= {row.key.group: [s.policy for s in row.standings] for row in page.items}
        token = page.continuation
        if not token:
            break
    assert found == expected


async def test_a_finding_comes_back_as_it_was_saved_and_goes_when_the_node_complies(store: NodeStore) -> None:
    whole = standing("eu-only", "violating")
    saved = await store.save(NodeRecord(key=key("a"), state="NotReady", product="p", standings=(whole,)))
    [row] = (await store.findings("violating")).items
    assert (row.standings, row.state, row.product) == ((whole,), "NotReady", "p")
    await store.save(msgspec.structs.replace(saved, standings=(standing("eu-only", "compliant"),)))
    assert (await store.findings("violating")).items == ()


async def test_findings_change_with_the_row_and_go_with_it(store: NodeStore) -> None:
    """What was found before the node was saved again, or removed, is found no more."""
    saved = await store.save(
        NodeRecord(key=key("a"), state="Ready", domain="retail", standings=(standing("tags", "violating"),))
    )
    moved = await store.save(msgspec.structs.replace(saved, domain="finance"))
    assert (await store.findings("violating", domain="retail")).items == ()
    assert [row.domain for row in (await store.findings("violating", domain="finance")).items] == ["finance"]
    await store.delete(moved)
    assert (await store.findings("violating")).items == ()


async def test_of_several_findings_the_one_that_is_mended_goes(store: NodeStore) -> None:
    both = (standing("eu-only", "violating"), standing("tags", "violating"))
    saved = await store.save(NodeRecord(key=key("a"), state="Ready", standings=both))
    mended = (standing("eu-only", "violating"), standing("tags", "compliant"))
    await store.save(msgspec.structs.replace(saved, standings=mended))
    assert (await store.findings("violating", policy="tags")).items == ()
    [row] = (await store.findings("violating", policy="eu-only")).items
    assert [s.policy for s in row.standings] == ["eu-only"]


@pytest.mark.stack
@pytest.mark.xdist_group("azurite")
async def test_only_nodes_that_do_not_comply_are_read_for_findings(table_storage: TableStorage) -> None:
    """Compliant nodes lie elsewhere in the table: their rows are not even looked through."""
    store = TableNodeStore(table_storage)
    for number in range(5):
        standings = (standing("tags", "violating" if number == 3 else "compliant"),)
        await store.save(NodeRecord(key=key(f"g{number}"), state="Ready", standings=standings))
    rows = [
        row["RowKey"]
        async for row in table_storage.table("nodes").query(
            "RowKey ge '!apart' and RowKey lt '!b'", {}, ["RowKey"]
        )
    ]
    assert rows == ["!apart||g3"]
