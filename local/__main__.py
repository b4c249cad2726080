"""`python -m local`: the local Azure alone, until Ctrl-C or SIGTERM."""

import argparse
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from local import directions
from local.arm.resource_manager import DEFAULT_SUBSCRIPTION
from local.azurite import AzuriteNotInstalled
from local.child import ChildFailed
from local.stack import DEFAULT_FOLDER, DEFAULT_PRINCIPALS, LocalAzure, Options, Ports

SECONDS_BETWEEN_CHECKS = 1.0


def main() -> int:
    """Exit status 0 after a signal, 1 when a part did not come up or ended by itself."""
    options, for_machines = _options()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    try:
        with LocalAzure(options) as azure:
            print(_announcement(azure, options, for_machines), flush=True)
            while True:
                time.sleep(SECONDS_BETWEEN_CHECKS)
                azure.check()
    except KeyboardInterrupt:
        return 0
    except (ChildFailed, AzuriteNotInstalled) as error:
        print(error, file=sys.stderr)
        return 1


def _end(_number: int, _frame: FrameType | None) -> None:
    # The first signal stops everything in order; impatience must not cut that short.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _announcement(azure: LocalAzure, options: Options, for_machines: bool) -> str:
    if for_machines:
        return directions.for_machines(azure.endpoints)
    return directions.for_people(azure.endpoints, options.principals[-1]) + "\n\nCtrl-C stops it."


def _options() -> tuple[Options, bool]:
    arguments = _parser().parse_args()
    options = Options(
        folder=arguments.folder,
        subscriptions=tuple(arguments.subscription or [DEFAULT_SUBSCRIPTION]),
        principals=tuple(arguments.principal or DEFAULT_PRINCIPALS),
        hubs={name: int(partitions) for name, partitions in arguments.hub},
        consumer_groups=_collected(arguments.consumer_group),
        logged=dict(arguments.logged),
        ports=Ports(**{name: getattr(arguments, f"port_{name}") for name in Ports.__slots__}),
        keep=arguments.keep,
    )
    return options, arguments.json


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument("--subscription", action="append", metavar="ID", help="repeatable")
    parser.add_argument("--hub", action="append", default=[], type=_pair, metavar="NAME=PARTITIONS")
    parser.add_argument("--consumer-group", action="append", default=[], type=_pair, metavar="HUB=GROUP")
    parser.add_argument("--logged", action="append", default=[], type=_pair, metavar="HUB=records|events")
    parser.add_argument(
        "--principal", action="append", metavar="NAME", help="repeatable; az signs in as the last"
    )
    parser.add_argument("--folder", type=Path, default=DEFAULT_FOLDER, help="certificates, secrets and logs")
    parser.add_argument("--keep", action="store_true", help="keep resources and storage for the next start")
    parser.add_argument("--json", action="store_true", help="print one JSON line instead of text")
    for name in Ports.__slots__:
        parser.add_argument(f"--port-{name.replace('_', '-')}", type=int, default=0)
    return parser


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    if not name or not value:
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=VALUE")
    return name, value


def _collected(pairs: list[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(value for other, value in pairs if other == name) for name, _ in pairs}


if __name__ == "__main__":
    raise SystemExit(main())
