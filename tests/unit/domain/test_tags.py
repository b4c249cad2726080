"""The tag schema: what is allowed, what is refused by name, and what is never recorded."""

from hashlib import sha256

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


@pytest.mark.parametrize("tag", ["mesh-domain", "mesh-environment", "mesh-owner"])
def test_domain_environment_and_owner_follow_the_same_rule_but_may_be_empty(tag: str) -> None:
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
        {
            "mesh-node": "<",
            "mesh-domain": "<",
            "mesh-environment": "<",
            "mesh-network": "<",
            "mesh-telemetry": "<",
        }
    )
    assert len(findings) == 5


def test_of_an_owners_address_nothing_but_its_digest_is_kept_in_any_case() -> None:
    one, other = (
        read_tags({"mesh-node": "a", "mesh-owner": o})[0] for o in ("Some@Example.com", "some@example.com")
    )
    assert one.owner_id == other.owner_id == sha256(b"some@example.com").hexdigest()


@pytest.mark.parametrize(
    ("owner", "owner_id"),
    [
        ("0AF1B2C3-0000-0000-0000-00000000000F", "0af1b2c3-0000-0000-0000-00000000000f"),
        ("the sales team", ""),
        ("", ""),
    ],
)
def test_an_owner_is_recognised_by_an_object_id_and_not_by_a_free_text(owner: str, owner_id: str) -> None:
    tags, findings = read_tags({"mesh-node": "a", "mesh-owner": owner})
    assert (tags.owner_id, findings) == (owner_id, [])


@pytest.mark.parametrize(
    ("value", "size"),
    [(None, "24"), ("16", "16"), ("28", "28"), ("Databricks", "databricks"), ("29", None), ("x", None)],
)
def test_a_network_is_as_large_as_the_tag_says(value: str | None, size: str | None) -> None:
    said = {} if value is None else {"mesh-address-size": value}
    tags, findings = read_tags({"mesh-node": "a", **said})
    assert (tags.address_size, len(findings)) == (size, size is None)
