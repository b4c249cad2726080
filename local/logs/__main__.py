"""`python -m local.logs`: the log store over HTTPS on loopback."""

import argparse
import asyncio
import logging
import ssl
from pathlib import Path

from aiohttp import web

from local.identity.tokens import read_key
from local.logs.feed import MAPPERS, Feed
from local.logs.server import LogsApi
from local.logs.store import LogStore
from local.process import serve_until_signal


def _hub(text: str) -> tuple[str, str]:
    name, _, kind = text.partition("=")
    if not name or kind not in MAPPERS:
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME={' or NAME='.join(MAPPERS)}")
    return name, kind


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.logs", description=__doc__)
    parser.add_argument("--certificate", type=Path, required=True, help="PEM, valid for localhost")
    parser.add_argument("--private-key", type=Path, required=True, help="PEM")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--token-key-file", type=Path, help="without it any token signature passes")
    parser.add_argument(
        "--event-hubs-file", type=Path, help="holds the connection string of the namespace that feeds it"
    )
    parser.add_argument("--hub", type=_hub, action="append", default=[], metavar="NAME=KIND")
    return parser.parse_args()


async def main(arguments: argparse.Namespace) -> None:
    """Serve on loopback until a signal; the ready line names `endpoint`."""
    key = read_key(arguments.token_key_file) if arguments.token_key_file else None
    store = LogStore()
    source = arguments.event_hubs_file.read_text() if arguments.event_hubs_file else ""
    feed = Feed(store, source, dict(arguments.hub))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(arguments.certificate, arguments.private_key)
    runner = web.AppRunner(LogsApi(store, key).application(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", arguments.port, ssl_context=context).start()
    feed.start()

    async def stop() -> None:
        await feed.stop()
        await runner.cleanup()

    await serve_until_signal({"endpoint": f"https://localhost:{runner.addresses[0][1]}"}, stop)


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(message)s")
    asyncio.run(main(_arguments()))
