"""Approval rules: what they match, that the first one counts, and how they are written."""

import msgspec
import pytest

from shared.domain.approval import ASK, Rule, ruling
from shared.domain.edge import EdgeRequest
from shared.domain.ids import NodeKey
from shared.domain.node import NodeRecord

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
CONSUMER = NodeRecord(
    key=NodeKey.of(SUBSCRIPTION, "a"), domain="Finance", environment="prod", owner_id="team-1"
)
PROVIDER = NodeRecord(
    key=NodeKey.of(SUBSCRIPTION, "b"), domain="retail", environment="prod", owner_id="team-2"
)
REQUEST = EdgeRequest(
    consumer=CONSUMER.key, provider=PROVIDER.key, interface="sql", gigabytes=50.0, lease_days=30
)


def rule(**match: object) -> Rule:
    return msgspec.convert({"name": "r", "ruling": "accept", **match}, Rule)


@pytest.mark.parametrize(
    ("match", "matches"),
    [
        ({}, True),
        ({"consumer_domains": ["finance"]}, True),
        ({"consumer_domains": ["retail"]}, False),
        ({"provider_domains": ["x", "RETAIL"]}, True),
        ({"consumer_environments": ["dev"]}, False),
        ({"provider_environments": ["Prod"]}, True),
        ({"interfaces": ["sql", "storage"]}, True),
        ({"interfaces": ["peering"]}, False),
        ({"exposures": ["private-endpoint"]}, False),
        ({"same_owner": False}, True),
        ({"same_owner": True}, False),
        ({"same_domain": True}, False),
        ({"most_gigabytes": 50.0}, True),
        ({"most_gigabytes": 49.9}, False),
        ({"most_lease_days": 30}, True),
        ({"most_lease_days": 29}, False),
        ({"consumer_domains": ["finance"], "interfaces": ["storage"]}, False),
    ],
)
def test_a_rule_matches_where_all_that_it_names_does(match: dict[str, object], *, matches: bool) -> None:
    wanted = rule(**match)
    assert ruling([wanted], REQUEST, CONSUMER, PROVIDER) == (wanted if matches else ASK)


def test_an_exposure_matches_what_was_asked_for() -> None:
    wanted = rule(exposures=["peering"], ruling="reject")
    asked = msgspec.structs.replace(REQUEST, exposure="peering")
    assert ruling([wanted], asked, CONSUMER, PROVIDER) == wanted


def test_nodes_of_which_nothing_is_known_have_nothing_in_common() -> None:
    unknown = msgspec.structs.replace(CONSUMER, owner_id="", domain="")
    both = rule(same_owner=True), rule(same_domain=True)
    assert ruling(both, REQUEST, unknown, msgspec.structs.replace(unknown, key=PROVIDER.key)) == ASK
    mates = msgspec.structs.replace(PROVIDER, owner_id="TEAM-1")
    assert ruling(both, REQUEST, CONSUMER, mates) == both[0]


def test_the_first_rule_that_matches_counts() -> None:
    first, second = rule(name="first", ruling="reject"), rule(name="second")
    assert ruling([rule(interfaces=["storage"]), first, second], REQUEST, CONSUMER, PROVIDER) == first


def test_rules_are_written_as_json_and_a_word_that_is_none_is_refused() -> None:
    text = b'[{"name": "open", "ruling": "accept", "provider_domains": ["retail"], "self_approval": true}]'
    [read] = msgspec.json.decode(text, type=list[Rule])
    assert (read.name, read.self_approval, read.provider_domains) == ("open", True, ("retail",))
    for wrong in (b'[{"name": "x", "ruling": "maybe"}]', b'[{"name": "x", "ruling": "ask", "domain": "y"}]'):
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(wrong, type=list[Rule])
