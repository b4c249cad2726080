"""One worker process, seen from the host: start it, let it index the app, send it invocations."""

import asyncio
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

from local.functions_host import framing
from local.functions_host.messages import (
    InvocationRequest,
    InvocationResponse,
    RpcFunctionMetadata,
    RpcLog,
    StatusResult,
    ToHost,
    WorkerIndexed,
    WorkerInitRequest,
)

SECONDS_TO_END = 5.0

_REPOSITORY = Path(__file__).resolve().parents[3]
# The app's imports must not find the repository by way of the host, so it leaves the path after the import.
_BOOT = """
import sys
sys.path.insert(0, {root!r})
from local.functions_host.worker.main import main
sys.path[:] = [{app!r}, *(entry for entry in sys.path if entry != {root!r})]
sys.argv = ["worker"]
main({descriptor})
"""
# As Microsoft's worker orders its path (`prioritize_customer_dependencies`): the app's packages, the worker's own, the
# standard library, the app's folder last.
_ISOLATED = """
import sys
sys.path[:] = [{packages!r}, {platform!r}, *sys.path, {app!r}]
"""
# The modules of the host's that are loaded cannot be imported any more.
_ISOLATED_BOOT = """
sys.path.append({root!r})
from local.functions_host.worker.main import main
sys.path.remove({root!r})
for name in [name for name in sys.modules if name.partition(".")[0] == "local"]:
    del sys.modules[name]
sys.argv = ["worker"]
main({descriptor})
"""
PACKAGES = ".python_packages/lib/site-packages"
"""Where the cloud's build puts an app's requirements, in the app's folder."""


def isolated(app: Path, platform: Path, code: str) -> list[str]:
    """A Python as in the cloud: without packages or a user's settings, finding those of the app and `platform`'s.

    It writes no bytecode: a deployed package is read-only. Arguments may follow.
    """
    interpreter = str(
        getattr(sys, "_base_executable", sys.executable)
    )  # not the one of a virtual environment
    path = _ISOLATED.format(packages=str(app / PACKAGES), platform=str(platform), app=str(app))
    return [interpreter, "-I", "-S", "-B", "-c", path + code]


def _command(app: Path, platform: Path | None, descriptor: int) -> list[str]:
    """What a worker process runs: `isolated` where there is a platform, else this process's Python and packages."""
    if platform is None:
        boot = _BOOT.format(root=str(_REPOSITORY), app=str(app), descriptor=descriptor)
        return [sys.executable, "-P", "-c", boot]
    return isolated(app, platform, _ISOLATED_BOOT.format(root=str(_REPOSITORY), descriptor=descriptor))


class WorkerLost(ConnectionError):
    """The worker process ended before it answered."""


class IndexingFailed(RuntimeError):
    """The app cannot be indexed; the message is the worker's own, with its stack trace."""


class WorkerProcess:
    """A running worker. `ended` is set once it is gone, however it went."""

    def __init__(
        self, process: Process, writer: asyncio.StreamWriter, on_log: Callable[[RpcLog], None]
    ) -> None:
        self._process = process
        self._writer = writer
        self._on_log = on_log
        self._waiting: dict[str, asyncio.Future[InvocationResponse]] = {}
        self._indexed: asyncio.Future[WorkerIndexed] = asyncio.get_running_loop().create_future()
        self._reading: asyncio.Task[None] | None = None
        self.ended = asyncio.Event()

    @classmethod
    async def start(
        cls,
        app: Path,
        environment: Mapping[str, str],
        on_log: Callable[[RpcLog], None],
        platform: Path | None = None,
    ) -> Self:
        """Start a process whose whole environment is `environment` and whose directory is the app's; see `_command`."""
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *_command(app, platform, theirs.fileno()),
                cwd=app,
                env=dict(environment),
                pass_fds=(theirs.fileno(),),
                stdin=DEVNULL,
                stdout=sys.stderr,
                stderr=sys.stderr,
            )
        reader, writer = await asyncio.open_connection(sock=ours)
        worker = cls(process, writer, on_log)
        worker._reading = asyncio.create_task(worker._read(reader))
        return worker

    @property
    def pid(self) -> int:
        return self._process.pid

    async def index(self, app: Path) -> list[RpcFunctionMetadata]:
        """Let it import the app. Raises IndexingFailed, also when the process ends while importing."""
        self._writer.write(framing.frame(WorkerInitRequest(function_app_directory=str(app))))
        try:
            indexed = await self._indexed
        except WorkerLost:
            raise IndexingFailed(f"The worker ended ({await self._process.wait()}) while indexing.") from None
        if indexed.result.status != StatusResult.Success:
            exception = indexed.result.exception
            raise IndexingFailed(
                f"{exception.stack_trace}\n{exception.message}" if exception else "no reason given"
            )
        if indexed.functions is None:
            raise IndexingFailed(f"There is no function_app.py with functions in {app}.")
        return indexed.functions

    async def invoke(self, request: InvocationRequest) -> InvocationResponse:
        """Run one invocation. Raises WorkerLost."""
        answer: asyncio.Future[InvocationResponse] = asyncio.get_running_loop().create_future()
        if self.ended.is_set():
            raise WorkerLost("The worker has ended.")
        self._waiting[request.invocation_id] = answer
        try:
            self._writer.write(framing.frame(request))
            with suppress(ConnectionError):
                await self._writer.drain()
            return await answer
        finally:
            self._waiting.pop(request.invocation_id, None)

    def kill(self) -> None:
        """End it at once."""
        with suppress(ProcessLookupError):
            self._process.kill()

    async def close(self) -> None:
        """Close the socket, which ends it; kill it if that takes more than a few seconds."""
        self._writer.close()
        try:
            async with asyncio.timeout(SECONDS_TO_END):
                await self._process.wait()
        except TimeoutError:
            self.kill()
            await self._process.wait()
        if self._reading:
            await self._reading

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                header = await reader.readexactly(framing.HEADER.size)
                self._deliver(framing.for_host(await reader.readexactly(framing.body_length(header))))
        except (asyncio.IncompleteReadError, ConnectionError):
            await self._process.wait()
        finally:
            self._lose()

    def _deliver(self, message: ToHost) -> None:
        match message:
            case RpcLog():
                self._on_log(message)
            case WorkerIndexed():
                self._indexed.set_result(message)
            case InvocationResponse(invocation_id=invocation_id):
                answer = self._waiting.get(invocation_id)
                if answer and not answer.done():
                    answer.set_result(message)

    def _lose(self) -> None:
        self.ended.set()
        self._writer.close()
        lost = WorkerLost(f"Worker process {self.pid} ended with status {self._process.returncode}.")
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(lost)
        if not self._indexed.done():
            self._indexed.set_exception(lost)
