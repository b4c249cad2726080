"""Custom events as Azure Monitor's exporter takes them: a log record with an attribute that names the event."""

from collections.abc import Sequence

from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord
from opentelemetry.sdk._logs.export import (
    LogRecordExporter,
    LogRecordExportResult,
    SimpleLogRecordProcessor,
)

from shared.adapters.app_events import OtelAppEvents
from tests.fakes.clock import START


class Exported(LogRecordExporter):
    """Keeps what was exported."""

    def __init__(self) -> None:
        self.records: list[ReadableLogRecord] = []

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        self.records += batch
        return LogRecordExportResult.SUCCESS

    def shutdown(self) -> None:
        """Nothing is held."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing waits."""
        return timeout_millis > 0


def test_without_an_sdk_nothing_is_written_and_nothing_fails() -> None:
    OtelAppEvents().write("AlertChanged", {"rule": "deadlocks"}, START)


def test_an_event_is_a_log_record_that_names_it() -> None:
    exported = Exported()
    provider = LoggerProvider()
    provider.add_log_record_processor(SimpleLogRecordProcessor(exported))
    OtelAppEvents(provider).write("AlertChanged", {"rule": "deadlocks"}, START)
    (written,) = (each.log_record for each in exported.records)
    assert dict(written.attributes or {}) == {
        "microsoft.custom_event.name": "AlertChanged",
        "rule": "deadlocks",
    }
    assert written.timestamp == int(START.timestamp() * 1e9)
