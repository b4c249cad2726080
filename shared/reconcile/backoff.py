"""When to look at a key again."""

import random
from zlib import crc32

from shared.domain.ids import NodeKey
from shared.domain.mesh import Timing


def retry_delay(attempt: int, timing: Timing, draw: random.Random) -> float:
    """Seconds before attempt `attempt` + 1 (the first attempt is 1): doubling, capped, with full jitter above half."""
    ceiling = min(timing.backoff_most, timing.backoff_first * 2.0 ** (attempt - 1))
    return ceiling * (0.5 + draw.random() / 2)


def resync_delay(key: NodeKey, timing: Timing) -> float:
    """Seconds until a settled node is looked at again: spread by up to a tenth, so that nodes do not come in step."""
    spread = crc32(str(key).encode()) / 2**32
    return timing.resync * (0.9 + 0.2 * spread)
