"""The floor of necessary calls that the demo prints beside the calls that were made."""

from demo.floor import Floor, onboarding_floor

VAULT, NETWORK = "Microsoft.KeyVault/vaults", "Microsoft.Network/virtualNetworks"


def test_a_network_and_a_vault_cost_ten_reads_and_four_writes() -> None:
    """4 for the group, 2 types, 2 resources' settings, 2 polls; 2 peerings and 2 settings."""
    floor = onboarding_floor([NETWORK, VAULT], supported=2, uncovered=2, networks_to_attach=1)

    assert floor == Floor(reads=10, writes=4)


def test_a_type_is_asked_for_its_categories_once() -> None:
    """A hundred vaults, spelled in either case, cost one read of categories and a hundred of settings."""
    types = [VAULT, VAULT.lower()] * 50
    floor = onboarding_floor(types, supported=100, uncovered=100, networks_to_attach=0)

    assert floor == Floor(reads=4 + 1 + 100, writes=100)


def test_what_reports_already_is_read_but_not_written() -> None:
    """Resources that somebody's own setting covers need no write, unsupported ones not even a list."""
    floor = onboarding_floor([VAULT, "Microsoft.Web/sites"], supported=1, uncovered=0, networks_to_attach=0)

    assert floor == Floor(reads=4 + 2 + 1, writes=0)


def test_a_network_out_of_a_pool_costs_two_writes_two_polls_and_another_look() -> None:
    """Beside what any network costs: the network and its security group, and what the group holds then."""
    types = [NETWORK, "Microsoft.Network/networkSecurityGroups"]
    floor = onboarding_floor(types, supported=2, uncovered=2, networks_to_attach=1, networks_to_make=1)

    assert floor == Floor(reads=10 + 2 + 2, writes=4 + 2)
