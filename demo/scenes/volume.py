"""What sales told, afterwards: one alert for two failures, how much it streams, and KQL over the log store."""

import time

from rich import box
from rich.table import Table

from demo.alert_looks import alert_of
from demo.scenes.telemetry import FAILED_PIPELINE, send_records
from demo.stage import Moment, Stage
from demo.telemetry_api import Answer
from demo.watch import Seen
from demo.world import SALES

# Meshplane writes down what streamed with the first batch that comes half a minute after it was last written.
SECONDS_GATHERED = 32.0
COLUMNS = ("Hour", "Category", "Operation", "Errors", "Resources")
NUMBERS = ("Errors", "Resources")
QUERY = "errors"
_CATEGORIES = 2


def play(stage: Stage) -> None:
    """The same records come again, half a minute later."""
    watch = stage.watch
    watch.act("What sales told, half a minute later")
    began = stage.sent or Moment()
    time.sleep(max(0.0, SECONDS_GATHERED - (time.monotonic() - began.monotonic)))
    count = send_records(stage)
    watch.did(f"the {count} records are sent again")
    watch.claim("it is the same alert, acknowledged, and nobody is told twice", lambda: _counted(stage))
    watch.claim("GET /api/nodes/…/sales/coverage tells the daily volume", lambda: _volume(stage, count))
    _asked(stage)


def _counted(stage: Stage) -> Seen:
    alert = alert_of(stage, FAILED_PIPELINE)
    if alert is None:
        return Seen(False, "no alert")
    notices = stage.receiver.of(alert.id)
    good = (alert.state, alert.count, len(notices)) == ("Acknowledged", 2, 1)
    return Seen(good, f"{alert.state}, records: {alert.count}, notices: {len(notices)}")


def _volume(stage: Stage, records: int) -> Seen:
    cost = stage.telemetry_api.coverage(SALES.group).cost
    measured = sum(c.records_a_day for c in cost.categories)
    most = ", ".join(c.category for c in cost.categories[:_CATEGORIES])
    kilobytes = cost.gigabytes_a_day * 1_000_000
    return Seen(
        measured >= records, f"{kilobytes:.1f} kB in {measured:.0f} records so far, most of all {most}"
    )


def _asked(stage: Stage) -> None:
    """A named query, as a workbook asks it."""
    found = Answer([])

    def look() -> Seen:
        nonlocal found
        found = stage.telemetry_api.query(QUERY, SALES.group, hours=1)
        # A row an hour: the demo may run from one into the next.
        failed = [row["Errors"] for row in found.rows if str(row["Operation"]).startswith("load-orders")]
        return Seen(failed in ([2], [1, 1]), f"{len(found.rows)} rows")

    path = f"GET /api/telemetry/{QUERY}?hours=1&node=…/sales"
    stage.watch.claim(f"{path} answers by KQL, here out of DuckDB", look)
    stage.watch.show(_table(found))


def _table(answer: Answer) -> Table:
    shown = Table(box=box.SIMPLE_HEAD, header_style="bold")
    for name in COLUMNS:
        shown.add_column(name, justify="right" if name in NUMBERS else "left")
    for row in answer.rows:
        shown.add_row(*(_cell(name, row[name]) for name in COLUMNS))
    return shown


def _cell(column: str, value: object) -> str:
    """What a cell says; of a time the hour is enough."""
    return str(value)[11:16] if column == "Hour" else str(value)
