"""The host put together: settings, workers, listeners and the web server, started and stopped in order."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from local.functions_host.host import event_grid, host_json, http, keys, logs
from local.functions_host.host.admin import Admin, ManualCall
from local.functions_host.host.event_hub import (
    EventHubListener,
    EventHubTrigger,
    event_hub_call,
    starting_position,
)
from local.functions_host.host.functions import Function, functions
from local.functions_host.host.host_json import HostJson
from local.functions_host.host.hub_clients import HubClients
from local.functions_host.host.invocation import Invoker
from local.functions_host.host.keys import Keys
from local.functions_host.host.outputs import Outputs
from local.functions_host.host.queue import QueueListener, QueueTrigger, queue_call
from local.functions_host.host.settings import AppSettings, ConfigurationError
from local.functions_host.host.singleton import host_id
from local.functions_host.host.storage import Connections
from local.functions_host.host.timer import TimerListener, TimerTrigger, timer_call
from local.functions_host.host.worker_pool import WorkerPool
from local.functions_host.messages import RpcLog

SECONDS_TO_DRAIN = 30.0
SECONDS_TO_GIVE_BACK = 3.0

type Listen = Callable[[], Coroutine[None, None, None]]

_MANUAL: dict[str, ManualCall] = {
    "queuetrigger": lambda _function, text, reason: queue_call(text.encode(), reason),
    "eventgridtrigger": lambda _function, text, reason: event_grid.event_grid_call(text, reason),
    "timertrigger": lambda _function, _text, reason: timer_call(None, reason, is_past_due=False),
    "eventhubtrigger": event_hub_call,
}


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says; `platform` is a folder with the packages that the cloud brings for its worker."""

    app: Path
    settings: AppSettings
    port: int = 0
    instances: int = 1
    keys_file: Path | None = None
    platform: Path | None = None


class Host:
    """One run of an app. `start`, then serve, then `stop`."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._settings = options.settings
        self._host_json: HostJson = host_json.read(options.app)
        self._keys: Keys = keys.load(options.keys_file)
        self._connections = Connections(options.settings)
        self._hubs = HubClients(options.settings, self._connections)
        self._outputs = Outputs(
            options.settings,
            self._connections,
            self._hubs,
            self._host_json.extensions.queues.message_encoding,
        )
        environment = {"FUNCTIONS_WORKER_RUNTIME": "python", **options.settings}
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.pool = WorkerPool(
            options.app,
            environment,
            options.instances,
            self._forward,
            self.failed,
            self._host_json.function_seconds,
            options.platform,
        )
        self._invoker = Invoker(self.pool, self._outputs.write)
        self._functions: list[Function] = []
        self._listening: list[asyncio.Task[None]] = []
        self._background: set[asyncio.Task[None]] = set()
        self._runner: web.AppRunner | None = None
        self.port = 0

    async def start(self) -> None:
        """Index the app, listen to its triggers and serve. Raises IndexingFailed or ConfigurationError."""
        logs.configure(self._host_json.logging.log_level)
        indexed = functions(await self.pool.start())
        self._functions = [function for function in indexed if not self._is_disabled(function)]
        listeners = self._prepare()
        await self._serve()
        self._listening = [asyncio.create_task(listen()) for listen in listeners]
        for task in self._listening:
            task.add_done_callback(self._on_listener_ended)

    async def stop(self) -> None:
        """Take nothing new, let what runs finish for up to 30 s, end the workers."""
        for task in self._listening:
            task.cancel()
        finishing = [*self._listening, *self._background]
        if self._runner:
            finishing.append(asyncio.create_task(self._runner.cleanup()))
        late = (await asyncio.wait(finishing, timeout=SECONDS_TO_DRAIN))[1] if finishing else set()
        await self.pool.stop()
        if late:
            # Their workers are gone, so they only have to give back what they hold.
            await asyncio.wait(late, timeout=SECONDS_TO_GIVE_BACK)
        await self._outputs.close()
        await self._connections.close()

    def ready(self) -> dict[str, object]:
        """The fields of the ready line."""
        return {
            "endpoint": f"http://127.0.0.1:{self.port}",
            "function_key": self._keys.function_key,
            "master_key": self._keys.master_key,
            "event_grid_key": self._keys.event_grid_key,
            "functions": [self._described(function) for function in self._functions],
        }

    def _described(self, function: Function) -> dict[str, object]:
        is_http = function.trigger.type.lower() == "httptrigger"
        prefix = self._host_json.extensions.http.route_prefix
        route = f"/{http.endpoint(function, prefix).route.template.strip('/')}" if is_http else None
        return {"name": function.name, "trigger": function.trigger.type, "route": route}

    def _forward(self, record: RpcLog) -> None:
        logs.forward(record, self._invoker.function_of(record.invocation_id))

    def _on_listener_ended(self, task: asyncio.Task[None]) -> None:
        """A listener ends when it is cancelled; anything else is a defect that must not pass unseen."""
        error = None if task.cancelled() else task.exception()
        if error and not self.failed.done():
            self.failed.set_exception(error)

    def _is_disabled(self, function: Function) -> bool:
        return self._settings.get(f"AzureWebJobs.{function.name}.Disabled", "").lower() in ("true", "1")

    def _prepare(self) -> list[Listen]:
        """Every function's listeners. Raises one ConfigurationError that names all that is wrong."""
        listeners: list[Listen] = []
        problems: list[str] = []
        for function in self._functions:
            try:
                self._outputs.register(function)
                listeners += self._listeners(function)
            except ConfigurationError as error:
                problems.append(f"The '{function.name}' function is in error: {error}.")
        if problems:
            raise ConfigurationError("\n".join(problems))
        return listeners

    def _listeners(self, function: Function) -> list[Listen]:
        extensions = self._host_json.extensions
        match function.trigger.type.lower():
            case "httptrigger":
                http.endpoint(function, extensions.http.route_prefix)
                return []
            case "eventgridtrigger":
                return []
            case "queuetrigger":
                trigger = QueueTrigger.of(function, self._settings, self._connections, extensions.queues)
                return [
                    QueueListener(trigger, self._invoker, instance.number).run
                    for instance in self.pool.instances
                ]
            case "timertrigger":
                timer = TimerTrigger.of(function, self._settings)
                identity = host_id(self._settings, self._options.app)
                return [TimerListener(timer, self._invoker, self._connections.blobs(), identity).run]
            case "eventhubtrigger":
                starting_position(extensions.event_hubs.initial_offset_options)
                consumer = self._hubs.consumer(function.trigger, extensions.event_hubs)
                hub = EventHubTrigger(function, consumer, extensions.event_hubs)
                instances = len(self.pool.instances)
                return [EventHubListener(hub, self._invoker, self._connections.blobs(), instances).run]
            case other:
                raise ConfigurationError(f"trigger '{other}' is not supported")

    async def _serve(self) -> None:
        application = web.Application(client_max_size=http.LARGEST_BODY)
        by_name = {function.name.lower(): function for function in self._functions}
        Admin(by_name, _MANUAL, self._keys, self.pool, self._invoker, self._background).add_to(application)
        webhook = event_grid.EventGridWebhook(
            {name: each for name, each in by_name.items() if each.trigger.type.lower() == "eventgridtrigger"},
            self._keys,
            self._invoker,
        )
        application.router.add_route("*", event_grid.PATH, webhook.handle)
        prefix = self._host_json.extensions.http.route_prefix
        routes = [
            http.endpoint(each, prefix) for each in by_name.values() if each.trigger.type == "httpTrigger"
        ]
        triggers = http.HttpTriggers(routes, self._keys, self._invoker)
        application.router.add_route("*", "/{path:.*}", triggers.handle)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=SECONDS_TO_DRAIN)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._options.port).start()
        self.port = self._runner.addresses[0][1]
