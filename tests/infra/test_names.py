"""What is deployed has names that Azure takes, with the shortest and longest that a person may choose."""

import re

import pytest

from tests.infra.deployment import deployments, known_turns, main_with, names
from tests.infra.reader.evaluate import Unknowable, Value
from tests.infra.sources import where

RULES = {
    "Microsoft.Authorization/policyAssignments": r".{1,64}",
    "Microsoft.Authorization/policyDefinitions": r"[^<>*%&:\\?.+/]{1,64}",
    "Microsoft.Authorization/policySetDefinitions": r"[^<>*%&:\\?.+/]{1,64}",
    "Microsoft.EventGrid/systemTopics": r"[A-Za-z0-9-]{3,50}",
    "Microsoft.EventGrid/systemTopics/eventSubscriptions": r"[A-Za-z0-9-]{3,64}",
    "Microsoft.EventHub/namespaces": r"[A-Za-z][A-Za-z0-9-]{4,48}[A-Za-z0-9]",
    "Microsoft.EventHub/namespaces/eventhubs": r"[A-Za-z0-9]([A-Za-z0-9._-]{0,48}[A-Za-z0-9])?",
    "Microsoft.EventHub/namespaces/eventhubs/consumergroups": r"[A-Za-z0-9]([A-Za-z0-9._-]{0,48}[A-Za-z0-9])?",
    "Microsoft.Insights/actionGroups": r"[^:<>+/&%\\?|]{0,259}[^:<>+/&%\\?| .]",
    "Microsoft.Insights/components": r"[^%&\\?/]{0,259}[^%&\\?/ .]",
    "Microsoft.Insights/diagnosticSettings": r"[^*<>%:&?+\\/]{1,260}",
    "Microsoft.Insights/metricAlerts": r"[^*#&+:<>?@%{}\\/]{0,259}[^*#&+:<>?@%{}\\/ .]",
    "Microsoft.Insights/scheduledQueryRules": r"[^*<>%{}&:\\?/#]{0,259}[^*<>%{}&:\\?/# .]",
    "Microsoft.ManagedIdentity/userAssignedIdentities": r"[A-Za-z0-9][A-Za-z0-9_-]{2,127}",
    "Microsoft.Network/natGateways": r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,78}[A-Za-z0-9_])?",
    "Microsoft.Network/networkSecurityGroups": r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,78}[A-Za-z0-9_])?",
    "Microsoft.Network/privateEndpoints": r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}[A-Za-z0-9_]",
    "Microsoft.Network/publicIPAddresses": r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,78}[A-Za-z0-9_])?",
    "Microsoft.Network/virtualNetworkGateways": r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,78}[A-Za-z0-9_])?",
    "Microsoft.Network/virtualNetworks": r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}[A-Za-z0-9_]",
    "Microsoft.OperationalInsights/workspaces": r"[A-Za-z0-9][A-Za-z0-9-]{2,61}[A-Za-z0-9]",
    "Microsoft.Portal/dashboards": r"[A-Za-z0-9-]{3,160}",
    "Microsoft.Resources/resourceGroups": r"[\w.()-]{0,89}[\w()-]",
    "Microsoft.Storage/storageAccounts": r"[a-z0-9]{3,24}",
    "Microsoft.Storage/storageAccounts/blobServices/containers": r"(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]",
    "Microsoft.Web/serverfarms": r"[A-Za-z0-9-]{1,60}",
    "Microsoft.Web/sites": r"[A-Za-z0-9][A-Za-z0-9-]{0,58}[A-Za-z0-9]",
}
"""From "Naming rules and restrictions for Azure resources"; names without a rule here are given by Azure, or GUIDs."""
DEPLOYMENT = r"[\w.()-]{1,64}"
SHORT: dict[str, Value] = {"name": "ab"}
LONG: dict[str, Value] = {
    "name": "a2345678901234567890-bcd",
    "hubs": [{"id": "h23456789-1234567890123456789z", "addressPrefix": "10.0.0.0/22"}],
    "privateEndpoints": True,
    "natGateway": True,
    "alertEmails": ["someone@example.com"],
}


def wrong_names(symbols: dict[str, Value]) -> tuple[list[str], set[str]]:
    """Names that Azure would refuse, and the types whose names were looked at."""
    faults, seen = [], set()
    for file, evaluator in deployments(main_with(symbols)):
        for resource in file.resources.values():
            rule = RULES.get(resource.type)
            if resource.is_existing or rule is None:
                continue
            try:
                made = names(evaluator, resource)
            except Unknowable:
                continue
            seen |= {resource.type} if made else set()
            faults += [f"{where(file)} {resource.type} {n!r}" for n in made if not re.fullmatch(rule, n)]
        for module in file.modules.values():
            called = module.body.get("name")
            for local in known_turns(evaluator, module.value) if called else ():
                name = str(evaluator.value(called, local)) if called else ""
                faults += [] if re.fullmatch(DEPLOYMENT, name) else [f"{where(file)} module {name!r}"]
    return faults, seen


@pytest.mark.parametrize("symbols", [SHORT, LONG], ids=["short", "long"])
def test_names_are_what_azure_takes(symbols: dict[str, Value]) -> None:
    faults, seen = wrong_names(symbols)
    assert faults == []
    assert sorted(RULES.keys() - seen) == [] or symbols is SHORT


def test_a_name_that_is_too_long_or_has_what_it_may_not_is_noticed() -> None:
    for name in ("a" * 60, "with space", "UPPER_case"):
        assert wrong_names({"name": name})[0]
