"""Timers that write when they ran as JSON lines in the file that SEEN names."""

import json
import os
import time
from pathlib import Path

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


def record(**what: object) -> None:
    with Path(os.environ["SEEN"]).open("a") as seen:
        seen.write(json.dumps({**what, "time": time.time(), "host": os.getppid()}) + "\n")


@app.timer_trigger("timer", "* * * * * *")
def every_second(timer: func.TimerRequest) -> None:
    status = getattr(timer, "schedule_status", None)
    record(function="every_second", past_due=timer.past_due, status=status)


@app.timer_trigger("timer", "%NIGHTLY%", run_on_startup=True)
async def nightly(timer: func.TimerRequest) -> None:
    record(function="nightly", past_due=timer.past_due)


@app.timer_trigger("timer", "0 0 3 * * *")
def daily(timer: func.TimerRequest) -> None:
    record(function="daily", past_due=timer.past_due, status=getattr(timer, "schedule_status", None))


@app.timer_trigger("timer", "0 0 3 1 1 *", run_on_startup=True)
@app.retry(strategy="fixed_delay", max_retry_count="2", delay_interval="00:00:00")
def stubborn(timer: func.TimerRequest, context: func.Context) -> None:
    record(function="stubborn", retry=context.retry_context.retry_count)
    raise ValueError("never works")


@app.route("endless")
def endless(req: func.HttpRequest) -> str:
    record(function="endless")
    time.sleep(600)
    return "never"
