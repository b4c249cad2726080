"""Attempts on the HTTP API: who callers say they are, and what they would reach by odd spellings."""

from base64 import b64encode

import pytest
from msgspec.structs import replace

from shared.domain.actor import Role, digest
from shared.domain.ids import NodeKey
from shared.domain.node import NodeRecord
from tests.support.mesh import SUBSCRIPTION
from tests.unit.functions.api import ASK, TARGET, api, principal

REASON: dict[str, object] = {"reason": "because"}
EMAILS = ("email", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress")


@pytest.mark.parametrize("name", EMAILS)
async def test_a_mail_address_that_nobody_verified_makes_nobody_an_owner(name: str) -> None:
    """Its owner can write any address into it; the address of an owner's tag is held against sign-in names only."""
    on = api(authenticated=True)
    key = NodeKey.of(SUBSCRIPTION, "sales")
    on.mesh.nodes.records[key] = replace(on.mesh.nodes.records[key], owner_id=digest("olga@contoso.com"))
    on.principal = principal(Role.REQUESTER, groups="owner-of-marketing")
    made = await on.ask("request_edge", ASK)
    on.principal = principal(Role.READER, subject="mallory", **{name: "olga@contoso.com"})
    said = await on.ask("approve_edge", REASON, path={"id": made.body["id"]})
    assert (said.status, said.body["code"]) == (403, "NotApprover")


@pytest.mark.parametrize("letter", ["\u212a", "\u017f"])
async def test_a_group_whose_name_only_looks_alike_is_another_group(letter: str) -> None:
    """The lower case of the Kelvin sign is `k`, and `ſ` is matched by `s`: to Azure both are other letters."""
    on = api()
    for group in ("kitchen", "sitchen"):
        node = NodeKey.of(SUBSCRIPTION, group)
        on.mesh.nodes.records[node] = NodeRecord(key=node, state="Ready", etag='W/"0"')
        ask = {**ASK, "provider": f"{SUBSCRIPTION}/{group}"}
        said = await on.ask("request_edge", {**ask, "target": TARGET.replace("/sales/", f"/{letter}itchen/")})
        assert (said.status, said.body["code"]) == (400, "TargetOutsideProvider")


@pytest.mark.parametrize("word", ["subscriptions", "resourceGroups", "providers", "Microsoft", "servers"])
async def test_words_of_an_id_are_in_plain_letters(word: str) -> None:
    """`ſ` is no `s` to Resource Manager: such an id names nothing."""
    ask = {**ASK, "interface": "resource", "target": TARGET.replace(word, word.replace("s", "\u017f"))}
    said = await api().ask("request_edge", ask)
    assert (said.status, said.body["code"]) == (400, "TargetInvalid")


PRINCIPALS = (
    b"null",
    b"[]",
    b"{}",
    b'{"claims":null}',
    b'{"claims":[{"typ":"oid"}]}',
    b'{"claims":[{"typ":"oid","val":""}]}',
    b'{"claims":[{"typ":"oid","val":["a"]}]}',
    b'{"claims":[{"typ":"oid","val":"\\ud800"}]}',
    b'{"claims":[{"typ":"OID","val":"a"},{"typ":"roles","val":"Mesh.Operator"}]}',
    b"\xff\xfe",
    b"[" * 20_000,
)


@pytest.mark.parametrize("document", PRINCIPALS)
async def test_a_principal_that_names_nobody_is_nobody(document: bytes) -> None:
    header = b64encode(document).decode()
    said = await api(authenticated=True).ask("list_nodes", headers={"X-MS-CLIENT-PRINCIPAL": header})
    assert said.status == 401


@pytest.mark.parametrize(
    "role",
    [
        "mesh.operator",
        "Mesh.Operator ",
        '["Mesh.Operator"]',
        "Mesh.Reader,Mesh.Operator",
        "Mesh.Operator\0",
        "*",
    ],
)
async def test_a_role_is_spelled_exactly(role: str) -> None:
    on = api(authenticated=True)
    on.principal = principal(role)
    assert (await on.ask("list_nodes")).status == 403
