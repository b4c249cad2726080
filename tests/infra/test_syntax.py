"""Every Bicep file is one."""

from pathlib import Path

import pytest

from tests.infra.reader.file import read
from tests.infra.sources import INFRA, bicep_paths


@pytest.mark.parametrize("path", bicep_paths(), ids=lambda p: str(p.relative_to(INFRA)))
def test_a_file_is_bicep_and_nothing_in_it_is_unknown_to_the_reader(path: Path) -> None:
    assert read(path).text
