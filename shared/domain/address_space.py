"""Address spaces: lists of CIDR prefixes, and where they meet."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_network


def overlaps(left: Iterable[str], right: Iterable[str]) -> list[tuple[str, str]]:
    """Every pair of prefixes, one of each side, that share an address."""
    others = [_network(r) for r in right]
    return [
        (str(a), str(b))
        for a in map(_network, left)
        for b in others
        if a.version == b.version and a.overlaps(b)
    ]


def _network(prefix: str) -> IPv4Network | IPv6Network:
    return ip_network(prefix, strict=False)
