"""Names of what Meshplane makes: deterministic, within Azure's lengths, and one for each thing."""

import re

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.ids import NodeKey
from shared.domain.naming import (
    edge_peering_name,
    hub_pair_name,
    hub_peering_name,
    hub_peering_prefix,
    is_hub_pair_name,
    node_peering_name,
    spoke_peering_name,
)

SUB = "00000000-0000-0000-0000-000000000001"
NETWORKS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}[A-Za-z0-9_]", fullmatch=True)
GROUPS = st.from_regex(r"[A-Za-z0-9_()-]{1,90}", fullmatch=True)


def network(group: str, name: str) -> str:
    return f"/subscriptions/{SUB}/resourceGroups/{group}/providers/Microsoft.Network/virtualNetworks/{name}"


@given(group=GROUPS, name=NETWORKS)
def test_names_are_valid_peering_names_of_at_most_80_characters(group: str, name: str) -> None:
    for made in (
        hub_peering_name("meshplane", NodeKey.of(SUB, group), network(group, name)),
        spoke_peering_name("meshplane", network(group, name)),
        node_peering_name("m" * 24, NodeKey.of(SUB, group), network(group, name)),
        hub_pair_name("m" * 24, "a-hub", network(group, name)),
        edge_peering_name("m" * 24, network(group, name)),
    ):
        assert len(made) <= 80
        assert re.fullmatch(r"[A-Za-z0-9][\w.-]*\w", made)


@given(group=GROUPS, name=NETWORKS)
def test_spelling_does_not_change_a_name(group: str, name: str) -> None:
    key = NodeKey.of(SUB, group)
    lower, upper = network(group, name).lower(), network(group, name).upper() + "/"
    names = {hub_peering_name("m", key, i).lower() for i in (lower, upper)}
    assert len(names) == 1
    assert names.pop().startswith(hub_peering_prefix("m", NodeKey.of(SUB.upper(), group.upper())).lower())


@given(groups=st.lists(GROUPS.map(str.lower), min_size=2, max_size=2, unique=True), name=NETWORKS)
def test_networks_of_one_name_in_two_groups_have_two_names_on_the_hub(groups: list[str], name: str) -> None:
    one, other = (hub_peering_name("m", NodeKey.of(SUB, g), network(g, name)) for g in groups)
    assert one != other
    assert not other.startswith(hub_peering_prefix("m", NodeKey.of(SUB, groups[0])))


def test_long_names_that_begin_alike_stay_apart() -> None:
    key = NodeKey.of(SUB, "g")
    names = {hub_peering_name("m", key, network("g", "n" * 60 + end)) for end in ("a", "b")}
    assert len(names) == 2


@given(group=GROUPS, name=NETWORKS, mesh=st.sampled_from(("m", "m-hub", "m-node", "m-edge", "m-to")))
def test_pairs_of_every_kind_and_mesh_have_names_of_their_own(group: str, name: str, mesh: str) -> None:
    key, remote = NodeKey.of(SUB, group), network(group, name)
    kinds = [
        hub_peering_name(mesh, key, remote),
        spoke_peering_name(mesh, remote),
        node_peering_name("m", key, remote),
        hub_pair_name("m", "hub", remote),
        edge_peering_name("m", remote),
    ]
    assert len(set(kinds)) == len(kinds)
    assert not any(k.startswith(hub_peering_prefix(mesh, key)) for k in kinds[1:])
    assert [is_hub_pair_name("m", k, remote) for k in kinds] == [False, False, False, True, False]
    assert not is_hub_pair_name("m", kinds[3], remote + "x")
