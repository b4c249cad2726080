"""Settings, host.json and retry delays, without a process."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from local.functions_host.host import host_json, keys
from local.functions_host.host.keys import AuthLevel
from local.functions_host.host.retries import delay
from local.functions_host.host.settings import AppSettings, ConfigurationError, merge
from local.functions_host.messages import RpcRetryOptions


def test_what_is_nearer_wins(tmp_path: Path) -> None:
    """Environment, then local.settings.json, then the command line; names without regard to case."""
    file = tmp_path / "local.settings.json"
    file.write_text(json.dumps({"IsEncrypted": False, "Values": {"B": "file", "C": "file"}}))
    settings = merge({"A": "env", "B": "env", "C": "env"}, file, ["C=line=1"])
    assert dict(settings) == {"A": "env", "B": "file", "C": "line=1"}
    assert settings["a"] == "env"


@pytest.mark.parametrize("text", ["{", '{"Values": {"A": 1}}'])
def test_a_malformed_settings_file_is_named(tmp_path: Path, text: str) -> None:
    """The message says which file."""
    file = tmp_path / "local.settings.json"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=r"local\.settings\.json"):
        merge({}, file, [])


def test_placeholders_are_replaced_or_named() -> None:
    """%NAME% becomes the setting; one that is not set is in the message."""
    settings = AppSettings({"Queue": "work"})
    assert settings.resolve("%queue%-poison") == "work-poison"
    with pytest.raises(ConfigurationError, match="%OTHER%"):
        settings.resolve("%OTHER%")


def test_host_json_has_azures_defaults(tmp_path: Path) -> None:
    """A minimal file, and one with what this host does not know."""
    (tmp_path / "host.json").write_text('{"version": "2.0", "extensionBundle": {"id": "x"}}')
    read = host_json.read(tmp_path)
    assert read.extensions.queues.batch_size == 16
    assert read.extensions.queues.threshold == 8
    assert read.extensions.queues.max_dequeue_count == 5
    assert read.extensions.http.route_prefix == "api"
    assert read.function_seconds == 1800


@pytest.mark.parametrize("text", ["", "{}", '{"version": "1.0"}', '{"version": "2.0", "extensions": 3}'])
def test_a_malformed_host_json_is_refused(tmp_path: Path, text: str) -> None:
    """As Azure refuses it, with the file's name."""
    (tmp_path / "host.json").write_text(text)
    with pytest.raises(ConfigurationError, match=r"host\.json"):
        host_json.read(tmp_path)


@pytest.mark.parametrize(
    ("span", "seconds"), [("00:00:02", 2), ("01:30:00", 5400), ("1.00:00:00", 86_400), ("00:00:00.5", 0.5)]
)
def test_time_spans(span: str, seconds: float) -> None:
    """.NET's notation."""
    assert host_json.seconds(span) == seconds


def test_keys_stay_in_their_file(tmp_path: Path) -> None:
    """A second start has the same keys, and nobody else can read them."""
    file = tmp_path / "keys.json"
    made = keys.load(file)
    assert keys.load(file) == made
    assert file.stat().st_mode & 0o077 == 0
    assert not made.allows(AuthLevel.FUNCTION, "")


def test_retry_delays() -> None:
    """A fixed delay stays, an exponential one doubles up to its maximum, however often."""
    fixed = RpcRetryOptions(5, "fixed_delay", delay_interval=timedelta(seconds=3))
    assert [delay(fixed, retry) for retry in (1, 2, 9)] == [3, 3, 3]
    growing = RpcRetryOptions(
        -1,
        "exponential_backoff",
        minimum_interval=timedelta(seconds=1),
        maximum_interval=timedelta(seconds=10),
    )
    assert [delay(growing, retry) for retry in (1, 2, 3, 4, 5, 5000)] == [1, 2, 4, 8, 10, 10]
