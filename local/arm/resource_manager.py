"""Everything Resource Manager knows and does, put together: the one object that providers work with."""

from collections.abc import Callable
from dataclasses import dataclass, field

from local.arm.access.book import Access
from local.arm.activity import Feed
from local.arm.authentication import Authentication
from local.arm.ceilings import Ceilings
from local.arm.clock import Clock, SystemClock
from local.arm.documents import JsonObject
from local.arm.faults import Faults
from local.arm.operations import Operations, OperationsMode
from local.arm.request_log import RequestLog
from local.arm.store import Resource, Store
from local.arm.throttling import Limits, Throttling
from local.identity.tokens import DEFAULT_TENANT

DEFAULT_SUBSCRIPTION = "b0000000-0000-4000-8000-000000000001"

type RemovalHook = Callable[[Resource], None]
type Blockers = Callable[[Resource], list[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """`key` signs and checks access tokens; without it any signature passes.

    `owners` are the object ids that are Owner of every subscription; others may do what they are assigned. With None
    everybody may do everything.
    """

    subscriptions: tuple[str, ...] = (DEFAULT_SUBSCRIPTION,)
    tenant: str = DEFAULT_TENANT
    key: bytes | None = None
    owners: tuple[str, ...] | None = None
    operations: OperationsMode = field(default_factory=OperationsMode)
    limits: Limits = field(default_factory=Limits)
    page_size: int = 1000


class ResourceManager:
    """State and the services that act on it. `reset` returns to an empty subscription."""

    def __init__(self, configuration: Configuration | None = None, clock: Clock | None = None) -> None:
        self.configuration = configuration or Configuration()
        self.clock: Clock = clock or SystemClock()
        self.store = Store()
        self.feed = Feed()
        self.operations = Operations(self.clock, self.feed, self.configuration.operations)
        self.throttling = Throttling(self.clock, self.configuration.limits)
        self.authentication = Authentication(self.clock, self.configuration.key, self.configuration.tenant)
        self.access = Access(self.configuration.subscriptions, self.configuration.owners)
        self.faults = Faults()
        self.log = RequestLog()
        # Settings outlive their resource, so they are not kept with it: resource id, setting name, setting.
        self.diagnostic_settings: dict[str, dict[str, JsonObject]] = {}
        self.subscription_tags: dict[str, dict[str, str]] = {}
        self.latency = 0.0
        self.page_size = self.configuration.page_size
        self.ceilings = Ceilings()
        self._removal_hooks: dict[str, list[RemovalHook]] = {}
        self._blockers: dict[str, list[Blockers]] = {}

    def on_removal(self, type_: str, hook: RemovalHook, blockers: Blockers | None = None) -> None:
        """Call `hook` before a resource of this type goes; `blockers` names what forbids that it goes."""
        self._removal_hooks.setdefault(type_.lower(), []).append(hook)
        if blockers is not None:
            self._blockers.setdefault(type_.lower(), []).append(blockers)

    def blockers(self, resource: Resource) -> list[str]:
        """Ids of resources that must go first."""
        checks = self._blockers.get(resource.type.lower(), [])
        return [blocker for check in checks for blocker in check(resource)]

    def remove(self, identifier: str) -> Resource | None:
        """Remove a resource with its children, and let providers undo what depends on them."""
        resource = self.store.find(identifier)
        if resource is None:
            return None
        for item in [*self.store.beneath(resource.key), resource]:
            for hook in self._removal_hooks.get(item.type.lower(), []):
                hook(item)
        self.access.forget_beneath(resource.key)
        return self.store.remove(identifier)

    def reset(self) -> None:
        """Forget all resources, settings, operations, faults, requests and spent quota; restore the defaults."""
        self.store.clear()
        self.access.clear()
        self.diagnostic_settings.clear()
        self.subscription_tags.clear()
        self.operations.restore([])
        self.operations.mode = self.configuration.operations
        self.throttling.configure(self.configuration.limits)
        self.faults.clear()
        self.log.clear()
        self.latency = 0.0
        self.page_size = self.configuration.page_size
        self.ceilings = Ceilings()
