"""The worker process: answers its host until the socket closes."""

import asyncio
import os
import signal
import threading
import time

from local.functions_host.messages import InvocationRequest, ToWorker, WorkerInitRequest
from local.functions_host.worker import runtime
from local.functions_host.worker.channel import Channel
from local.functions_host.worker.logs import forward_logs

SECONDS_TO_END = 2.0


def main(descriptor: int) -> None:
    """Serve the host at the other end of the inherited socket `descriptor`."""
    # Ctrl-C reaches the whole group; the host alone decides when workers end, after they finished.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    channel = Channel(descriptor)
    forward_logs(channel)
    asyncio.run(_serve(channel))


async def _serve(channel: Channel) -> None:
    loop = asyncio.get_running_loop()
    received: asyncio.Queue[ToWorker | None] = asyncio.Queue()
    threading.Thread(target=_read, args=(channel, loop, received), name="host", daemon=True).start()
    running: set[asyncio.Task[None]] = set()
    while message := await received.get():
        task = loop.create_task(_answer(channel, message))
        running.add(task)
        task.add_done_callback(running.discard)


def _read(
    channel: Channel, loop: asyncio.AbstractEventLoop, received: asyncio.Queue[ToWorker | None]
) -> None:
    for message in channel.receive():
        loop.call_soon_threadsafe(received.put_nowait, message)
    loop.call_soon_threadsafe(received.put_nowait, None)
    # A function that blocks, in the loop or in a thread, must not outlive the host.
    time.sleep(SECONDS_TO_END)
    os._exit(1)


async def _answer(channel: Channel, message: ToWorker) -> None:
    match message:
        case WorkerInitRequest():
            channel.send(await runtime.index(message))
        case InvocationRequest():
            channel.send(await runtime.invoke(message))
