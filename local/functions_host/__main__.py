"""`python -m local.functions_host --app DIR`: run a Python function app (v2 model) until SIGTERM or Ctrl-C."""

import argparse
import asyncio
import os
import sys
from pathlib import Path

from local.functions_host.host.app import Host, Options
from local.functions_host.host.settings import ConfigurationError, merge
from local.functions_host.host.worker_process import IndexingFailed
from local.process import serve_until_signal

OF_EVERY_PROCESS = ("PATH", "HOME", "LANG", "TMPDIR")


def main() -> int:
    """Exit status 0 after a clean stop, 1 when the app cannot be run."""
    try:
        asyncio.run(_run(_options()))
    except (IndexingFailed, ConfigurationError) as error:
        print(f"The function app cannot be started.\n{error}", file=sys.stderr)
        return 1
    return 0


async def _run(options: Options) -> None:
    host = Host(options)
    try:
        await host.start()
    except BaseException:
        await host.stop()
        raise
    serving = asyncio.create_task(serve_until_signal(host.ready(), host.stop))
    await asyncio.wait([serving, host.failed], return_when=asyncio.FIRST_COMPLETED)
    if not serving.done():
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        host.failed.result()
    serving.result()


def _options() -> Options:
    parser = argparse.ArgumentParser(prog="python -m local.functions_host", description=__doc__)
    parser.add_argument(
        "--app", type=Path, required=True, help="the folder with function_app.py and host.json"
    )
    parser.add_argument("--port", type=int, default=0, help="0 (the default) takes a free port")
    parser.add_argument("--instances", type=int, default=1, help="worker processes, as the cloud scales out")
    parser.add_argument(
        "--settings", type=Path, help="default: the app's local.settings.json, if there is one"
    )
    parser.add_argument(
        "--setting", action="append", default=[], metavar="NAME=VALUE", help="may be repeated"
    )
    parser.add_argument("--keys-file", type=Path, help="keeps the access keys from one start to the next")
    parser.add_argument(
        "--platform",
        type=Path,
        help="a folder with the packages that the cloud's worker brings: workers then see it and the app's own "
        "packages alone, and no environment but PATH, HOME, LANG and the settings",
    )
    given = parser.parse_args()
    app: Path = given.app.resolve()
    own = app / "local.settings.json"
    environment = {n: v for n, v in os.environ.items() if given.platform is None or n in OF_EVERY_PROCESS}
    return Options(
        app=app,
        settings=merge(environment, given.settings or (own if own.exists() else None), given.setting),
        port=given.port,
        instances=given.instances,
        keys_file=given.keys_file,
        platform=given.platform and given.platform.resolve(),
    )


if __name__ == "__main__":
    raise SystemExit(main())
