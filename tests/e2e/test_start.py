"""The app does not start half configured."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from demo.stack import ROOT
from shared.settings import SettingsError, load_settings

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack"), pytest.mark.timeout(900)]


def test_every_missing_setting_is_named_in_one_failed_start(tmp_path: Path) -> None:
    """The host ends with status 1 and one message that names all of them and what they mean."""
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"Values": {"FUNCTIONS_WORKER_RUNTIME": "python"}}))
    command = [sys.executable, "-m", "local.functions_host", "--app", str(ROOT), "--settings", str(settings)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=50, check=False)
    assert ended.returncode == 1
    with pytest.raises(SettingsError) as expected:
        load_settings({})
    assert len(expected.value.faults) >= 8
    for fault in expected.value.faults:
        assert fault in ended.stderr
