"""The api-version that every request must carry."""

import re
from collections.abc import Mapping
from datetime import date

from local.arm.errors import ArmError

_FORM = re.compile(r"(\d{4}-\d{2}-\d{2})(-[a-z]+(\.\d+)?)?", re.IGNORECASE)
# Resource Manager's first version is of this day; nothing older was ever served.
_OLDEST = date(2014, 4, 1)


def check(query: Mapping[str, str], today: date) -> None:
    """Refuse a version that is missing, malformed, older than Resource Manager or from the future."""
    version = query.get("api-version", "")
    if not version:
        raise ArmError(
            400,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        )
    if not _served(version, today):
        raise ArmError(
            400,
            "InvalidApiVersionParameter",
            f"The api-version '{version}' is invalid. The supported versions are "
            f"'2025-04-01,2024-11-01,2024-07-01,2022-09-01,2021-04-01,2020-06-01,2019-10-01,2018-05-01'.",
        )


def _served(version: str, today: date) -> bool:
    match = _FORM.fullmatch(version)
    if match is None:
        return False
    try:
        day = date.fromisoformat(match[1])
    except ValueError:
        return False
    return _OLDEST <= day <= today
