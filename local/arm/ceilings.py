"""How many of a kind Azure allows, lowered by tests that want to meet the end of it.

https://learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits#networking-limits
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceilings:
    """Peerings of one network, and networks of one subscription in one region."""

    peerings: int = 500
    networks: int = 1000
