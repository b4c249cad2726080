"""A fresh process that imports and indexes a function app as a worker does: `python -m benchmarks.index_once FOLDER`.

Prints one JSON object, its times in seconds of CPU, which other work on the machine disturbs less:
to import and index with the runtime library loaded before, and to load that library; and the number
of functions, and which of the named modules were imported.
"""

import time

STARTED = time.process_time()

import asyncio  # noqa: E402 - what comes after the start is what is measured
import json  # noqa: E402
import sys  # noqa: E402

from local.functions_host.messages import StatusResult, WorkerInitRequest  # noqa: E402
from local.functions_host.worker import runtime  # noqa: E402


def main(folder: str, modules: list[str]) -> None:
    """Ends with status 1, and the runtime's own message, where the app cannot be indexed."""
    sys.path.insert(0, folder)
    ready = time.process_time()
    indexed = asyncio.run(runtime.index(WorkerInitRequest(function_app_directory=folder)))
    ended = time.process_time()
    if indexed.result.status != StatusResult.Success:
        failure = indexed.result.exception
        sys.exit(f"the function app cannot be indexed: {failure.message if failure else 'no reason given'}")
    report = {
        "index": ended - ready,
        "library": ready - STARTED,
        "functions": len(indexed.functions or []),
        "imported": [name for name in modules if name in sys.modules],
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
