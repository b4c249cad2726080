"""`python -m local.events.hubs --hub telemetry=4 --consumer-group telemetry=meshplane [--port 0]`."""

import argparse
import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

from local.events.hubs.namespace import HubDescription
from local.events.hubs.server import DEFAULT_RETAINED_BYTES, Server
from local.identity.tokens import read_key
from local.process import serve_until_signal

MEGABYTE = 1024 * 1024


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=VALUE")
    return name, value


def _hub(text: str) -> tuple[str, int]:
    name, value = _pair(text)
    if not value.isdecimal() or not 1 <= int(value) <= 32:
        raise argparse.ArgumentTypeError(f"'{text}': an event hub has 1 to 32 partitions")
    return name, int(value)


def describe_hubs(hubs: Sequence[tuple[str, int]], groups: Sequence[tuple[str, str]]) -> list[HubDescription]:
    """The hubs with their consumer groups. Raises ValueError for a group of a hub that is not there."""
    names = [name for name, _ in hubs]
    for hub, group in groups:
        if hub not in names:
            raise ValueError(f"consumer group '{group}' belongs to '{hub}', which is not among the hubs")
    return [
        HubDescription(name, partitions, tuple(group for hub, group in groups if hub == name))
        for name, partitions in hubs
    ]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m local.events.hubs", description="Event Hubs on loopback."
    )
    parser.add_argument("--hub", action="append", type=_hub, required=True, metavar="NAME=PARTITIONS")
    parser.add_argument("--consumer-group", action="append", type=_pair, default=[], metavar="HUB=GROUP")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--key", help="the shared access key; made up when left out")
    parser.add_argument("--token-key-file", type=Path, help="accept tokens of the local identity endpoint")
    parser.add_argument(
        "--retain-mb",
        type=int,
        default=DEFAULT_RETAINED_BYTES // MEGABYTE,
        help="megabytes of events kept per partition; the oldest go first",
    )
    arguments = parser.parse_args()
    try:
        arguments.hubs = describe_hubs(arguments.hub, arguments.consumer_group)
    except ValueError as error:
        parser.error(str(error))
    return arguments


async def _serve(arguments: argparse.Namespace) -> None:
    token_key = read_key(arguments.token_key_file) if arguments.token_key_file else None
    server = Server(arguments.hubs, arguments.key, arguments.retain_mb * MEGABYTE, token_key)
    endpoint = await server.start(arguments.port)
    ready = {"endpoint": endpoint.address, "connection_string": endpoint.connection_string}
    await serve_until_signal(ready, server.stop)


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    asyncio.run(_serve(_arguments()))


if __name__ == "__main__":
    main()
