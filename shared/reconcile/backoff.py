"""When to look at a key again."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from zlib import crc32

from shared.domain.errors import MeshError, Waiting
from shared.domain.ids import Key
from shared.domain.mesh import Timing


def retry_delay(attempt: int, timing: Timing, draw: random.Random) -> float:
    """Seconds before attempt `attempt` + 1 (the first attempt is 1): doubling, capped, with full jitter above half."""
    ceiling = min(timing.backoff_most, timing.backoff_first * 2.0 ** (attempt - 1))
    return ceiling * (0.5 + draw.random() / 2)


def resync_delay(key: Key, timing: Timing) -> float:
    """Seconds until a settled key is looked at again: spread by up to a tenth, so that keys do not come in step."""
    spread = crc32(str(key).encode()) / 2**32
    return timing.resync * (0.9 + 0.2 * spread)


def asked_for(errors: Sequence[MeshError], now: datetime) -> datetime | None:
    """Until when Azure wants to be left alone: it refuses who comes earlier, and begins to count anew."""
    seconds = max((e.retry_after or 0.0 for e in errors), default=0.0)
    return now + timedelta(seconds=seconds) if seconds else None


def delay(error: MeshError, tries: int, timing: Timing, draw: random.Random) -> float:
    """Seconds: never before what Azure asked for, and less and less often the longer it lasts."""
    if not error.retry_after:
        return (patience if isinstance(error, Waiting) else retry_delay)(tries, timing, draw)
    longer = min(max(error.retry_after, timing.backoff_most), error.retry_after * max(1.0, tries / 4))
    return longer * (1 + 0.25 * draw.random())


def patience(waits: int, timing: Timing, draw: random.Random) -> float:
    """Seconds before looking again at what passes by itself: every fourth wait doubles it, since Azure has many a
    reason to ask for it without anything being wrong."""
    return retry_delay(1 + waits // 4, timing, draw)
