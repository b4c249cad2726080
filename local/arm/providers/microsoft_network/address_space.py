"""Address prefixes: valid, inside one another, overlapping. Pure functions on CIDR texts."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network

from local.arm.errors import NetworkError

type Network = IPv4Network | IPv6Network


def parsed(prefix: str, resource_id: str) -> Network:
    """The network, or the error of the network provider for what is not one."""
    try:
        return ip_network(prefix)
    except ValueError:
        pass
    try:
        corrected = ip_network(prefix, strict=False)
    except ValueError as error:
        raise NetworkError(
            400,
            "InvalidAddressPrefixFormat",
            f"Address prefix {prefix} of resource {resource_id} is not formatted correctly. It should follow CIDR "
            "notation, for example 10.0.0.0/24.",
        ) from error
    raise NetworkError(
        400,
        "InvalidCIDRNotation",
        f"The address prefix {prefix} in resource {resource_id} has an invalid CIDR notation. For the given prefix "
        f"length, the address prefix should be {corrected}.",
    )


def overlapping(first: Iterable[str], second: Sequence[str]) -> list[str]:
    """The prefixes of both sides that share addresses, first side first, each once; both must be valid."""
    pairs = [(a, b) for a in first for b in second if overlap(_network(a), _network(b))]
    return list(dict.fromkeys([a for a, _ in pairs] + [b for _, b in pairs]))


@lru_cache(maxsize=16_384)
def _network(prefix: str) -> Network:
    """A hub compares with its 500 neighbours on every write: parsing once is most of the time saved."""
    return ip_network(prefix)


def overlap(first: Network, second: Network) -> bool:
    return first.version == second.version and first.overlaps(second)


def inside(inner: Network, outer: Iterable[Network]) -> bool:
    return any(
        (isinstance(inner, IPv4Network) and isinstance(space, IPv4Network) and inner.subnet_of(space))
        or (isinstance(inner, IPv6Network) and isinstance(space, IPv6Network) and inner.subnet_of(space))
        for space in outer
    )
