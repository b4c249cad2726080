"""App settings: the environment, local.settings.json and the command line, merged; what bindings refer to."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

_PLACEHOLDER = re.compile(r"%([^%]+)%")


class ConfigurationError(ValueError):
    """Something the app's bindings or host.json need is missing or malformed; the message names it."""


class AppSettings(Mapping[str, str]):
    """Names are matched without regard to case, as in the cloud."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)
        self._names = {name.lower(): name for name in values}

    def __getitem__(self, name: str) -> str:
        return self._values[self._names[name.lower()]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def resolve(self, text: str) -> str:
        """`text` with every %NAME% replaced by that setting. Raises ConfigurationError naming what is missing."""
        return _PLACEHOLDER.sub(self._value_of, text)

    def _value_of(self, match: re.Match[str]) -> str:
        try:
            return self[match[1]]
        except KeyError:
            raise ConfigurationError(f"'%{match[1]}%' does not resolve to a value") from None


def merge(environment: Mapping[str, str], file: Path | None, assignments: list[str]) -> AppSettings:
    """`environment`, overridden by the file's `Values`, overridden by NAME=VALUE assignments.

    The file has the format of local.settings.json. Raises ConfigurationError.
    """
    values = {**environment, **(_values_in(file) if file else {})}
    for assignment in assignments:
        name, separator, value = assignment.partition("=")
        if not separator:
            raise ConfigurationError(f"--setting wants NAME=VALUE, not {name!r}")
        values[name] = value
    return AppSettings(values)


class _SettingsFile(msgspec.Struct, rename="pascal"):
    values: dict[str, str] = {}


def _values_in(file: Path) -> dict[str, str]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=_SettingsFile).values
    except FileNotFoundError:
        raise ConfigurationError(f"There is no settings file {file}.") from None
    except msgspec.DecodeError as error:
        raise ConfigurationError(f"{file}: {error}") from None
