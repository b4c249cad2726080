"""What infra/ deploys is what the code expects: settings, names, events, roles, the service of azd."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from functions.resource_events import changed_nothing
from shared.settings import load_settings
from tests.infra.deployment import SCOPES, SUBSCRIPTION, module, names, path_of
from tests.infra.reader.evaluate import Evaluator, Value
from tests.infra.reader.expressions import Call, Expression, Object, Text, every
from tests.infra.reader.file import BicepFile, read_text
from tests.infra.sources import INFRA, ROOT, all_bicep, bicep

PLATFORM = {
    "APPLICATIONINSIGHTS_CONNECTION_STRING": "the host's own telemetry: the address, no key that is accepted",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": "the host sends that telemetry as the app's identity",
    "AZURE_CLIENT_ID": "azure-identity's: which user-assigned identity",
}
"""Settings that no code of ours reads, with who does."""
CONNECTIONS = {
    "AzureWebJobsStorage": {"blobServiceUri", "queueServiceUri", "tableServiceUri", "credential", "clientId"},
    "MESH_EVENTHUB": {"fullyQualifiedNamespace", "credential", "clientId"},
}
"""Connections by identity, with the suffixes that the host's extensions and shared/settings.py know."""
SITE: Value = {
    "id": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Web/sites/func",
    "name": "func",
    "identity": {"principalId": "b0000000-0000-4000-8000-0000000000bb"},
}
INSIGHTS: Value = {"properties": {"ConnectionString": "InstrumentationKey=x"}}
HANDLED = tuple(f"Microsoft.Resources.Resource{what}Success" for what in ("Write", "Delete", "Action"))


def app() -> Evaluator:
    return module("app", site=SITE, insights=INSIGHTS)


def app_settings() -> dict[str, str]:
    """The settings that the app gets with the defaults of main.bicep."""
    file = bicep("modules/appsettings.bicep")
    properties = file.resources["appSettings"].body.get("properties")
    assert properties is not None
    value = Evaluator(file, {"settings": app().symbol("appSettings")}, SCOPES).value(properties)
    assert isinstance(value, dict)
    return {name: str(text) for name, text in value.items()}


def written(file: BicepFile) -> set[str]:
    """The names of settings that stand in Bicep, those that are left out while empty among them."""
    found = file.variables["appSettings"].value
    return {name for e in every(found) if isinstance(e, Object) for name in e.names()}


def read_by_the_code() -> set[str]:
    """The names that shared/settings.py reads and that the bindings of triggers hold."""
    read = set(re.findall(r'"((?:MESH_|AzureWebJobs)\w+)"', (ROOT / "shared/settings.py").read_text()))
    for file in (ROOT / "functions").glob("*.py"):
        read |= set(re.findall(r"%(\w+)%", file.read_text()))
        read |= set(re.findall(r'connection="(\w+)"', file.read_text()))
    return read


def setting_faults(file: BicepFile) -> set[str]:
    """Settings that only one side knows; connection strings, which would be secrets, are among them."""
    by_identity = {f"{name}__{suffix}" for name, suffixes in CONNECTIONS.items() for suffix in suffixes}
    expected = by_identity | PLATFORM.keys() | (read_by_the_code() - CONNECTIONS.keys())
    return written(file) ^ expected


def test_bicep_sets_what_the_code_reads_and_nothing_else() -> None:
    assert setting_faults(bicep(path_of("app"))) == set()


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("  MESH_NAME:", "  MESH_NAMES:", {"MESH_NAME", "MESH_NAMES"}),
        ("  MESH_EVENTHUB__credential:", "  MESH_EVENTHUB:", {"MESH_EVENTHUB", "MESH_EVENTHUB__credential"}),
        ("  MESH_SINKS:", "  // MESH_SINKS:", {"MESH_SINKS"}),
    ],
)
def test_a_setting_that_one_side_does_not_know_is_noticed(old: str, new: str, fault: set[str]) -> None:
    file = bicep(path_of("app"))
    assert file.text.count(old) == 1
    assert setting_faults(read_text(file.path, file.text.replace(old, new))) == fault


def test_the_code_starts_with_the_settings_of_a_deployment_with_defaults() -> None:
    settings = load_settings(app_settings())
    [hub] = settings.mesh.hubs
    assert hub.network.startswith(f"/subscriptions/{SUBSCRIPTION}/resourceGroups/")
    assert settings.mesh.subscriptions == (SUBSCRIPTION,)
    assert [sink.kind for sink in settings.mesh.sinks] == ["event-hub"]
    assert settings.resource_manager_scope == "https://management.azure.com/.default"
    assert settings.platform_authentication
    assert settings.storage.connection_string == settings.event_hub.connection_string == ""


def test_settings_that_are_left_alone_are_the_codes_own_defaults() -> None:
    """Bicep repeats defaults, so that they can be changed there: they must not differ from those of the code."""
    given, needed = app_settings(), {"MESH_SUBSCRIPTIONS": SUBSCRIPTION}
    for name in ("MESH_HUBS", "MESH_TELEMETRY_HUB", "MESH_TELEMETRY_CONSUMER_GROUP", "AzureWebJobsStorage"):
        needed[name] = given.get(name, "UseDevelopmentStorage=true")
    schedules = {name: value for name, value in given.items() if name.endswith("_SCHEDULE")}
    plain = load_settings({**needed, **schedules, "MESH_EVENTHUB": "Endpoint=sb://x"})
    deployed = load_settings(given)
    assert (deployed.terms, deployed.timing, deployed.logs) == (plain.terms, plain.timing, plain.logs)
    assert deployed.event_hub.mesh_events == plain.event_hub.mesh_events
    assert deployed.event_hub.replay_group == plain.event_hub.replay_group
    assert deployed.mesh.full_mesh == plain.mesh.full_mesh


def test_hubs_and_consumer_groups_are_made_under_the_names_that_the_app_is_told() -> None:
    given, file, hubs = app_settings(), bicep(path_of("eventHubs")), module("eventHubs")
    made: dict[str, set[str]] = {"eventhubs": set(), "consumergroups": set()}
    for resource in file.resources.values():
        kind = resource.type.rpartition("/")[2]
        if kind in made:
            made[kind] |= set(names(hubs, resource))
    groups = {given["MESH_TELEMETRY_CONSUMER_GROUP"], given["MESH_REPLAY_CONSUMER_GROUP"]}
    assert made == {
        "eventhubs": {given["MESH_TELEMETRY_HUB"], given["MESH_EVENTS_HUB"]},
        "consumergroups": groups,
    }


def test_containers_are_made_under_the_names_that_they_are_used_by() -> None:
    file, storage = bicep(path_of("storage")), module("storage")
    made = [n for r in file.resources.values() if r.type.endswith("/containers") for n in names(storage, r)]
    config = bicep(path_of("app")).resources["site"].body.get("properties", "functionAppConfig", "deployment")
    assert config is not None
    package = json.dumps(app().value(config))
    joined = Evaluator(bicep("subscription.bicep")).symbol("deadLetterContainer")
    assert len(made) == 2
    assert sum(f"{name}" in package for name in made) == 1
    assert joined in made
    assert module("events").symbol("deadLetterContainer") == joined


def test_tables_and_queues_are_left_to_the_code() -> None:
    """It makes them itself where they are missing; the identity may."""
    kinds = {r.type for f in all_bicep() for r in f.resources.values()}
    assert [k for k in kinds if k.endswith(("/queueServices/queues", "/tableServices/tables"))] == []
    roles = bicep(path_of("dataRoles")).variables["storageRoles"].value
    assert isinstance(roles, Object)
    assert {"Storage Queue Data Contributor", "Storage Table Data Contributor"} <= set(roles.names())


def test_events_go_to_a_function_that_there_is_with_all_that_it_handles() -> None:
    file = bicep("modules/events.bicep")
    body = _properties(file.resources["resourceEvents"].body)
    target = body.get("destination", "properties", "resourceId")
    functions = re.findall(r'function_name\("(\w+)"\)', _source(ROOT / "functions"))
    assert isinstance(target, Text)
    assert str(target.parts[-1]).rpartition("/functions/")[2] in functions
    types = body.get("filter", "includedEventTypes")
    assert types is not None
    assert sorted(_list(Evaluator(file).value(types))) == sorted(HANDLED)
    assert [changed_nothing(_event(t)) for t in (*HANDLED, HANDLED[0].replace("Success", "Failure"))] == [
        *(False for _ in HANDLED),
        True,
    ]


def test_no_filter_keeps_back_what_undoes_the_work_of_the_mesh() -> None:
    """Whatever Meshplane writes or deletes by its roles, somebody else may: the event has to come."""
    ours = {a for p in (INFRA / "roles").glob("*.json") for a in json.loads(p.read_text())["actions"]}
    written = {a for a in ours if a.endswith(("/write", "/delete")) and "/deployments/" not in a}
    tags = {"Microsoft.Resources/tags/write", "Microsoft.Resources/subscriptions/resourceGroups/write"}
    groups = {"Microsoft.Resources/subscriptions/resourceGroups/delete", "Microsoft.Sql/servers/write"}
    assert len(written) > 10
    assert [operation for operation in sorted(written | tags | groups) if not passes(operation)] == []
    assert not passes("Microsoft.Storage/storageAccounts/listKeys/action")


def passes(operation: str) -> bool:
    """Whether the advanced filters let an operation through; Event Grid compares without regard to case."""
    file = bicep("modules/events.bicep")
    filters = _properties(file.resources["resourceEvents"].body).get("filter", "advancedFilters")
    assert filters is not None
    told = operation.lower()
    for found in _list(Evaluator(file).value(filters)):
        assert isinstance(found, dict)
        assert found["key"] == "data.operationName"
        values = [str(v).lower() for v in _list(found["values"])]
        match found["operatorType"]:
            case "StringNotBeginsWith":
                refused = told.startswith(tuple(values))
            case "StringNotEndsWith":
                refused = told.endswith(tuple(values))
            case other:
                raise AssertionError(f"a filter that this test does not know: {other}")
        if refused:
            return False
    return True


def test_roles_are_loaded_from_the_files_that_tests_enforce() -> None:
    calls = [e for v in bicep("modules/roles.bicep").values() for e in every(v) if isinstance(e, Call)]
    loaded = {Path(_plain(c.arguments[0])).name for c in calls if c.name == "loadJsonContent"}
    assert loaded == {p.name for p in (INFRA / "roles").glob("*.json")}


@pytest.mark.parametrize("path", sorted((INFRA / "roles").glob("*.json")), ids=lambda p: p.stem)
def test_a_role_lists_single_actions(path: Path) -> None:
    assert role_faults(json.loads(path.read_text())) == []


def role_faults(role: dict[str, Any]) -> list[str]:
    members = {"name", "description", "actions", "notActions", "dataActions", "notDataActions"}
    actions = role["actions"]
    return [
        *(f"member {m}" for m in members ^ set(role)),
        *(f"wildcard {a}" for a in actions if "*" in a),
        *(f"excluded {a}" for a in (*role["notActions"], *role["dataActions"], *role["notDataActions"])),
        *(["unsorted or double"] if actions != sorted(set(actions), key=str.lower) else []),
        *(f"case {a}" for a in actions if not re.fullmatch(r"Microsoft(\.\w+)+(/\w+)+/(read|write|delete|action)", a)),
    ]  # fmt: skip


def test_a_role_with_more_than_single_actions_is_noticed() -> None:
    good = {"name": "n", "description": "d", "actions": ["Microsoft.X/y/read", "Microsoft.X/y/write"]}
    good |= {"notActions": [], "dataActions": [], "notDataActions": []}
    assert role_faults(good) == []
    for actions in (["Microsoft.X/*"], ["*/read"], ["Microsoft.X/y/write", "Microsoft.X/y/read"]):
        assert role_faults({**good, "actions": actions})
    assert role_faults({**good, "notActions": ["Microsoft.X/y/read"]})


def test_azd_deploys_what_is_there_to_where_bicep_made_it() -> None:
    azd = yaml.safe_load((ROOT / "azure.yaml").read_text())
    [(service, told)] = azd["services"].items()
    assert (ROOT / azd["infra"]["path"] / f"{azd['infra']['module']}.bicep").is_file()
    assert (ROOT / told["project"] / "host.json").is_file()
    assert (told["language"], told["host"]) == ("python", "function")
    tagged = app().value(_tags())
    assert isinstance(tagged, dict)
    assert tagged["azd-service-name"] == service
    hooks = [h["run"] for shells in azd.get("hooks", {}).values() for h in shells.values()]
    assert [h for h in hooks if not (ROOT / h).is_file() and not h.startswith("azd ")] == []


def test_every_place_that_names_event_hubs_of_the_host_is_in_bicep() -> None:
    """host.json and the triggers take their names from settings, none stands in them."""
    source = _source(ROOT / "functions")
    named = re.findall(r'(?:event_hub_name|consumer_group|schedule)="([^"]+)"', source)
    assert len(named) >= 5
    assert [n for n in named if not re.fullmatch(r"%\w+%", n)] == []
    assert [n.strip("%") for n in named if n.strip("%") not in app_settings()] == []


def _properties(body: Object) -> Object:
    found = body.get("properties")
    assert isinstance(found, Object)
    return found


def _tags() -> Expression:
    found = bicep(path_of("app")).resources["site"].body.get("tags")
    assert found is not None
    return found


def _plain(expression: Expression) -> str:
    assert isinstance(expression, Text)
    return expression.plain or ""


def _list(value: Value) -> list[Any]:
    assert isinstance(value, list)
    return value


def _source(folder: Path) -> str:
    return "\n".join(p.read_text() for p in sorted(folder.glob("*.py")))


def _event(kind: str) -> Any:
    import azure.functions as func

    return func.EventGridEvent(
        id="1", data={}, topic="t", subject="s", event_type=kind, event_time=None, data_version="1"
    )
