"""The policies of this process: read by the first look at a node, for they are no part of a cold start."""

from collections.abc import Callable
from functools import cached_property

from shared.domain.errors import Terminal
from shared.domain.governance import Policies

SHOWN = 20
"""Faults that the answer lists."""


class PolicyBook:
    """What can be used of the policies, and what cannot."""

    def __init__(self, load: Callable[[], Policies]) -> None:
        self._load = load

    @cached_property
    def policies(self) -> Policies:
        return self._load()


class PoliciesProbe:
    """Probe: a policy that cannot be used is shown here; the others count, and what is known of it is kept."""

    name = "policies"

    def __init__(self, book: PolicyBook) -> None:
        self._book = book

    async def check(self) -> str:
        policies = self._book.policies
        if not policies.faults:
            return f"{len(policies.items)} policies are judged."
        more = len(policies.faults) - SHOWN
        told = [*policies.faults[:SHOWN], *([f"and {more} more"] if more > 0 else [])]
        raise Terminal("PoliciesInvalid", "; ".join(told))
