"""Network rules of SQL servers: a resource for each subnet, made and dropped by an operation of its own.

Shapes: recording Test_SQL_Server_v20250101_CRUD, and the Virtual Network Rules and Firewall Rules REST APIs.
"""

from collections.abc import Sequence
from hashlib import sha256

import msgspec

from shared.adapters.arm.connection import Body
from shared.domain.ids import normal_id, same_id

API_VERSION = "2023-08-01"
SQL_SERVERS = "microsoft.sql/servers"
_LOWEST, _HIGHEST = "0.0.0.0", "255.255.255.255"


class _RuleProperties(msgspec.Struct, rename="camel"):
    virtual_network_subnet_id: str = ""


class SqlRule(msgspec.Struct):
    """One virtual network rule."""

    id: str
    properties: _RuleProperties = msgspec.field(default_factory=_RuleProperties)

    @property
    def subnet(self) -> str:
        return self.properties.virtual_network_subnet_id


class SqlRulesBody(msgspec.Struct, rename="camel"):
    """One page of a server's virtual network rules."""

    value: tuple[SqlRule, ...] = ()
    next_link: str | None = None


class _AddressRange(msgspec.Struct, rename="camel"):
    start_ip_address: str = ""
    end_ip_address: str = ""


class _AddressRule(msgspec.Struct):
    properties: _AddressRange = msgspec.field(default_factory=_AddressRange)


class AddressRulesBody(msgspec.Struct):
    """A server's firewall rules by address."""

    value: tuple[_AddressRule, ...] = ()

    @property
    def everybody(self) -> bool:
        ranges = [(r.properties.start_ip_address, r.properties.end_ip_address) for r in self.value]
        return (_LOWEST, _HIGHEST) in ranges


def rule_id(server: str, subnet: str) -> str:
    """The rule that lets a subnet through, named by the subnet so that a repeated write finds it."""
    mark = sha256(normal_id(subnet).encode()).hexdigest()[:12]
    return f"{server}/virtualNetworkRules/meshplane-{mark}"


def rule_for(rules: Sequence[SqlRule], subnet: str) -> str:
    """The id of the rule for a subnet, empty where there is none."""
    return next((rule.id for rule in rules if same_id(rule.subnet, subnet)), "")


def rule_body(subnet: str) -> Body:
    return {"properties": {"virtualNetworkSubnetId": subnet, "ignoreMissingVnetServiceEndpoint": False}}
