"""What a name leads to inside a virtual network, as Azure DNS at 168.63.129.16 answers there.

A private zone that is linked to the network is authoritative for all names in it. Elsewhere the public answer
counts: for a service that has private endpoints that is an alias in its `privatelink` zone.
https://learn.microsoft.com/azure/private-link/private-endpoint-dns
"""

from local.arm.documents import Json, JsonObject, object_in, objects_in, text_in
from local.arm.providers.microsoft_network.private_dns.models import LINKS, RECORDS, network_of
from local.arm.providers.private_link_targets.connections import COLLECTION
from local.arm.providers.private_link_targets.table import targets
from local.arm.store import Resource, Store

# Aliases of aliases: no more than resolvers follow.
_LONGEST = 8


def resolve(store: Store, network: str, name: str) -> JsonObject:
    """`status` is `private` (with `addresses` and the `zone` they come from), `public` or `nxdomain`.

    `chain` has every step: name, type, value, and the zone's id or null for the public name system.
    """
    if store.find(network) is None:
        raise ValueError(f"there is no virtual network {network!r}")
    if not name:
        raise ValueError("a name is required")
    wanted, chain = name.rstrip(".").lower(), list[Json]()
    for _ in range(_LONGEST):
        zone = _zone_for(store, network, wanted)
        if zone is None:
            alias = _public_alias(store, wanted)
            if alias is None:
                return _answer(name, "public", chain)
            chain.append({"name": wanted, "type": "CNAME", "value": alias, "zone": None})
            wanted = alias
            continue
        addresses, alias = _in_zone(store, zone, wanted)
        if addresses:
            chain += [
                {"name": wanted, "type": "A", "value": value, "zone": zone.id.text} for value in addresses
            ]
            return _answer(name, "private", chain, addresses, zone)
        if alias is None:
            return _answer(name, "nxdomain", chain, zone=zone)
        chain.append({"name": wanted, "type": "CNAME", "value": alias, "zone": zone.id.text})
        wanted = alias
    return _answer(name, "nxdomain", chain)


def _zone_for(store: Store, network: str, name: str) -> Resource | None:
    """The linked zone with the longest name that fits; a link counts once it is there."""
    zones = [
        store.find(link.id.parent.text)
        for link in store.of_type(LINKS)
        if link.id.parent is not None
        and network_of(link).lower() == network.lower()
        and link.properties.get("virtualNetworkLinkState") == "Completed"
    ]
    fitting = [zone for zone in zones if zone is not None and _within(name, zone.name.lower())]
    return max(fitting, key=lambda zone: len(zone.name), default=None)


def _within(name: str, zone: str) -> bool:
    return name == zone or name.endswith("." + zone)


def _in_zone(store: Store, zone: Resource, name: str) -> tuple[list[str], str | None]:
    """Addresses and alias of a name; a wildcard answers for what has no record sets of its own."""
    own = name.removesuffix(zone.name.lower()).rstrip(".") or "@"
    parent = own.partition(".")[2]
    candidates = [own] if own == "@" else [own, f"*.{parent}" if parent else "*"]
    for candidate in candidates:
        sets = [store.find(f"{zone.id.text}/{type_}/{candidate}") for type_ in RECORDS]
        if not any(sets):
            continue
        addresses = store.find(f"{zone.id.text}/A/{candidate}")
        alias = store.find(f"{zone.id.text}/CNAME/{candidate}")
        found = objects_in(addresses.properties, RECORDS["A"]) if addresses else []
        canonical = (
            text_in(object_in(alias.properties, RECORDS["CNAME"]), "cname") if alias is not None else None
        )
        texts = [text_in(record, "ipv4Address") or "" for record in found]
        return texts, canonical.rstrip(".").lower() if canonical else None
    return [], None


def _public_alias(store: Store, name: str) -> str | None:
    """Public names of services lead on to their private zone as soon as there is a connection."""
    for target in targets().values():
        for resource in store.of_type(target.type):
            if not store.children(resource.id, COLLECTION):
                continue
            for group in target.groups_of(resource):
                if any(name == fqdn for member in group.members for fqdn in member.fqdns):
                    record = group.naming.record(name)
                    return group.naming.zone if record == "@" else f"{record}.{group.naming.zone}"
    return None


def _answer(
    name: str,
    status: str,
    chain: list[Json],
    addresses: list[str] | None = None,
    zone: Resource | None = None,
) -> JsonObject:
    return {
        "name": name,
        "status": status,
        "addresses": [*(addresses or [])],
        "zone": zone.id.text if zone else None,
        "chain": chain,
    }
