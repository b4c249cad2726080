"""The resource providers. Each folder has routes (requests), behaviour (what happens) and models (shapes)."""

from local.arm.providers.generic.routes import mount as mount_generic
from local.arm.providers.implied_children import mount as mount_implied_children
from local.arm.providers.microsoft_authorization.routes import mount as mount_authorization
from local.arm.providers.microsoft_insights.routes import mount as mount_insights
from local.arm.providers.microsoft_insights.subscription_settings import (
    mount as mount_subscription_settings,
)
from local.arm.providers.microsoft_network.routes import mount as mount_network
from local.arm.providers.microsoft_operationalinsights.routes import mount as mount_operational_insights
from local.arm.providers.microsoft_resources.routes import mount as mount_resources
from local.arm.providers.service_rules import mount as mount_service_rules
from local.arm.resource_manager import ResourceManager
from local.arm.routing import Router


def mount(router: Router, manager: ResourceManager) -> None:
    """Add every provider's routes; the generic ones come last because they fit nearly every path."""
    mount_authorization(router, manager)
    mount_subscription_settings(router, manager)
    mount_insights(router, manager)
    mount_network(router, manager)
    mount_operational_insights(router, manager)
    mount_resources(router, manager)
    mount_service_rules(router, manager)
    mount_implied_children(router, manager)
    mount_generic(router, manager)
