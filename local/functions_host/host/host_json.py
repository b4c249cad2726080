"""The settings of host.json that this host uses, with Azure's defaults. Unknown ones are ignored, as there.

Source: https://learn.microsoft.com/azure/azure-functions/functions-host-json and the pages of each extension.
"""

import re
from pathlib import Path
from typing import Literal

import msgspec

from local.functions_host.host.settings import ConfigurationError

_SPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})(?:\.(\d{1,7}))?")


def seconds(span: str) -> float:
    """A .NET time span, `[d.]hh:mm:ss[.fffffff]`, in seconds. Raises ConfigurationError."""
    match = _SPAN.fullmatch(span.strip())
    if not match:
        raise ConfigurationError(f"'{span}' is not a time span like hh:mm:ss")
    days, hours, minutes, whole, fraction = match.groups(default="0")
    return int(days) * 86_400 + int(hours) * 3600 + int(minutes) * 60 + int(whole) + float(f"0.{fraction}")


class Http(msgspec.Struct, rename="camel"):
    route_prefix: str = "api"


class Queues(msgspec.Struct, rename="camel"):
    max_polling_interval: str = "00:01:00"
    visibility_timeout: str = "00:00:00"
    batch_size: int = 16
    new_batch_threshold: int | None = None
    max_dequeue_count: int = 5
    message_encoding: Literal["base64", "none"] = "base64"

    @property
    def threshold(self) -> int:
        """Below this many running messages the next batch is fetched."""
        return self.batch_size // 2 if self.new_batch_threshold is None else self.new_batch_threshold


class InitialOffset(msgspec.Struct, rename="camel"):
    type: Literal["fromStart", "fromEnd", "fromEnqueuedTime"] = "fromStart"
    enqueued_time_utc: str | None = None


class EventHubs(msgspec.Struct, rename="camel"):
    max_event_batch_size: int = 100
    min_event_batch_size: int = 1
    max_wait_time: str = "00:01:00"
    prefetch_count: int = 300
    batch_checkpoint_frequency: int = 1
    load_balancing_update_interval: str = "00:00:10"
    partition_ownership_expiration_interval: str = "00:01:00"
    initial_offset_options: InitialOffset = msgspec.field(default_factory=InitialOffset)


class Extensions(msgspec.Struct, rename="camel"):
    http: Http = msgspec.field(default_factory=Http)
    queues: Queues = msgspec.field(default_factory=Queues)
    event_hubs: EventHubs = msgspec.field(default_factory=EventHubs)


class Logging(msgspec.Struct, rename="camel"):
    log_level: dict[str, str] = {}


class HostJson(msgspec.Struct, rename="camel"):
    version: Literal["2.0"]
    extensions: Extensions = msgspec.field(default_factory=Extensions)
    logging: Logging = msgspec.field(default_factory=Logging)
    function_timeout: str = "00:30:00"

    @property
    def function_seconds(self) -> float | None:
        """How long a function may run; None without limit (`"-1"`)."""
        return None if self.function_timeout.startswith("-1") else seconds(self.function_timeout)


def read(app: Path) -> HostJson:
    """The app's host.json. Raises ConfigurationError when it is missing or malformed."""
    try:
        return msgspec.json.decode((app / "host.json").read_bytes(), type=HostJson)
    except FileNotFoundError:
        raise ConfigurationError(f"There is no host.json in {app}.") from None
    except msgspec.DecodeError as error:
        raise ConfigurationError(f"{app / 'host.json'}: {error}") from None
