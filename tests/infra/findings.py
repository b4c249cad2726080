"""checkov's report against infra/checkov.yaml: what was found without a reason, and reasons for what is found no more.

`python -m tests.infra.findings REPORT TEMPLATES` prints both, and ends with 1 where there is any.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.infra.sources import INFRA


class Finding(NamedTuple):
    """A failed check of one resource type."""

    check: str
    resource: str


def found_in(report: Mapping[str, Any]) -> dict[Finding, str]:
    """The failed checks with where they failed and what they ask. checkov names a resource `type.name`."""
    return {
        Finding(one["check_id"], one["resource"].rpartition("/")[0] + "/" + _kind(one["resource"])): (
            f"{one['file_path']} {one['resource']}: {one['check_name']}"
        )
        for one in report["results"]["failed_checks"]
    }


def _kind(resource: str) -> str:
    return resource.rpartition("/")[2].partition(".")[0]


def explained(exceptions: Iterable[Mapping[str, Any]]) -> set[Finding]:
    """The findings that have a reason. Raises ValueError where an entry has none."""
    found = set()
    for entry in exceptions:
        if len(str(entry.get("reason", "")).split()) < 5:
            raise ValueError(f"{entry['check']} has no reason")
        found |= {Finding(entry["check"], resource) for resource in entry["resources"]}
    return found


def verdict(report: Mapping[str, Any], exceptions: Iterable[Mapping[str, Any]]) -> list[str]:
    """Everything that is wrong: findings, idle exceptions, and a report that says that little was looked at."""
    found, known = found_in(report), explained(exceptions)
    unread = report["summary"]["parsing_errors"]
    idle = sorted(known - found.keys())
    return [
        *(f"{one.check} {found[one]}" for one in sorted(found.keys() - known)),
        *(f"infra/checkov.yaml: {one.check} of {one.resource} is found no more" for one in idle),
        *([f"{unread} templates could not be read"] if unread else []),
        *([] if report["summary"]["passed"] else ["nothing passed: checkov did not look"]),
    ]


def main() -> None:
    report = json.loads(Path(sys.argv[1]).read_text())
    faults = verdict(report, yaml.safe_load((INFRA / "checkov.yaml").read_text()))
    templates = len(list(Path(sys.argv[2]).rglob("*.json")))
    summary = report["summary"]
    print(
        f"checkov {summary['checkov_version']}: {templates} templates, {summary['passed']} checks passed, "
        f"{summary['failed']} explained in infra/checkov.yaml"
        if not faults
        else "\n".join(faults)
    )
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
