"""How every server under local/ starts and stops, so that a parent process can wait for it and end it."""

import asyncio
import json
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping


def print_ready(details: Mapping[str, object]) -> None:
    """Print the one line of standard output: a JSON object with `"ready": true` and the given details."""
    sys.stdout.write(json.dumps({"ready": True, **details}) + "\n")
    sys.stdout.flush()


async def serve_until_signal(ready: Mapping[str, object], stop: Callable[[], Awaitable[None]]) -> None:
    """Announce a server that is already listening, wait for SIGTERM or SIGINT, then stop it.

    `ready` becomes the line of standard output (see `print_ready`); everything else a server says goes to
    standard error. `stop` is awaited once, also when the waiting task is cancelled.
    """
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    try:
        print_ready(ready)
        await ended.wait()
    finally:
        await stop()
