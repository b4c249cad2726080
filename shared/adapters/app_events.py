"""Custom events of Application Insights, through OpenTelemetry's logs.

Azure Monitor's exporter makes a log record with the attribute `microsoft.custom_event.name` a custom event ("Add and
modify Azure Monitor OpenTelemetry", Send custom events). Only the API is used: without an SDK that exports logs, which
the app's platform or host sets up, nothing is written.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry._logs import LoggerProvider

NAME_ATTRIBUTE = "microsoft.custom_event.name"


class OtelAppEvents:
    """AppEvents; through the process's provider of loggers, unless there is another."""

    def __init__(self, provider: "LoggerProvider | None" = None) -> None:
        self._provider = provider

    def write(self, name: str, properties: Mapping[str, str], at: datetime) -> None:
        from opentelemetry._logs import LogRecord, SeverityNumber, get_logger

        nanoseconds = int(at.timestamp() * 1e9)
        record = LogRecord(
            timestamp=nanoseconds,
            observed_timestamp=nanoseconds,
            severity_number=SeverityNumber.INFO,
            severity_text="INFO",
            body=name,
            attributes={NAME_ATTRIBUTE: name, **properties},
        )
        get_logger("meshplane", logger_provider=self._provider).emit(record)
