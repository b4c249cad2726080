"""N workers as N instances of the app: the least busy gets the next invocation, a dead one is replaced."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local.functions_host.host.logs import HOST
from local.functions_host.host.worker_process import IndexingFailed, WorkerLost, WorkerProcess
from local.functions_host.messages import InvocationRequest, InvocationResponse, RpcFunctionMetadata, RpcLog

# As many requests as an instance of the Consumption plan takes at once (host.json, http.maxConcurrentRequests).
CONCURRENT_INVOCATIONS = 100
# After as many failed starts in a row Azure's host gives up too.
FAILED_STARTS = 3


class FunctionTimedOut(TimeoutError):
    """The function ran longer than host.json's functionTimeout; its worker was ended."""


@dataclass(slots=True)
class Instance:
    """The place of one worker; `worker` changes when it is replaced."""

    number: int
    worker: WorkerProcess | None = None
    running: int = 0
    served: int = 0
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(CONCURRENT_INVOCATIONS))


class WorkerPool:
    """Starts, watches and asks the workers of one app. `failed` gets the error when one cannot be replaced."""

    def __init__(
        self,
        app: Path,
        environment: Mapping[str, str],
        instances: int,
        on_log: Callable[[RpcLog], None],
        failed: asyncio.Future[None],
        function_seconds: float | None,
        platform: Path | None = None,
    ) -> None:
        self._app = app
        self._platform = platform
        self._environment = environment
        self._on_log = on_log
        self._failed = failed
        self._function_seconds = function_seconds
        self._watching: list[asyncio.Task[None]] = []
        self.instances = [Instance(number) for number in range(instances)]

    async def start(self) -> list[RpcFunctionMetadata]:
        """Start every worker and return what they indexed. Raises IndexingFailed."""
        started = await asyncio.gather(
            *(self._start(instance) for instance in self.instances), return_exceptions=True
        )
        indexed = [outcome for outcome in started if not isinstance(outcome, BaseException)]
        for outcome in started:
            if isinstance(outcome, BaseException):
                raise outcome
        self._watching = [asyncio.create_task(self._watch(instance)) for instance in self.instances]
        return indexed[0]

    async def invoke(self, request: InvocationRequest, number: int | None = None) -> InvocationResponse:
        """Run an invocation on instance `number`, or on the least busy. Raises WorkerLost, FunctionTimedOut."""
        instance = self.instances[number] if number is not None else self._least_busy()
        instance.running += 1
        instance.served += 1
        try:
            async with instance.places:
                await instance.ready.wait()
                return await self._run(instance, request)
        finally:
            instance.running -= 1

    async def stop(self) -> None:
        """End every worker; what still runs in them is lost."""
        for task in self._watching:
            task.cancel()
        await asyncio.gather(*self._watching, return_exceptions=True)
        await asyncio.gather(*(instance.worker.close() for instance in self.instances if instance.worker))

    def _least_busy(self) -> Instance:
        return min(self.instances, key=lambda each: (not each.ready.is_set(), each.running, each.served))

    async def _run(self, instance: Instance, request: InvocationRequest) -> InvocationResponse:
        worker = instance.worker
        if worker is None:
            raise WorkerLost("The worker is being replaced.")
        try:
            async with asyncio.timeout(self._function_seconds):
                return await worker.invoke(request)
        except TimeoutError:
            # Azure restarts the language worker as well: there is no other way to stop a running function.
            worker.kill()
            raise FunctionTimedOut(f"Timeout value of {self._function_seconds} s exceeded.") from None

    async def _start(self, instance: Instance) -> list[RpcFunctionMetadata]:
        environment = {**self._environment, "WEBSITE_INSTANCE_ID": f"instance-{instance.number}"}
        worker = instance.worker = await WorkerProcess.start(
            self._app, environment, self._on_log, self._platform
        )
        try:
            indexed = await worker.index(self._app)
        except IndexingFailed:
            await worker.close()
            raise
        instance.ready.set()
        return indexed

    async def _watch(self, instance: Instance) -> None:
        failures = 0
        while failures < FAILED_STARTS:
            worker = instance.worker
            if worker is None:
                raise AssertionError("watched before it was started")
            await worker.ended.wait()
            instance.ready.clear()
            HOST.error("Worker %d of instance %d ended; starting another", worker.pid, instance.number)
            try:
                await self._start(instance)
                failures = 0
            except IndexingFailed as error:
                failures += 1
                HOST.error("The new worker of instance %d failed: %s", instance.number, error)
        if not self._failed.done():
            self._failed.set_exception(IndexingFailed(f"instance {instance.number} cannot be restarted"))
