"""`python -m local.identity --token-key-file F --principal NAME=HEADERSECRET [...] [--port 0]`."""

import argparse
import asyncio
from pathlib import Path

from aiohttp import web

from local.arm.clock import SystemClock
from local.identity.server import PATH, TokenEndpoint, create_app
from local.identity.tokens import DEFAULT_TENANT, ManagedIdentity, read_key
from local.process import serve_until_signal


def _principal(text: str) -> tuple[str, ManagedIdentity]:
    name, _, secret = text.partition("=")
    if not name or not secret:
        raise argparse.ArgumentTypeError("expected NAME=HEADERSECRET")
    return secret, ManagedIdentity(name)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.identity", description=__doc__)
    parser.add_argument("--token-key-file", type=Path, required=True)
    parser.add_argument("--principal", type=_principal, action="append", required=True)
    parser.add_argument("--tenant", default=DEFAULT_TENANT)
    parser.add_argument("--port", type=int, default=0)
    return parser.parse_args()


async def main(arguments: argparse.Namespace) -> None:
    """Serve on loopback; the ready line names the value for `IDENTITY_ENDPOINT`."""
    endpoint = TokenEndpoint(
        read_key(arguments.token_key_file), dict(arguments.principal), SystemClock(), arguments.tenant
    )
    runner = web.AppRunner(create_app(endpoint), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", arguments.port)
    await site.start()
    port = runner.addresses[0][1]
    await serve_until_signal({"endpoint": f"http://127.0.0.1:{port}{PATH}"}, runner.cleanup)


if __name__ == "__main__":
    asyncio.run(main(_arguments()))
