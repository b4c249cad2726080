"""`make package`: dist/meshplane.zip as the cloud builds it, its size, and how long it takes to start."""

import argparse
import sys
from pathlib import Path

from rich.console import Console

from deployment.build import BuildFailed, build
from deployment.measure import cold_start, sizes

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Exit status 0, or 1 with the reason where the package cannot be built."""
    parser = argparse.ArgumentParser(prog="make package", description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="where to leave it")
    out: Path = parser.parse_args().out.resolve()
    console = Console(highlight=False, soft_wrap=True)
    try:
        package = build(ROOT, out)
    except BuildFailed as error:
        print(error, file=sys.stderr)
        return 1
    console.print(sizes(package))
    console.print(cold_start(package))
    console.print(f"The package is {package.archive}", markup=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
