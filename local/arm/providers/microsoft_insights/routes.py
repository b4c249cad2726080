from local.arm.manager import ResourceManager
from local.arm.routing import Router


def mount(router: Router, manager: ResourceManager) -> None:
    pass
