"""Approval rules as data: who may be connected to whom without a person, with one, or never. Pure."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from shared.domain.edge import EdgeRequest, Exposure, Interface
from shared.domain.node import NodeRecord

type Ruling = Literal["accept", "reject", "ask"]


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a request must be like, and what then happens. What a rule leaves out, matches everything.

    Domains and environments are compared without regard to case. `exposures` match what was asked for, and nothing
    where the planner chooses. With `self_approval` whoever asked may approve their own request.
    """

    name: str
    ruling: Ruling
    self_approval: bool = False
    consumer_domains: tuple[str, ...] = ()
    provider_domains: tuple[str, ...] = ()
    consumer_environments: tuple[str, ...] = ()
    provider_environments: tuple[str, ...] = ()
    interfaces: tuple[Interface, ...] = ()
    exposures: tuple[Exposure, ...] = ()
    same_owner: bool | None = None
    same_domain: bool | None = None
    most_gigabytes: float | None = None
    most_lease_days: float | None = None


ASK = Rule(name="default", ruling="ask")
"""What happens where no rule matches: a person decides."""


def ruling(rules: Sequence[Rule], request: EdgeRequest, consumer: NodeRecord, provider: NodeRecord) -> Rule:
    """The first rule that matches."""
    return next((rule for rule in rules if _matches(rule, request, consumer, provider)), ASK)


def _matches(rule: Rule, request: EdgeRequest, consumer: NodeRecord, provider: NodeRecord) -> bool:
    return (
        _one_of(rule.consumer_domains, consumer.domain)
        and _one_of(rule.provider_domains, provider.domain)
        and _one_of(rule.consumer_environments, consumer.environment)
        and _one_of(rule.provider_environments, provider.environment)
        and (not rule.interfaces or request.interface in rule.interfaces)
        and (not rule.exposures or request.exposure in rule.exposures)
        and rule.same_owner in (None, _same(consumer.owner_id, provider.owner_id))
        and rule.same_domain in (None, _same(consumer.domain, provider.domain))
        and (rule.most_gigabytes is None or request.gigabytes <= rule.most_gigabytes)
        and (rule.most_lease_days is None or request.lease_days <= rule.most_lease_days)
    )


def _one_of(named: tuple[str, ...], value: str) -> bool:
    return not named or value.lower() in {name.lower() for name in named}


def _same(left: str, right: str) -> bool:
    """Two nodes of which nothing is known have nothing in common."""
    return bool(left) and left.lower() == right.lower()
