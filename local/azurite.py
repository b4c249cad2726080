"""Azurite, Microsoft's emulator of table, queue and blob storage, as a child of this process."""

import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from local.child import ROOT, Child

ACCOUNT = "devstoreaccount1"
# The key of the development account is published: Azurite accepts no other unless told to.
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

_SCRIPT = ROOT / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"
_LISTENING = re.compile(r"Azurite (Blob|Queue|Table) service is successfully listening at (http://\S+)")
_REQUEST = re.compile(rf'"([A-Z]+) /{ACCOUNT}(\S*) HTTP/1.1" (\d{{3}})')
# Node's counterpart of local.tether: ends when the pipe on standard input closes.
_TETHER = "data:text/javascript,process.stdin.on('end',()=>process.exit(1)).resume().unref()"


class AzuriteNotInstalled(RuntimeError):
    """Node.js or the npm package is missing; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Loopback ports to listen on; 0 lets the system choose a free one."""

    blobs: int = 0
    queues: int = 0
    tables: int = 0


@dataclass(frozen=True, slots=True)
class StorageRequest:
    """`path` follows the account's name: `/nodes(PartitionKey='…')`, `/reconcile/messages`."""

    method: str
    path: str
    status: int


@dataclass(frozen=True, slots=True)
class Azurite:
    """A running Azurite. Endpoints carry the account's name and no trailing slash."""

    blob_endpoint: str
    queue_endpoint: str
    table_endpoint: str
    child: Child

    @property
    def connection_string(self) -> str:
        """What the storage SDKs and `AzureWebJobsStorage` take."""
        return (
            f"DefaultEndpointsProtocol=http;AccountName={ACCOUNT};AccountKey={ACCOUNT_KEY};"
            f"BlobEndpoint={self.blob_endpoint};QueueEndpoint={self.queue_endpoint};"
            f"TableEndpoint={self.table_endpoint};"
        )

    def requests(self) -> list[StorageRequest]:
        """All since the start; none unless they are logged."""
        found = map(_REQUEST.search, self.child.log.read_text(errors="replace").splitlines())
        return [StorageRequest(m[1], m[2], int(m[3])) for m in found if m]

    def stop(self) -> None:
        """End it; what was written stays in its location, if it had one."""
        self.child.stop()


def start(
    location: Path | None,
    log: Path,
    ports: Ports | None = None,
    timeout: float = 90.0,
    *,
    requests_logged: bool = False,
) -> Azurite:
    """Start Azurite and wait until its three services listen.

    `location` is the folder that keeps the data; None keeps it in memory. With `requests_logged` each request is a
    line of the log, in the common log format. Raises AzuriteNotInstalled, and ChildFailed when it does not come up
    within `timeout` seconds.
    """
    ports = ports or Ports()
    quiet = [] if requests_logged else ["--silent"]
    child = Child.start("Azurite", [*_command(), *quiet, *_where(location), *_listen(ports)], log)
    try:
        return _wait_until_listening(child, timeout)
    except BaseException:
        child.stop()
        raise


@contextmanager
def running(
    location: Path | None = None, log: Path | None = None, ports: Ports | None = None
) -> Iterator[Azurite]:
    """An Azurite for the length of a `with` block. Without `log` its output goes to a temporary file."""
    folder = nullcontext(str(log.parent)) if log else tempfile.TemporaryDirectory(prefix="azurite-")
    with folder as name:
        azurite = start(location, log or Path(name) / "azurite.log", ports)
        try:
            yield azurite
        finally:
            azurite.stop()


def _command() -> list[str]:
    node = shutil.which("node")
    if node is None:
        raise AzuriteNotInstalled("Azurite needs Node.js 20 or later: there is no `node` on the PATH.")
    if not _SCRIPT.exists():
        raise AzuriteNotInstalled(f"Azurite is not installed ({_SCRIPT} is missing): run `make setup`.")
    return [
        node,
        "--import",
        _TETHER,
        str(_SCRIPT),
        "--skipApiVersionCheck",
        "--disableTelemetry",
    ]


def _where(location: Path | None) -> list[str]:
    if location is None:
        return ["--inMemoryPersistence"]
    location.mkdir(parents=True, exist_ok=True)
    return ["--location", str(location.resolve())]


def _listen(ports: Ports) -> list[str]:
    chosen = {"--blobPort": ports.blobs, "--queuePort": ports.queues, "--tablePort": ports.tables}
    return [word for flag, port in chosen.items() for word in (flag, str(port))]


def _wait_until_listening(child: Child, timeout: float) -> Azurite:
    deadline = time.monotonic() + timeout
    found: dict[str, str] = {}
    while len(found) < 3:
        match = _LISTENING.search(child.next_line(deadline))
        if match:
            found[match[1]] = f"{match[2]}/{ACCOUNT}"
    return Azurite(found["Blob"], found["Queue"], found["Table"], child)
