"""Who may reach a service from which subnet: network rules of storage, key vaults, SQL servers and Event Hubs."""

from local.arm.providers.service_rules.event_hubs import mount as mount_event_hubs
from local.arm.providers.service_rules.sql import mount as mount_sql
from local.arm.providers.service_rules.storage import mount as mount_storage
from local.arm.providers.service_rules.vaults import mount as mount_vaults
from local.arm.resource_manager import ResourceManager
from local.arm.routing import Router


def mount(router: Router, manager: ResourceManager) -> None:
    """Add the routes that differ from those of any other resource; they must come before the generic ones."""
    mount_storage(router, manager)
    mount_vaults(router, manager)
    mount_sql(router, manager)
    mount_event_hubs(router, manager)
