"""The tag schema: what is allowed, what is refused by name, and what is never recorded."""

import pytest

from shared.domain.tags import NETWORKS, TELEMETRIES, WITHHELD, is_node, read_tags

RTL = "\u202emoc.live"


@pytest.mark.parametrize("name", ["mesh-node", "Mesh-Node", "MESH-NODE"])
def test_the_node_tag_makes_a_node_in_any_case_even_with_a_wrong_value(name: str) -> None:
    assert is_node({name: ""})
    assert not is_node({"mesh-domain": "retail"})


def test_only_the_product_has_to_be_said() -> None:
    tags, findings = read_tags({"mesh-node": "sales"})
    assert (tags.product, tags.domain, tags.owner, tags.network, tags.telemetry, findings) == (
        "sales",
        "",
        "",
        "hub",
        "logs",
        [],
    )


@pytest.mark.parametrize("value", ["sales", "Sales 2", "données-ventes", "販売", "a" * 64, " sales "])
def test_a_plain_name_is_allowed(value: str) -> None:
    tags, findings = read_tags({"mesh-node": value})
    assert (tags.product, findings) == (value.strip(), [])


@pytest.mark.parametrize(
    "value",
    [
        "<script>alert(1)</script>",
        "a'b",
        'a"b',
        "a\nb",
        "a" * 256,
        "a" * 65,
        RTL,
        "",
        "   ",
        "-a",
        "a;b",
        "a/b",
    ],
)
def test_a_hostile_or_empty_name_is_refused_with_tag_value_and_rule_and_never_guessed(value: str) -> None:
    tags, findings = read_tags({"mesh-node": value})
    assert tags.product is None
    assert [(f.reason, f.severity, f.waiting) for f in findings] == [("InvalidTag", "error", False)]
    assert all(part in findings[0].message for part in ("mesh-node", repr(value.strip()), "1 to 64 letters"))


@pytest.mark.parametrize("tag", ["mesh-domain", "mesh-owner"])
def test_domain_and_owner_follow_the_same_rule_but_may_be_empty(tag: str) -> None:
    assert not read_tags({"mesh-node": "a", tag: ""})[1]
    assert [tag in f.message for f in read_tags({"mesh-node": "a", tag: "<b>"})[1]] == [True]


def test_an_owners_address_is_withheld() -> None:
    tags, findings = read_tags({"mesh-node": "a", "mesh-owner": "someone@example.com"})
    assert (tags.owner, findings) == (WITHHELD, [])


@pytest.mark.parametrize(("tag", "allowed"), [("mesh-network", NETWORKS), ("mesh-telemetry", TELEMETRIES)])
def test_a_choice_takes_what_is_listed_in_any_case_and_names_the_list_otherwise(
    tag: str, allowed: tuple[str, ...]
) -> None:
    for value in allowed:
        assert not read_tags({"mesh-node": "a", tag.upper(): value.upper()})[1]
    for wrong in ("hbu", "", "hub,mesh"):
        tags, findings = read_tags({"mesh-node": "a", tag: wrong})
        assert None in (tags.network, tags.telemetry)
        assert all(word in findings[0].message for word in (tag, repr(wrong), *allowed))


def test_every_wrong_tag_is_named_at_once() -> None:
    _, findings = read_tags(
        {"mesh-node": "<", "mesh-domain": "<", "mesh-network": "<", "mesh-telemetry": "<"}
    )
    assert len(findings) == 4
