"""How another part of the local Azure adds resource types to Resource Manager (Event Grid does)."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from local.arm.resource_manager import ResourceManager
    from local.arm.routing import Router


class Extension(Protocol):
    """A provider that lives outside local/arm: pass instances to `create_app(extensions=[...])`.

    Its routes come before the generic ones, so they win. `start` runs once the server's event loop runs and
    before the first request, with the whole Resource Manager at hand: `manager.feed` (what has completed,
    see local.arm.activity), `manager.store` (resources, saved and loaded with the rest of the state),
    `manager.clock`. `stop` runs at shutdown, before the state is saved.
    """

    def mount(self, router: "Router", manager: "ResourceManager") -> None:
        """Add routes: `router.add("PUT", "/subscriptions/{subscription}/providers/Microsoft.X/y/{name}", handler)`."""

    async def start(self, manager: "ResourceManager") -> None: ...

    async def stop(self) -> None: ...
