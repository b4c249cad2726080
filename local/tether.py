"""`python -m local.tether MODULE [ARGUMENT ...]`: run MODULE as long as the process that started it lives.

The starter holds the other end of this process's standard input. When it goes away, even by `kill -9`, the
kernel closes that pipe and MODULE gets the SIGTERM that its starter could no longer send. Unlike
`PR_SET_PDEATHSIG` this works on macOS too, and does not fire when merely the starting *thread* ends.
"""

import os
import runpy
import signal
import sys
import threading
import time

# As long as the functions host may take to let its invocations finish.
SECONDS_TO_STOP = 40.0


def _stop_when_starter_is_gone() -> None:
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(SECONDS_TO_STOP)
    os._exit(1)


def main() -> None:
    """Watch standard input on the side and become the named module."""
    if len(sys.argv) < 2:
        raise SystemExit("usage: python -m local.tether MODULE [ARGUMENT ...]")
    threading.Thread(target=_stop_when_starter_is_gone, name="tether", daemon=True).start()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
