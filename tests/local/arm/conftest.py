"""One Resource Manager per test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.local_arm import LocalArm, running_arm


@pytest.fixture
async def arm(tmp_path: Path) -> AsyncIterator[LocalArm]:
    """Operations end as soon as they are answered, and there are no quotas."""
    async with running_arm(tmp_path) as running:
        yield running
