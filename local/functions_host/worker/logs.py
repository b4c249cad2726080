"""Log records of the app and the runtime, sent to the host with the invocation that they belong to."""

import logging

from azure_functions_runtime import invocation_id_cv
from azure_functions_runtime.logging import SDK_LOG_PREFIX

from local.functions_host.messages import RpcLog
from local.functions_host.worker.channel import Channel


class HostHandler(logging.Handler):
    """Sends each record to the host. The runtime's own logger counts as the system's, all others as the app's."""

    def __init__(self, channel: Channel) -> None:
        super().__init__()
        self._channel = channel

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = self.format(record)
        except Exception:  # noqa: BLE001 -- logging's contract: a bad format string must not break the app
            self.handleError(record)
            return
        self._channel.send(
            RpcLog(
                level=record.levelno,
                category=record.name,
                message=message,
                invocation_id=invocation_id_cv.get(),
                is_system=record.name == SDK_LOG_PREFIX,
            )
        )


def forward_logs(channel: Channel) -> None:
    """Forward everything from INFO on, as Microsoft's worker does; the host filters by host.json."""
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    root.addHandler(HostHandler(channel))
