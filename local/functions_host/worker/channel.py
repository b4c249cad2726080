"""The worker's end of the socket to its host: blocking reads in a thread, writes from any thread."""

import socket
import threading
from collections.abc import Iterator

from local.functions_host import framing
from local.functions_host.messages import ToHost, ToWorker


class Channel:
    """Messages in both directions. When the host is gone, `receive` ends and `send` is silent."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._reader = self._socket.makefile("rb")
        self._lock = threading.Lock()

    def send(self, message: ToHost) -> None:
        frame = framing.frame(message)
        with self._lock:
            try:
                self._socket.sendall(frame)
            except OSError:
                # The host has ended. `receive` notices too and ends this process, so there is no one to tell.
                return

    def receive(self) -> Iterator[ToWorker]:
        while len(header := self._reader.read(framing.HEADER.size)) == framing.HEADER.size:
            yield framing.for_worker(self._reader.read(framing.body_length(header)))
