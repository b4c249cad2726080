"""Resource Manager over HTTP: what happens to every request, whatever it asks for."""

import asyncio
import inspect
import logging
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from aiohttp import web

from local.arm import api_version, metadata
from local.arm.access.gate import authorize
from local.arm.actions import Action, action_of
from local.arm.activity import CompletedOperation, OperationKind
from local.arm.clock import SystemClock, timestamp
from local.arm.control import Control
from local.arm.errors import ArmError, subscription_not_found
from local.arm.extension import Extension
from local.arm.faults import Fault
from local.arm.group_names import check_group_name
from local.arm.messages import ArmRequest, ArmResponse
from local.arm.providers import mount
from local.arm.resource_manager import ResourceManager
from local.arm.routing import Router
from local.arm.wire import arm_request, body_of, rendered

LOG = logging.getLogger("local.arm")
_KINDS: dict[str, OperationKind] = {"write": "Write", "delete": "Delete", "action": "Action"}
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# Refused at the door: Azure's activity log does not show these.
_UNREPORTED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.METHOD_NOT_ALLOWED)


@dataclass(slots=True)
class Server:
    manager: ResourceManager
    router: Router
    identity_endpoint: str | None = None
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request, whatever goes wrong with it, and log it."""
        manager = self.manager
        manager.operations.settle()
        if manager.latency:
            await asyncio.sleep(manager.latency)
        arm = arm_request(request, manager.clock.now())
        action = action_of(arm.method, arm.path)
        fault: Fault | None = None
        error: str | None = None
        try:
            if arm.path.lower() == "/metadata/endpoints":
                body = metadata.endpoints(arm.base_url, manager.configuration.tenant, self.identity_endpoint)
                return web.json_response(body)
            arm.principal = manager.authentication.authenticate(
                request.headers.get("Authorization"), arm.base_url
            )
            fault = manager.faults.take(arm.method, arm.path, action, arm.principal)
            response = await self._answer(request, arm, action, fault)
        except ArmError as refused:
            error = refused.code
            response = ArmResponse(status=refused.status, body=refused.body(), headers=refused.headers)
        except Exception:
            # A bug here: shown with its traceback, and answered as Azure answers its own.
            LOG.exception("%s %s failed", arm.method, arm.path)
            error = "InternalServerError"
            response = ArmResponse(
                status=500, body={"error": {"code": error, "message": "An error occurred."}}
            )
        answer = rendered(arm, response, manager.clock.now())
        self._report(arm, action, response, fault)
        dropped = fault is not None and fault.drop is not None
        self._log(arm, action, 0 if dropped else response.status, error)
        manager.operations.settle()
        if dropped and request.transport is not None:
            request.transport.abort()
        return answer

    async def _answer(
        self, request: web.Request, arm: ArmRequest, action: Action, fault: Fault | None
    ) -> ArmResponse:
        if fault is not None:
            if fault.delay:
                await asyncio.sleep(fault.delay)
            refused = fault.error()
            if refused is not None:
                raise refused
            if fault.drop == "before":
                return ArmResponse(status=500)
        api_version.check(arm.query, self.manager.clock.now().date())
        self._check_subscription(action.subscription)
        if action.group is not None:
            check_group_name(action.group)
        limits = self._admit(arm, action)
        arm.body = await body_of(request)
        arm.rights = authorize(self.manager.access, arm, action)
        handler, arm.parameters = self.router.find(arm.method, arm.path)
        answer = handler(arm)
        response = await answer if inspect.isawaitable(answer) else answer
        response.headers = {**limits, **response.headers}
        if fault is not None and fault.fail_operation and response.operation is not None:
            response.operation.failure = fault.failure()
        return response

    def _check_subscription(self, subscription: str) -> None:
        if not subscription:
            return
        if not _GUID.fullmatch(subscription):
            raise ArmError(
                400,
                "InvalidSubscriptionId",
                f"The provided subscription identifier '{subscription}' is malformed or invalid.",
            )
        if subscription.lower() not in {known.lower() for known in self.manager.configuration.subscriptions}:
            raise subscription_not_found(subscription)

    def _admit(self, arm: ArmRequest, action: Action) -> dict[str, str]:
        if not action.subscription:
            return {}
        throttling = self.manager.throttling
        headers = throttling.admit(action.kind, action.subscription, arm.principal.oid)
        if action.name.lower().startswith("microsoft.network/"):
            throttling.admit_network(action.kind, action.subscription, self._region(action))
        return headers

    def _region(self, action: Action) -> str:
        """Where the network provider works for a request: the resource's region, else the group's."""
        resource = self.manager.store.find(action.resource_id)
        if resource is not None and resource.location:
            return resource.location
        group = self.manager.store.find_group(action.subscription, action.group or "")
        return group.location if group else ""

    def _report(self, arm: ArmRequest, action: Action, response: ArmResponse, fault: Fault | None) -> None:
        """Tell the activity feed about a write, delete or action, now or when its long operation ends."""
        kind = _KINDS.get(action.kind)
        never_happened = fault is not None and fault.drop == "before"
        if kind is None or not action.subscription or response.status in _UNREPORTED or never_happened:
            return
        event = CompletedOperation(
            time=self.manager.clock.now(),
            subscription_id=action.subscription,
            resource_group=action.group,
            resource_id=action.resource_id,
            operation_name=action.name,
            kind=kind,
            outcome="Success" if response.status < HTTPStatus.BAD_REQUEST else "Failure",
            status_code=response.status,
            correlation_id=arm.correlation_id,
            principal=arm.principal.claims,
            http_method=arm.method,
            http_url=arm.url,
            api_version=arm.api_version,
        )
        if response.operation is None:
            self.manager.feed.publish(event)
        elif response.operation.event is None:
            response.operation.event = event

    def _log(self, arm: ArmRequest, action: Action, status: int, error: str | None) -> None:
        self.manager.log.add(
            time=timestamp(arm.time),
            principal=arm.principal.name,
            oid=arm.principal.oid,
            method=arm.method,
            path=arm.path,
            operation=action.name,
            kind=action.kind,
            status=status,
            error=error,
            correlation_id=arm.correlation_id,
            rights=arm.rights,
        )

    def wake(self) -> None:
        self._wake.set()

    async def end_operations(self) -> None:
        """End operations when their time has come, also while nobody asks."""
        operations = self.manager.operations
        while True:
            self._wake.clear()
            end = operations.next_end()
            wait = None if end is None else max(0.0, (end - self.manager.clock.now()).total_seconds())
            try:
                await asyncio.wait_for(self._wake.wait(), wait)
            except TimeoutError:
                operations.settle()


def create_app(
    manager: ResourceManager,
    *,
    extensions: Sequence[Extension] = (),
    identity_endpoint: str | None = None,
    state_file: Path | None = None,
) -> web.Application:
    """The application that serves `manager`; extensions' routes win over built-in ones.

    `state_file` is where the control endpoint saves the state on request; loading and saving at start and
    stop is the caller's (see `local.arm.__main__`).
    """
    router = Router()
    for extension in extensions:
        extension.mount(router, manager)
    mount(router, manager)
    server = Server(manager, router, identity_endpoint)
    app = web.Application(client_max_size=8 * 1024 * 1024)
    Control(manager, state_file).add_routes(app)
    app.router.add_route("*", "/{path:.*}", server.handle)

    async def run(_app: web.Application) -> None:
        for extension in extensions:
            await extension.start(manager)

    async def stop(_app: web.Application) -> None:
        for extension in extensions:
            await extension.stop()

    async def tick(_app: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(server.end_operations())
        manager.operations.changed = server.wake
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    app.on_startup.append(run)
    app.on_cleanup.append(stop)
    if isinstance(manager.clock, SystemClock):
        app.cleanup_ctx.append(tick)
    return app
