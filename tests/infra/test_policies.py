"""The backstop's policies: in Azure Policy's language, wired to the initiative, and no adversary of Meshplane."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from shared.adapters.arm.shapes import setting_body
from shared.domain.diagnostics import DiagnosticSetting, Selection
from shared.domain.naming import setting_names
from shared.domain.tags import NODE
from tests.infra.policy_language import (
    DEFINITION,
    INITIATIVE,
    fields_of,
    holds,
    parameters_of,
)
from tests.infra.reader.evaluate import Evaluator, Value, as_value
from tests.infra.reader.expressions import Call, Text, every
from tests.infra.sources import INFRA, ROOT, bicep

RECORDED = ROOT.parent / "shared" / "real-data" / "E-diagnostics"
WORKSPACE = "/subscriptions/s/resourceGroups/hub/providers/Microsoft.OperationalInsights/workspaces/logs"
FILES = {p.stem: as_value(json.loads(p.read_text())) for p in sorted((INFRA / "policies").glob("*.json"))}
DEFINITIONS = sorted(name for name in FILES if name != "initiative")
FIELDS = {"type", "name", "location", "id", "fullName"}

type Document = dict[str, Any]


def properties(name: str) -> Document:
    found = FILES[name]
    assert isinstance(found, dict)
    assert isinstance(found["properties"], dict)
    return found["properties"]


def faults(definition: Document) -> list[str]:
    """What is wrong with a definition: its form, its parameters, its effects, the template that it deploys."""
    form = [e.message for e in jsonschema.Draft202012Validator(DEFINITION).iter_errors(definition)]
    if form:
        return form
    then = definition["policyRule"]["then"]
    deployment = then.get("details", {}).get("deployment", {}).get("properties", {})
    template = deployment.get("template", {})
    asked = dict(then.get("details", {}))
    asked.pop("deployment", None)
    rule: Value = [definition["policyRule"]["if"], asked, then["effect"], deployment.get("parameters", {})]
    return [
        *_differences("parameters", parameters_of(rule), set(definition["parameters"])),
        *_differences(
            "template", parameters_of(template.get("resources", [])), set(template.get("parameters", {}))
        ),
        *_differences("passed", set(deployment.get("parameters", {})), set(template.get("parameters", {}))),
        *_effect_faults(definition["parameters"]["effect"], then.get("details", {})),
    ]


def _differences(what: str, used: set[str], declared: set[str]) -> list[str]:
    return [f"{what}: {name}" for name in sorted(used ^ declared)]


def _effect_faults(effect: Document, details: Document) -> list[str]:
    """Effects that need what the details do not have; a default that acts instead of auditing."""
    needs = {"DenyAction": "actionNames", "DeployIfNotExists": "deployment", "AuditIfNotExists": "type"}
    lacking = [e for e in effect["allowedValues"] if e in needs and needs[e] not in details]
    acting = [] if effect["defaultValue"] in ("Audit", "AuditIfNotExists", "Disabled") else ["default"]
    return [f"effect: {e}" for e in (*lacking, *acting)]


@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_definition_is_one_and_uses_what_it_declares(name: str) -> None:
    assert faults(properties(name)) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"mode": "Indexed"', '"mode": "indexed"'),
        ('"allOf"', '"allof"'),
        ('"notEquals"', '"notequal"'),
        ("parameters('tagName')", "parameters('tag')"),
        ('"defaultValue": "AuditIfNotExists"', '"defaultValue": "DeployIfNotExists"'),
        ('"settingName": {"type": "string"}', '"name": {"type": "string"}'),
        ('"mode": "incremental"', '"mode": "complete"'),
        ('"PT60M"', '"PT600M"'),
        ('"roleDefinitionIds"', '"roleDefinitions"'),
    ],
)
def test_what_is_wrong_with_a_definition_is_noticed(old: str, new: str) -> None:
    text = json.dumps(properties("diagnostics-if-missing"))
    assert old in text
    assert faults(json.loads(text.replace(old, new)))


def test_the_initiative_holds_every_definition_and_passes_what_each_takes() -> None:
    initiative = properties("initiative")
    jsonschema.Draft202012Validator(INITIATIVE).validate(initiative)
    references = initiative["policyDefinitions"]
    assert sorted(r["policyDefinitionId"] for r in references) == DEFINITIONS
    assert parameters_of(references) == set(initiative["parameters"])
    for reference in references:
        takes = properties(reference["policyDefinitionId"])["parameters"]
        assert set(reference["parameters"]) <= set(takes)
        assert {n for n, p in takes.items() if "defaultValue" not in p} <= set(reference["parameters"])
        for name, value in reference["parameters"].items():
            [given] = parameters_of(value)
            for member in ("type", "allowedValues", "defaultValue"):
                assert initiative["parameters"][given].get(member) == takes[name].get(member), (given, member)


def test_bicep_deploys_these_files_and_assigns_what_the_initiative_takes() -> None:
    file = bicep("modules/policies.bicep")
    calls = [e for v in file.values() for e in every(v) if isinstance(e, Call)]
    loaded = [c.arguments[0] for c in calls if c.name == "loadJsonContent"]
    assert sorted(Path(a.plain or "").stem for a in loaded if isinstance(a, Text)) == sorted(FILES)
    parameters = properties("initiative")["parameters"]
    assigned = _assigned()
    assert set(assigned) <= set(parameters)
    assert {n for n, p in parameters.items() if "defaultValue" not in p} <= set(assigned)
    for name in ("diagnosticsEffect", "untaggedEffect", "removalEffect"):
        assert assigned[name] == {"value": parameters[name]["defaultValue"]}
        allowed = file.parameters[name].decorator("allowed")
        assert allowed
        assert sorted(map(str, _list(Evaluator(file).value(allowed.arguments[0])))) == sorted(
            parameters[name]["allowedValues"]
        )


def test_policy_knows_what_meshplane_calls_a_node_and_its_own_settings() -> None:
    """What policy deploys has another name: Meshplane would take it for its own and remove it one day."""
    names = setting_names("mesh").values()
    assigned = _assigned()
    assert sorted(map(str, _list(assigned["settingNames"]["value"]))) == sorted(names)
    assert assigned["settingName"]["value"] not in names
    assert {properties(n)["parameters"]["tagName"]["defaultValue"] for n in FILES} == {NODE}


def test_a_setting_of_meshplane_leaves_policy_nothing_to_do() -> None:
    """Whatever it is called and whichever workspace it sends to: they do not both pay for the same records."""
    whole = DiagnosticSetting("mesh", Selection(groups=frozenset({"allLogs"})), workspace=WORKSPACE)
    single = DiagnosticSetting("x", Selection(logs=frozenset({"AuditEvent"})), workspace=f"{WORKSPACE}2")
    stream = DiagnosticSetting("mesh.stream", Selection(groups=frozenset({"allLogs"})), event_hub_rule="/r")
    metrics = DiagnosticSetting("y", Selection(metrics=frozenset({"AllMetrics"})), workspace=WORKSPACE)
    assert [_exists(s) for s in (whole, single, stream, metrics)] == [True, True, False, False]


@pytest.mark.parametrize(
    ("name", "tags", "kind", "called", "concerned"),
    [
        ("diagnostics-if-missing", {NODE: "sales"}, "Microsoft.KeyVault/vaults", "v", True),
        ("diagnostics-if-missing", {}, "Microsoft.KeyVault/vaults", "v", False),
        ("diagnostics-if-missing", {NODE: "sales"}, "Microsoft.Network/networkInterfaces", "n", False),
        ("diagnostics-if-missing", {NODE: "sales"}, "microsoft.sql/servers/databases", "master", False),
        ("data-in-untagged-groups", {"other": "x"}, "Microsoft.Storage/storageAccounts", "s", True),
        ("data-in-untagged-groups", {NODE: "sales"}, "Microsoft.Storage/storageAccounts", "s", False),
        ("data-in-untagged-groups", {}, "Microsoft.Network/virtualNetworks", "n", False),
        ("keep-owned-settings", {NODE: "sales"}, "Microsoft.Insights/diagnosticSettings", "mesh.stream", True),
        ("keep-owned-settings", {NODE: "sales"}, "Microsoft.Insights/diagnosticSettings", "other", False),
        ("keep-owned-settings", {}, "Microsoft.Insights/diagnosticSettings", "mesh", False),
    ],
)  # fmt: skip
def test_a_policy_concerns_what_it_is_for(
    name: str, tags: Mapping[str, Value], kind: str, called: str, concerned: bool
) -> None:
    """A group that lost its tag is let go of: Meshplane may remove its settings then."""
    definition = properties(name)
    parameters = {n: p["defaultValue"] for n, p in definition["parameters"].items() if "defaultValue" in p}
    parameters["settingNames"] = list(setting_names("mesh").values())
    condition = definition["policyRule"]["if"]
    assert holds(condition, {"type": kind, "name": called}, parameters, tags) is concerned


@pytest.mark.parametrize("name", DEFINITIONS)
def test_fields_and_aliases_are_azures(name: str) -> None:
    """Those that Microsoft's own definitions use."""
    if not RECORDED.exists():
        pytest.skip("no recorded policy definitions: ../shared/real-data/E-diagnostics is absent")
    known = {f.lower() for path in RECORDED.rglob("*.json") for f in _fields(path)} | FIELDS
    asked = fields_of(properties(name)["policyRule"])
    assert [f for f in asked if f.lower() not in {k.lower() for k in known}] == []


def test_types_have_the_category_group_that_is_deployed() -> None:
    """By the list of Microsoft's own initiative for allLogs."""
    built_in = RECORDED / "azure-policy/policySetDefinitions/Monitoring"
    if not built_in.exists():
        pytest.skip("no recorded policy definitions: ../shared/real-data/E-diagnostics is absent")
    text = (built_in / "AzureMonitor_DiagSettings_logAnalytics_allLogs.json").read_text()
    known = json.loads(text)["properties"]["parameters"]["resourceTypeList"]["allowedValues"]
    types = properties("diagnostics-if-missing")["parameters"]["resourceTypes"]["defaultValue"]
    assert [t for t in types if t.lower() not in known] == []


def test_the_page_names_every_policy_and_effect() -> None:
    page = (ROOT / "docs/backstop.md").read_text()
    effects = {e for n in DEFINITIONS for e in properties(n)["parameters"]["effect"]["allowedValues"]}
    assert [name for name in (*DEFINITIONS, *effects) if f"`{name}`" not in page] == []
    types = properties("diagnostics-if-missing")["parameters"]["resourceTypes"]["defaultValue"]
    assert f"knows {len(types)} types" in page


def _assigned() -> Document:
    file = bicep("modules/policies.bicep")
    found = file.resources["assignment"].body.get("properties", "parameters")
    assert found is not None
    value = Evaluator(file, {"name": "mesh", "workspaceId": WORKSPACE}).value(found)
    assert isinstance(value, dict)
    return value


def _exists(setting: DiagnosticSetting) -> bool:
    """Whether the policy finds its setting in what Meshplane would write."""
    body = setting_body(setting).serialize()["properties"]
    alias = "Microsoft.Insights/diagnosticSettings/"
    resource = {f"{alias}{k}": as_value(v) for k, v in body.items()}
    resource[f"{alias}logs[*]"] = resource.get(f"{alias}logs", [])
    condition = properties("diagnostics-if-missing")["policyRule"]["then"]["details"]["existenceCondition"]
    return holds(condition, resource, {}, {})


def _fields(path: Path) -> list[str]:
    """One of Microsoft's files is no UTF-8; the names of fields are."""
    return re.findall(r'"field": *"([^"]+)"', path.read_text("utf-8", errors="ignore"))


def _list(value: Value) -> list[Value]:
    assert isinstance(value, list)
    return value
