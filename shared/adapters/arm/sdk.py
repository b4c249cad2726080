"""Azure's clients on a pipeline of our own. Import this module on first use: it pulls the SDKs in.

What their own pipeline would add is left out on purpose: retries (the engine judges errors), redirects (a token
follows nobody), the registration of resource providers (a write nobody asked for).
"""

import re
from asyncio import to_thread
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from azure.core import AsyncPipelineClient
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import (
    AsyncHTTPPolicy,
    ContentDecodePolicy,
    HeadersPolicy,
    RequestIdPolicy,
    SansIOHTTPPolicy,
    UserAgentPolicy,
)
from azure.core.pipeline.transport import AioHttpTransport
from azure.core.rest import AsyncHttpResponse, HttpRequest
from azure.mgmt.core.policies import AsyncARMChallengeAuthenticationPolicy

from shared.adapters.arm.budget import Budget
from shared.adapters.clock import SystemClock
from shared.adapters.otel import arm_call
from shared.adapters.proxies import through_a_proxy
from shared.domain.budget import Quota
from shared.domain.calls import count_call
from shared.domain.errors import Terminal
from shared.domain.ids import type_of
from shared.domain.run import current_run

if TYPE_CHECKING:
    from azure.mgmt.monitor.v2021_05_01_preview.aio import MonitorManagementClient
    from azure.mgmt.network.aio import NetworkManagementClient
    from azure.mgmt.resource.resources.aio import ResourceManagementClient

CONNECTION_TIMEOUT = 10.0
READ_TIMEOUT = 30.0
_SUBSCRIPTION = re.compile(r"/subscriptions/([^/?]+)", re.IGNORECASE)
_QUOTAS: dict[str, Quota] = {"GET": "reads", "HEAD": "reads", "DELETE": "deletes"}
_LEFT = "x-ms-ratelimit-remaining-subscription-"


class SdkClients:
    """One client of each kind per subscription, all over one connection pool."""

    def __init__(self, endpoint: str, credential: AsyncTokenCredential, scope: str, ca_file: str) -> None:
        self._endpoint = endpoint
        self._credential = credential
        self._scope = scope
        self._budget = Budget(SystemClock())
        self._transport = AioHttpTransport(
            connection_timeout=CONNECTION_TIMEOUT,
            read_timeout=READ_TIMEOUT,
            connection_verify=ca_file or True,
            use_env_settings=through_a_proxy(),
        )
        self._plain: AsyncPipelineClient[HttpRequest, AsyncHttpResponse] = AsyncPipelineClient(
            endpoint, policies=self._policies(), transport=self._transport
        )
        self._resources: dict[str, ResourceManagementClient] = {}
        self._networks: dict[str, NetworkManagementClient] = {}
        self._monitor: MonitorManagementClient | None = None

    def resources(self, subscription: str) -> "ResourceManagementClient":
        from azure.mgmt.resource.resources.aio import ResourceManagementClient

        if subscription not in self._resources:
            self._resources[subscription] = ResourceManagementClient(
                self._credential, subscription, self._endpoint, **self._options()
            )
        return self._resources[subscription]

    async def networks(self, subscription: str) -> "NetworkManagementClient":
        await to_thread(import_module, "azure.mgmt.network.aio")  # the largest by far
        from azure.mgmt.network.aio import NetworkManagementClient

        if subscription not in self._networks:
            self._networks[subscription] = NetworkManagementClient(
                self._credential, subscription, self._endpoint, **self._options()
            )
        return self._networks[subscription]

    def monitor(self) -> "MonitorManagementClient":
        """Diagnostic settings are addressed by the resource's id: one client serves every subscription."""
        from azure.mgmt.monitor.v2021_05_01_preview.aio import MonitorManagementClient

        if self._monitor is None:
            self._monitor = MonitorManagementClient(
                self._credential, "unused", self._endpoint, **self._options()
            )
        return self._monitor

    async def send(self, request: HttpRequest) -> AsyncHttpResponse:
        """One request that no client knows, such as a polling URL; an error status is an answer here."""
        return await self._plain.send_request(request)

    async def close(self) -> None:
        await self._plain.close()
        await self._transport.close()

    def _options(self) -> dict[str, Any]:
        scopes = [self._scope]
        return {
            "credential_scopes": scopes,
            "policies": self._policies(),
            "transport": self._transport,
        }

    def _policies(self) -> list[AsyncHTTPPolicy[Any, Any] | SansIOHTTPPolicy[Any, Any]]:
        return [
            OwnHostPolicy(self._endpoint),
            RequestIdPolicy(),
            HeadersPolicy(),
            UserAgentPolicy("meshplane"),
            ContentDecodePolicy(),
            AsyncARMChallengeAuthenticationPolicy(self._credential, self._scope),
            BudgetPolicy(self._budget),
            CallPolicy(),
        ]


class OwnHostPolicy(SansIOHTTPPolicy[Any, Any]):
    """Refuses addresses elsewhere before a token is asked for: links and polling URLs come from outside."""

    def __init__(self, endpoint: str) -> None:
        self._own = _place(endpoint)

    def on_request(self, request: PipelineRequest[Any]) -> None:
        url: str = request.http_request.url
        if _place(url) != self._own:
            message = f"only {self._own[1]} is asked, over {self._own[0]}"
            raise Terminal("ForeignAddress", message, target=urlsplit(url).netloc)


class BudgetPolicy(AsyncHTTPPolicy[Any, Any]):
    """Draws from the budget for each request, and learns from each answer."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget

    async def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        method, url = str(request.http_request.method), str(request.http_request.url)
        found = _SUBSCRIPTION.search(url)
        if not found:
            return await self.next.send(request)
        subscription, quota = found[1].lower(), _QUOTAS.get(method, "writes")
        await self._budget.draw(subscription, quota)
        left: float | None = None
        try:
            response = await self.next.send(request)
            left = _told(response.http_response.headers, quota)
        finally:
            self._budget.learn(subscription, quota, left)
        return response


class CallPolicy(AsyncHTTPPolicy[Any, Any]):
    """Counts and measures each request that is sent."""

    async def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        method: str = request.http_request.method
        run = current_run.get()
        if run:
            # Azure's activity log shows it: every write is found by the run that made it.
            request.http_request.headers["x-ms-correlation-request-id"] = run.operation
        count_call(write=method not in ("GET", "HEAD"))
        with arm_call(method, _type(request.http_request.url)) as call:
            response = await self.next.send(request)
            call.result = str(response.http_response.status_code)
        return response


def _told(headers: Mapping[str, str], quota: Quota) -> float | None:
    text = headers.get(_LEFT + quota, "")
    return float(text) if text.isdigit() else None


def _type(url: str) -> str:
    path = urlsplit(url).path
    return type_of(path) if "/providers/" in path.lower() else "microsoft.resources"


def _place(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme.lower(), parts.netloc.lower()
