"""Runs the benchmarks named, or all; ends with status 1 where a target is missed."""

import sys
from collections.abc import Callable

from rich.console import Console

from benchmarks import alerts, attaching, cold_start, lists, onboarding, running_cost, telemetry
from benchmarks.target import Target, show

BENCHMARKS: dict[str, Callable[[Console], list[Target]]] = {
    "onboarding": onboarding.run,
    "attaching": attaching.run,
    "lists": lists.run,
    "running-cost": running_cost.run,
    "telemetry": telemetry.run,
    "alerts": alerts.run,
    "cold-start": cold_start.run,
}


def main(names: list[str]) -> int:
    """Prints each benchmark's tables and its verdicts."""
    console = Console()
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        console.print(f"No benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}.")
        return 2
    missed = False
    for name in names or BENCHMARKS:
        console.rule(name)
        targets = BENCHMARKS[name](console)
        show(console, targets)
        missed = missed or not all(t.met for t in targets)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
