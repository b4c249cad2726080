"""What checkov is given, and what becomes of its report; scripts/checkov runs it."""

from typing import Any

import pytest
import yaml

from tests.infra.arm import GRAPH, template
from tests.infra.findings import explained, verdict
from tests.infra.reader.file import BicepFile
from tests.infra.sources import INFRA, ROOT, all_bicep, where

PLAN = {"check": "CKV_1", "resources": ["Microsoft.Web/serverfarms"], "reason": "It is so, and may be so."}


def report(*failed: tuple[str, str], **summary: int) -> dict[str, Any]:
    """A report as checkov 3.3 writes it."""
    checks = [
        {"check_id": check, "resource": resource, "file_path": "/x.json", "check_name": "Ensure"}
        for check, resource in failed
    ]
    return {
        "summary": {"passed": 1, "failed": len(failed), "parsing_errors": 0, **summary},
        "results": {"failed_checks": checks},
    }


def test_what_is_found_and_explained_passes() -> None:
    assert verdict(report(("CKV_1", "Microsoft.Web/serverfarms.plan")), [PLAN]) == []


@pytest.mark.parametrize(
    "told",
    [
        report(("CKV_1", "Microsoft.Web/serverfarms.plan"), ("CKV_2", "Microsoft.Web/serverfarms.plan")),
        report(("CKV_1", "Microsoft.Web/serverfarms.plan"), ("CKV_1", "Microsoft.Web/sites.app.x")),
        report(),
        report(("CKV_1", "Microsoft.Web/serverfarms.plan"), parsing_errors=1),
        report(("CKV_1", "Microsoft.Web/serverfarms.plan"), passed=0),
    ],
    ids=["another check", "another type", "an idle reason", "an unread template", "nothing looked at"],
)
def test_everything_else_fails(told: dict[str, Any]) -> None:
    assert verdict(told, [PLAN])


def test_an_exception_without_a_reason_is_refused() -> None:
    with pytest.raises(ValueError):
        explained([{**PLAN, "reason": "no"}])
    assert explained(yaml.safe_load((INFRA / "checkov.yaml").read_text()))


@pytest.mark.parametrize("file", [f for f in all_bicep() if not f.using], ids=where)
def test_checkov_is_given_every_resource_with_its_name(file: BicepFile) -> None:
    """Names that only a deployment knows are told so; a loop over what is not known yet has one turn."""
    made = template(file)["resources"]
    assert isinstance(made, list)
    types = {r["type"] for r in made if isinstance(r, dict)}
    deployed = {r.type for r in file.resources.values() if not r.is_existing and GRAPH not in r.type}
    assert all(isinstance(r, dict) and r["name"] and r["apiVersion"] for r in made)
    assert types <= deployed
    assert len(deployed - types) == 0 or "for" in file.text


def test_checkov_is_pinned_where_its_requirements_are_locked() -> None:
    script = (ROOT / "scripts/checkov").read_text()
    version = script.partition("version=")[2].partition("\n")[0]
    assert f"checkov=={version} \\\n" in (ROOT / "scripts/checkov-requirements.txt").read_text()
