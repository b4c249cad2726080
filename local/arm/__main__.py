"""`python -m local.arm`: Resource Manager over HTTPS on loopback."""

import argparse
import asyncio
import logging
import ssl
from pathlib import Path

from aiohttp import web

from local.arm.operations import Advance, OperationsMode
from local.arm.persistence import load_file, save_file
from local.arm.resource_manager import DEFAULT_SUBSCRIPTION, Configuration, ResourceManager
from local.arm.server import create_app
from local.arm.throttling import Limits
from local.events.grid.control import Control as EventGridControl
from local.events.grid.provider import EventGrid
from local.identity.tokens import DEFAULT_TENANT, ManagedIdentity, read_key
from local.process import serve_until_signal

_ADVANCE: dict[str, Advance] = {"at-once": "at-once", "reads": "after-reads", "seconds": "after-seconds"}


def _operations(text: str) -> tuple[Advance, float]:
    """`at-once`, `reads:3` or `seconds:0.2`."""
    name, _, amount = text.partition(":")
    if name not in _ADVANCE or (name != "at-once") != bool(amount):
        raise argparse.ArgumentTypeError("expected at-once, reads:N or seconds:N")
    return _ADVANCE[name], float(amount or 0)


def _retry_after(text: str) -> float | None:
    return None if text == "recorded" else float(text)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.arm", description=__doc__)
    parser.add_argument("--certificate", type=Path, required=True, help="PEM, valid for localhost")
    parser.add_argument("--private-key", type=Path, required=True, help="PEM")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--token-key-file", type=Path, help="without it any token signature passes")
    parser.add_argument("--state", type=Path, help="loaded at start when it exists, saved at the end")
    parser.add_argument("--subscription", action="append", help=f"repeatable; default {DEFAULT_SUBSCRIPTION}")
    parser.add_argument(
        "--owner",
        action="append",
        help="Owner of every subscription; repeatable; without any nobody's rights are checked",
    )
    parser.add_argument("--tenant", default=DEFAULT_TENANT)
    parser.add_argument("--identity-endpoint", help="the sign-in endpoint that /metadata/endpoints names")
    parser.add_argument("--blob-connection-string", help="the storage that Event Grid's dead letters go to")
    parser.add_argument("--operations", type=_operations, default=("after-seconds", 0.2), metavar="MODE")
    parser.add_argument("--retry-after", type=_retry_after, default=1.0, help="seconds, or recorded")
    parser.add_argument("--no-throttling", action="store_true")
    return parser.parse_args()


def _owners(names: list[str] | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(ManagedIdentity(name).object_id for name in names)


def _manager(arguments: argparse.Namespace) -> ResourceManager:
    advance, amount = arguments.operations
    manager = ResourceManager(
        Configuration(
            subscriptions=tuple(arguments.subscription or [DEFAULT_SUBSCRIPTION]),
            tenant=arguments.tenant,
            key=read_key(arguments.token_key_file) if arguments.token_key_file else None,
            owners=_owners(arguments.owner),
            operations=OperationsMode(advance=advance, amount=amount, retry_after=arguments.retry_after),
            limits=Limits(enabled=not arguments.no_throttling),
        )
    )
    if arguments.state is not None and arguments.state.exists():
        load_file(manager, arguments.state)
    return manager


async def main(arguments: argparse.Namespace) -> None:
    """Serve on loopback until a signal; the ready line names `endpoint`, `subscriptions` and `tenant`."""
    manager = _manager(arguments)
    state: Path | None = arguments.state
    event_grid = EventGrid(arguments.blob_connection_string)
    app = create_app(
        manager, extensions=[event_grid], identity_endpoint=arguments.identity_endpoint, state_file=state
    )
    EventGridControl(event_grid.delivery).add_routes(app)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(arguments.certificate, arguments.private_key)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", arguments.port, ssl_context=context).start()

    async def stop() -> None:
        await runner.cleanup()
        if state is not None:
            save_file(manager, state)

    ready = {
        "endpoint": f"https://localhost:{runner.addresses[0][1]}",
        "subscriptions": list(manager.configuration.subscriptions),
        "tenant": manager.configuration.tenant,
    }
    await serve_until_signal(ready, stop)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    asyncio.run(main(_arguments()))
