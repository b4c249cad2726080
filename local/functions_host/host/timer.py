"""Timer triggers: one host of the app fires each, remembers when in a blob, and says when it is late.

Source: https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime

import msgspec
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob.aio import BlobServiceClient

from local.functions_host.host import ncrontab
from local.functions_host.host.functions import Function
from local.functions_host.host.invocation import Call, Invoker
from local.functions_host.host.logs import HOST
from local.functions_host.host.ncrontab import Schedule, utc_now
from local.functions_host.host.retries import invoke_with_retries
from local.functions_host.host.settings import AppSettings, ConfigurationError
from local.functions_host.host.singleton import CONTAINER, while_holding
from local.functions_host.host.worker_process import WorkerLost
from local.functions_host.messages import TypedData

# A laptop that slept wakes with a stale monotonic clock: look at the wall clock this often.
LONGEST_SLEEP = 30.0


class Status(msgspec.Struct, rename="pascal"):
    """When a timer ran last and runs next, as Azure stores it."""

    last: datetime | None
    last_updated: datetime
    next: datetime | None


class _Adjustment(msgspec.Struct):
    AdjustForDST: bool = True


class _TimerInfo(msgspec.Struct, rename="pascal"):
    schedule: _Adjustment
    schedule_status: Status | None
    is_past_due: bool


@dataclass(frozen=True, slots=True)
class TimerTrigger:
    """A function with its schedule."""

    function: Function
    schedule: Schedule
    run_on_startup: bool
    use_monitor: bool

    @classmethod
    def of(cls, function: Function, settings: AppSettings) -> "TimerTrigger":
        """Raises ConfigurationError for a schedule that cannot be read or refers to a missing setting."""
        trigger = function.trigger
        schedule = ncrontab.parse(settings.resolve(trigger.text("schedule")))
        if schedule.next_after(utc_now()) is None:
            raise ConfigurationError(f"schedule '{trigger.text('schedule')}' has no occurrence")
        return cls(
            function,
            schedule,
            run_on_startup=trigger.properties.get("runOnStartup") is True,
            use_monitor=trigger.properties.get("useMonitor") is not False
            and ncrontab.is_monitored(schedule, utc_now()),
        )


class TimerListener:
    """Fires one timer in whichever host holds its lock."""

    def __init__(
        self, trigger: TimerTrigger, invoker: Invoker, blobs: BlobServiceClient, host_id: str
    ) -> None:
        self._trigger = trigger
        self._invoker = invoker
        self._blobs = blobs
        name = f"Host.Functions.{trigger.function.name}"
        self._lock_name = f"locks/{host_id}/{name}.Listener"
        self._status_blob = blobs.get_blob_client(CONTAINER, f"timers/{host_id}/{name}/status")
        self._running: asyncio.Task[Status] | None = None

    async def run(self) -> None:
        """Wait for the lock and fire until cancelled; then finish the run that is under way."""
        try:
            await while_holding(self._blobs, self._lock_name, self._fire)
        finally:
            if self._running:
                await asyncio.gather(self._running, return_exceptions=True)

    async def _fire(self) -> None:
        trigger = self._trigger
        status = await self._read() if trigger.use_monitor else None
        started = utc_now()
        if trigger.run_on_startup:
            status = await self._run(status, started, is_past_due=False)
        elif status and is_past_due(status, trigger.schedule, started):
            status = await self._run(status, started, is_past_due=True)
        elif trigger.use_monitor and status is None:
            status = Status(None, started, trigger.schedule.next_after(started))
            await self._write(status)
        moment = trigger.schedule.next_after(started)
        while moment is not None:
            await _sleep_until(moment)
            status = await self._run(status, moment, is_past_due=False)
            # What became due while the function ran is not made up for, as in Azure.
            moment = trigger.schedule.next_after(max(moment, utc_now()))

    async def _run(self, status: Status | None, moment: datetime, *, is_past_due: bool) -> Status:
        self._running = asyncio.create_task(self._run_and_record(status, moment, is_past_due=is_past_due))
        return await asyncio.shield(self._running)

    async def _run_and_record(self, status: Status | None, moment: datetime, *, is_past_due: bool) -> Status:
        call = timer_call(status, "Timer fired", is_past_due=is_past_due)
        try:
            await invoke_with_retries(self._invoker, self._trigger.function, call)
        except WorkerLost:
            HOST.warning("'%s' lost its worker; it runs again at its next time", self._trigger.function.name)
        ran = Status(moment, utc_now(), self._trigger.schedule.next_after(moment))
        if self._trigger.use_monitor:
            await self._write(ran)
        return ran

    async def _read(self) -> Status | None:
        try:
            download = await self._status_blob.download_blob()
            return msgspec.json.decode(await download.readall(), type=Status)
        except ResourceNotFoundError:
            return None

    async def _write(self, status: Status) -> None:
        await self._status_blob.upload_blob(msgspec.json.encode(status), overwrite=True)


def timer_call(status: Status | None, reason: str, *, is_past_due: bool) -> Call:
    """The call of a timer function."""
    info = _TimerInfo(_Adjustment(), status, is_past_due)
    return Call(TypedData(json=msgspec.json.encode(info).decode()), {}, reason)


def is_past_due(status: Status, schedule: Schedule, now: datetime) -> bool:
    """Whether an occurrence was missed. One computed under another schedule does not count."""
    expected = schedule.next_after(status.last or status.last_updated)
    return status.next is not None and status.next == expected and status.next < now


async def _sleep_until(moment: datetime) -> None:
    while True:
        left = (moment - utc_now()).total_seconds()
        if left <= 0:
            return
        await asyncio.sleep(min(left, LONGEST_SLEEP))
