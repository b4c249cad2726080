"""Service endpoints of subnets, and the network rules of the resources behind them.

Each change is read, merged and written: a subnet on the condition of its etag, firewalls without one, since the
providers offer none.
"""

from typing import cast

from shared.adapters.arm import sql_rules
from shared.adapters.arm.connection import ArmConnection, Body, decoded
from shared.adapters.arm.firewalls import FIREWALLS, Firewall, network_rules, with_rule, without_rule
from shared.adapters.arm.sql_rules import SQL_SERVERS
from shared.domain.errors import NotFound, Terminal
from shared.domain.ids import type_of
from shared.domain.plan import Accepted
from shared.domain.private_link import NetworkRules

# An older version would not show what newer ones have set, and writing it back would remove it: the newest that the
# network client in the dependencies speaks.
_SUBNETS = "2026-03-01"
_ENDPOINTS = "serviceEndpoints"


class ArmServiceRules(ArmConnection):
    """ServiceRules at one endpoint."""

    async def add_service_endpoint(self, subnet: str, service: str) -> Accepted:
        body, etag = await self._get(subnet, _SUBNETS)
        entries = _endpoints(body)
        if any(_service(entry) == service.lower() for entry in entries):
            return Accepted()
        return await self._put_endpoints(subnet, body, [*entries, {"service": service}], etag)

    async def remove_service_endpoint(self, subnet: str, service: str) -> Accepted:
        try:
            body, etag = await self._get(subnet, _SUBNETS)
        except NotFound:
            return Accepted()
        entries = _endpoints(body)
        kept = [entry for entry in entries if _service(entry) != service.lower()]
        if len(kept) == len(entries):
            return Accepted()
        return await self._put_endpoints(subnet, body, kept, etag)

    async def get_network_rules(self, target: str) -> NetworkRules | None:
        if type_of(target) == SQL_SERVERS:
            rules = await self._sql_rules(target)
            return NetworkRules(tuple(r.subnet for r in rules), await self._sql_open(target))
        firewall = FIREWALLS.get(type_of(target))
        if firewall is None:
            return None
        found = await self._get(target + firewall.document, firewall.version)
        return network_rules(firewall, found.body)

    async def add_network_rule(self, target: str, subnet: str) -> Accepted:
        if type_of(target) == SQL_SERVERS:
            if sql_rules.rule_for(await self._sql_rules(target), subnet):
                return Accepted()
            rule = sql_rules.rule_id(target, subnet)
            return await self._put(rule, sql_rules.API_VERSION, sql_rules.rule_body(subnet))
        firewall = _firewall(target)
        found = await self._get(target + firewall.document, firewall.version)
        return await self._write_rules(target, firewall, with_rule(firewall, found.body, subnet))

    async def remove_network_rule(self, target: str, subnet: str) -> Accepted:
        try:
            if type_of(target) == SQL_SERVERS:
                rule = sql_rules.rule_for(await self._sql_rules(target), subnet)
                return await self._delete(rule, sql_rules.API_VERSION) if rule else Accepted()
            firewall = _firewall(target)
            found = await self._get(target + firewall.document, firewall.version)
        except NotFound:
            return Accepted()
        return await self._write_rules(target, firewall, without_rule(firewall, found.body, subnet))

    async def _write_rules(self, target: str, firewall: Firewall, body: Body | None) -> Accepted:
        if body is None:
            return Accepted()
        write = self._patch if firewall.method == "PATCH" else self._put
        return await write(target + firewall.document, firewall.version, body)

    async def _put_endpoints(self, subnet: str, body: Body, entries: list[Body], etag: str) -> Accepted:
        properties = {**cast("Body", body.get("properties") or {}), _ENDPOINTS: entries}
        return await self._put(subnet, _SUBNETS, {**body, "properties": properties}, If_Match=etag)

    async def _sql_rules(self, server: str) -> list[sql_rules.SqlRule]:
        found: list[sql_rules.SqlRule] = []
        link = self._url(f"{server}/virtualNetworkRules", sql_rules.API_VERSION)
        while link:
            page = decoded(await self._read(link, server), sql_rules.SqlRulesBody, server)
            found += page.value
            link = page.next_link or ""
        return found

    async def _sql_open(self, server: str) -> bool:
        url = self._url(f"{server}/firewallRules", sql_rules.API_VERSION)
        return decoded(await self._read(url, server), sql_rules.AddressRulesBody, server).everybody


def _firewall(target: str) -> Firewall:
    found = FIREWALLS.get(type_of(target))
    if found is None:
        raise Terminal("NoNetworkRules", f"{type_of(target)} has no network rules", target=target)
    return found


def _endpoints(subnet: Body) -> list[Body]:
    properties = cast("Body", subnet.get("properties") or {})
    return cast("list[Body]", properties.get(_ENDPOINTS) or [])


def _service(entry: Body) -> str:
    return str(entry.get("service", "")).lower()
