"""What hostile or careless callers send: every answer is a problem that says what is allowed, and nothing happens."""

import json

import pytest

from tests.support.mesh import SUBSCRIPTION
from tests.unit.functions.api import ASK, CONSUMER, POOL, PROVIDER, TARGET, api

OTHERS = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/hr/providers/Microsoft.Sql/servers/salaries"
REASON: dict[str, object] = {"reason": "because"}
TEXTS = {
    "script": "<script>alert(1)</script>",
    "quotes": "'; DROP TABLE edges; --\"",
    "right to left": "\u202egnp.exe \u05d0\u05d1",
    "long": "x" * 256,
    "template": "a\nb{{7*7}}${x}%00",
    "half a character": "\ud800",
    "nothing but marks": "\u0301" * 50,
}


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"consumer": "sales"}, "consumer"),
        ({"consumer": "not-a-guid/sales"}, "consumer"),
        ({"consumer": f"{SUBSCRIPTION}/a/b"}, "consumer"),
        ({"consumer": f"{SUBSCRIPTION}/..%2fsales"}, "consumer"),
        ({"consumer": f"{SUBSCRIPTION}/" + "x" * 200}, "consumer"),
        ({"provider": f"edge/{SUBSCRIPTION}/sales"}, "provider"),
        ({"provider": None}, "provider"),
        ({"provider": CONSUMER}, "SameNode"),
        ({"interface": "telnet"}, "interface"),
        ({"interface": "SQL"}, "interface"),
        ({"interface": ["sql"]}, "interface"),
        ({"target": OTHERS}, "TargetOutsideProvider"),
        ({"target": OTHERS.replace("hr", "HR")}, "TargetOutsideProvider"),
        ({"target": TARGET.replace("/sales/", "/sales/../hr/")}, "TargetInvalid"),
        ({"target": TARGET + "/../../../../hr/providers/Microsoft.Sql/servers/x"}, "TargetInvalid"),
        ({"target": TARGET + "?api-version=1"}, "TargetInvalid"),
        ({"target": TARGET + "%2f..%2fother"}, "TargetInvalid"),
        ({"target": "https://example.org/"}, "TargetInvalid"),
        ({"target": ""}, "TargetRequired"),
        ({"target": TARGET + "x" * 3000}, "target"),
        ({"target": TARGET.replace("Sql/servers", "Storage/storageAccounts")}, "InterfaceMismatch"),
        ({"purpose": "   "}, "PurposeRequired"),
        ({"purpose": "x" * 501}, "purpose"),
        ({"gigabytes": -1}, "gigabytes"),
        ({"gigabytes": 1e300}, "gigabytes"),
        ({"gigabytes": "40"}, "gigabytes"),
        ({"lease_days": 0}, "lease_days"),
        ({"lease_days": 10**30}, "lease_days"),
        ({"lease_days": 0.0006}, "lease_days"),
        ({"lease_days": True}, "lease_days"),
        ({"exposure": "public"}, "exposure"),
        ({"leaseDays": 90}, "leaseDays"),
        ({"state": "Active"}, "state"),
        ({"requested_by": "somebody"}, "requested_by"),
        ({"<script>": 1}, "<script>"),
    ],
)
async def test_a_request_that_is_wrong_is_refused_by_name(changed: dict[str, object], named: str) -> None:
    """400, the member or the reason is named, and no edge is made."""
    on = api()
    said = await on.ask("request_edge", {**ASK, **changed})
    assert said.status == 400
    assert named in said.body["detail"]
    assert (said.media, on.edges.records) == ("application/problem+json", {})


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"null",
        b"[]",
        b"[" * 100_000,
        b'{"consumer":' * 3000,
        b'{"gigabytes":NaN}',
        b'{"gigabytes":1e999}',
        b'{"lease_days":' + b"9" * 400 + b"}",
        b"\xff\xfe{}",
        b'{"purpose":"\xc3\x28"}',
        b'{"purpose":"' + b"x" * 70_000 + b'"}',
        json.dumps(ASK).encode() + b"{}",
    ],
)
async def test_a_body_that_is_no_request_is_refused(raw: bytes) -> None:
    """400, whatever the JSON decoder meets; neither the process nor the log suffers."""
    said = await api().ask("request_edge", raw=raw)
    assert (said.status, said.body["code"]) == (400, "BadRequest")


@pytest.mark.parametrize(
    "media", ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonp"]
)
async def test_a_body_of_another_type_is_refused(media: str) -> None:
    """415; a page of another site cannot send JSON without being asked first whether it may."""
    said = await api().ask("request_edge", ASK, headers={"Content-Type": media})
    assert said.status == 415


async def test_the_type_of_a_body_may_have_parameters() -> None:
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert (await api().ask("request_edge", ASK, headers=headers)).status == 201


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
async def test_hostile_texts_come_back_as_data(text: str) -> None:
    """In JSON, as they were sent but for halves of characters, in purpose and reason alike."""
    on = api()
    raw = json.dumps({**ASK, "purpose": f"p{text}"}).encode()
    made = await on.ask("request_edge", raw=raw)
    if "\ud800" in text:
        assert made.status == 400
        return
    assert (made.status, made.media, made.body["purpose"]) == (201, "application/json", f"p{text}")
    key = {"id": made.body["id"]}
    told = await on.ask("revoke_edge", {"reason": f"r{text}"}, path=key)
    assert told.status == 200
    assert f"reason: r{text}" in told.body["history"][0]["changes"]


@pytest.mark.parametrize(
    "key",
    ["..%2f..%2fnodes", "../x", "%00", "' or 1 eq 1", "x" * 65, "\u202e", "<script>", "a b", "ａ"],
)
async def test_an_id_that_cannot_be_one_is_refused(key: str) -> None:
    """400 before any table is asked."""
    on = api()
    for name, body in (("get_edge", None), ("revoke_edge", REASON)):
        assert (await on.ask(name, body, path={"id": key})).status == 400


async def test_ids_are_found_in_any_case() -> None:
    """An edge's id and a node's names, as people type them."""
    on = api()
    upper = {**ASK, "consumer": CONSUMER.upper(), "provider": PROVIDER.upper(), "target": TARGET.upper()}
    made = await on.ask("request_edge", upper, headers={"Idempotency-Key": "one"})
    assert (made.status, made.body["consumer"]) == (201, CONSUMER)
    assert (await on.ask("get_edge", path={"id": made.body["id"].upper()})).status == 200
    assert len((await on.ask("list_edges", query={"consumer": CONSUMER.upper()})).body["items"]) == 1


@pytest.mark.parametrize(
    ("name", "query", "named"),
    [
        ("list_edges", {"top": "0"}, "top"),
        ("list_edges", {"top": "1001"}, "top"),
        ("list_edges", {"top": "٣"}, "top"),
        ("list_edges", {"top": "1e3"}, "top"),
        ("list_edges", {"top": "9" * 5000}, "top"),
        ("list_edges", {"state": "active"}, "state"),
        ("list_edges", {"consumer": "x"}, "consumer"),
        ("list_edges", {"provider": "' or 1 eq 1"}, "provider"),
        ("list_edges", {"continuation": "x" * 5000}, "continuation"),
        ("list_edges", {"continuation": "nonsense"}, "continuation"),
        ("list_edges", {"continuation": "\x00"}, "continuation"),
        ("list_nodes", {"state": "<script>"}, "state"),
        ("list_alerts", {"rule": "\x00"}, "rule"),
        ("list_alerts", {"rule": "' or 1 eq 1"}, "rule"),
        ("list_allocations", {}, "pool"),
        ("list_allocations", {"pool": "../secrets"}, "pool"),
    ],
)
async def test_a_query_that_is_wrong_is_refused_by_name(name: str, query: dict[str, str], named: str) -> None:
    """400 with the parameter."""
    said = await api().ask(name, query=query)
    assert said.status == 400
    assert named in said.body["detail"]


async def test_a_continuation_leads_on_and_belongs_to_its_list() -> None:
    """Seven edges by three a page, each once; the same token on another list or filter is refused."""
    on = api()
    for _ in range(7):
        await on.ask("request_edge", ASK)
    seen, query = [], {"top": "3"}
    while True:
        page = (await on.ask("list_edges", query=query)).body
        seen += [item["id"] for item in page["items"]]
        if not page["continuation"]:
            break
        query["continuation"] = page["continuation"]
    assert sorted(seen) == sorted(record.key.id for record in on.edges.records.values())
    token = query["continuation"]
    for name, more in (("list_nodes", {}), ("list_edges", {"state": "Active"})):
        said = await on.ask(name, query={"continuation": token, **more})
        assert (said.status, said.body["code"]) == (400, "InvalidContinuation")


async def test_a_pool_that_no_hub_has_is_not_found() -> None:
    """404, though it could be one: nobody reads the address table at will."""
    assert (await api().ask("list_allocations", query={"pool": "10.0.0.0/8"})).status == 404
    assert (await api().ask("list_allocations", query={"pool": POOL})).status == 200


@pytest.mark.parametrize("key", ["x" * 129, "two words", "line\nbreak", "ü"])
async def test_an_idempotency_key_is_printable_and_short(key: str) -> None:
    on = api()
    said = await on.ask("request_edge", ASK, headers={"Idempotency-Key": key})
    assert (said.status, on.edges.records) == (400, {})
