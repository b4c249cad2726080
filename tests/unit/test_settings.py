"""Settings: everything that is missing or wrong is named at once, and the sample is complete."""

import json
import re
from pathlib import Path

import pytest

from shared.domain.approval import Rule
from shared.settings import SettingsError, load_settings

ROOT = Path(__file__).resolve().parents[2]
OPTIONAL = (
    "MESH_FULL_MESH",
    "MESH_TELEMETRY_POLICY",
    "MESH_PLATFORM_AUTH",
    "MESH_APPROVAL_RULES",
    "MESH_ANYONE_ASKS",
    "MESH_TEARDOWN",
    "MESH_EDGE_LEASE_DAYS",
    "MESH_EDGE_WARNING_DAYS",
    "MESH_RATES",
    "MESH_RULES",
    "MESH_POLICIES",
)
# Read by the worker, by azure-identity and by Python's TLS: what the cloud gives an app, the sample has to.
PLATFORM = {"FUNCTIONS_WORKER_RUNTIME", "IDENTITY_ENDPOINT", "IDENTITY_HEADER", "SSL_CERT_FILE"}
SAMPLE: dict[str, str] = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]


def faults(**changed: str) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        load_settings({**SAMPLE, **changed})
    return raised.value.faults


def test_an_empty_environment_is_answered_with_every_missing_setting_at_once() -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings({})
    message = str(raised.value)
    for name in (
        "AzureWebJobsStorage",
        "MESH_EVENTHUB",
        "MESH_TELEMETRY_HUB",
        "MESH_TELEMETRY_CONSUMER_GROUP",
        "MESH_SUBSCRIPTIONS",
        "MESH_HUBS",
        "MESH_RESYNC_SCHEDULE",
        "MESH_DISCOVERY_SCHEDULE",
        "MESH_JUDGE_SCHEDULE",
    ):
        assert f"{name} is missing" in message


def test_the_sample_is_valid_and_names_every_setting_that_the_code_reads() -> None:
    load_settings(SAMPLE)
    read = set(re.findall(r'"((?:MESH_|AzureWebJobs)[A-Za-z_]+)"', (ROOT / "shared/settings.py").read_text()))
    bound = {
        name
        for file in (ROOT / "functions").glob("*.py")
        for name in re.findall(r"%(\w+)%", file.read_text())
    }
    assert read | bound == SAMPLE.keys() - PLATFORM
    assert SAMPLE.keys() >= PLATFORM


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("MESH_SUBSCRIPTIONS", "not-a-guid", "not a subscription id"),
        ("MESH_HUBS", "{", "not a JSON array of hubs"),
        ("MESH_HUBS", "[]", "at least one hub"),
        ("MESH_HUBS", '[{"id":"h","network":"x","workspace":"y"}]', "no virtual network id"),
        ("MESH_HUBS", '[{"id":"h","network":"x","workspace":"y","gatway":true}]', "gatway"),
        ("MESH_SINKS", "{}", "not a JSON array of sinks"),
        ("MESH_SINKS", '[{"kind":"queue","id":"x"}]', "not a JSON array of sinks"),
        ("MESH_SINKS", '[{"kind":"storage","id":"x","region":"westeurope"}]', "no id of a storage account"),
        ("MESH_TELEMETRY_POLICY", '[{"action":"drop"}]', "not a JSON array of rules"),
        ("MESH_TELEMETRY_POLICY", '[{"action":"exclude"}]', "neither a type nor a category"),
        ("MESH_WEBHOOKS", "{}", "not a JSON array of webhooks"),
        ("MESH_WEBHOOKS", '[{"name":"ops","url":"https://x.test","kind":"teams"}]', "kind"),
        ("MESH_WEBHOOKS", '[{"name":"ops","url":"https://x.test","template":"email"}]', "email"),
        ("MESH_WEBHOOKS", '[{"name":"Ops!","url":"https://x.test"}]', "the name of number 1"),
        ("MESH_WEBHOOKS", '[{"name":"ops","url":"https://x.test","secret":"short"}]', "16 characters"),
        ("MESH_WEBHOOKS", "@Microsoft.KeyVault(SecretUri=https://v.test/s)", "not resolved"),
        ("MESH_METRICS_ENDPOINT", "http://westeurope.monitoring.azure.com", "https://"),
        ("MESH_NAME", "Mesh Plane!", "lower-case"),
        ("MESH_LEASE_SECONDS", "soon", "number of seconds"),
        ("MESH_LEASE_SECONDS", "0", "number of seconds"),
        ("MESH_LEASE_SECONDS", "nan", "number of seconds"),
        ("MESH_RESOURCE_MANAGER", "http://management.example", "https://"),
        ("MESH_FULL_MESH", "1", "whole number of nodes from 2 to 50"),
        ("MESH_FULL_MESH", "51", "whole number of nodes from 2 to 50"),
        ("MESH_FULL_MESH", "2.5", "whole number of nodes from 2 to 50"),
        ("MESH_PLATFORM_AUTH", "yes", "true or false"),
        ("MESH_REPLAY_CONSUMER_GROUP", "$DEFAULT", "must be another"),
        ("MESH_ANYONE_ASKS", "1", "true or false"),
        ("MESH_TEARDOWN", "yes", "true or false"),
        ("MESH_APPROVAL_RULES", "{}", "not a JSON array of approval rules"),
        ("MESH_APPROVAL_RULES", '[{"name":"a","ruling":"maybe"}]', "maybe"),
        ("MESH_APPROVAL_RULES", '[{"name":"a","ruling":"ask","domain":"x"}]', "domain"),
        ("MESH_APPROVAL_RULES", '[{"name":"a","ruling":"ask"},{"name":"a","ruling":"accept"}]', "same name"),
        ("MESH_APPROVAL_RULES", "@nowhere.json", "nowhere.json"),
        ("MESH_EDGE_LEASE_DAYS", "0", "whole number of days from 1 to 3650"),
        ("MESH_EDGE_WARNING_DAYS", "-1", "number of days from 0 to 365"),
        ("MESH_EDGE_WARNING_DAYS", "400", "number of days from 0 to 365"),
        ("MESH_RATES", "nowhere.toml", "nowhere.toml"),
        ("MESH_RATES", "local.settings.sample.json", "not a table of rates"),
        ("MESH_RULES", "shared/telemetry/library, nowhere", "nowhere"),
        ("MESH_POLICIES", "shared/governance/library, nowhere", "nowhere"),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_wrong(name: str, value: str, said: str) -> None:
    assert any(name in fault and said in fault for fault in faults(**{name: value}))


def test_hubs_are_checked_side_by_side() -> None:
    hub = json.loads(SAMPLE["MESH_HUBS"])[0]
    other = {**hub, "pools": ["10.0.0.0/8", "10.0.0.0/16"], "peers": ["nobody"], "capacity": 2000}
    found = faults(MESH_HUBS=json.dumps([hub, other]))
    for said in ("same id", "same network", "overlap", "'nobody' is no other hub", "from 1 to 1000"):
        assert any(fault.startswith("MESH_HUBS: ") and said in fault for fault in found), said


def test_what_is_left_out_has_a_default() -> None:
    """Nobody is trusted, people are asked, a lease may take a year, and Azure's published rates count."""
    needed = {name: SAMPLE[name] for name in SAMPLE if name not in OPTIONAL}
    settings = load_settings(needed)
    assert settings == load_settings(SAMPLE)
    assert (settings.platform_authentication, settings.rules, settings.mesh.full_mesh) == (False, (), 10)
    assert (settings.terms.longest_days, settings.terms.warning) == (365, 7 * 86400)
    assert settings.rates.peering.inbound == 0.01


def test_rules_rates_and_terms_can_be_set(tmp_path: Path) -> None:
    """Rules stand in the setting itself or in a file; a table of rates is a file."""
    rules = '[{"name":"same-team","ruling":"accept","same_owner":true}]'
    (tmp_path / "rules.json").write_text(rules)
    rates = (ROOT / "shared/domain/rates.toml").read_text()
    (tmp_path / "rates.toml").write_text(rates.replace('"USD"', '"EUR"'))
    settings = load_settings(
        {
            **SAMPLE,
            "MESH_APPROVAL_RULES": f"@{tmp_path / 'rules.json'}",
            "MESH_RATES": str(tmp_path / "rates.toml"),
            "MESH_EDGE_LEASE_DAYS": "30",
            "MESH_EDGE_WARNING_DAYS": "0.5",
            "MESH_FULL_MESH": "50",
            "MESH_PLATFORM_AUTH": "True",
            "MESH_ANYONE_ASKS": "true",
        }
    )
    assert settings.rules == (Rule(name="same-team", ruling="accept", same_owner=True),)
    assert settings.rules == load_settings({**SAMPLE, "MESH_APPROVAL_RULES": rules}).rules
    assert settings.rates.currency == "EUR"
    assert (settings.terms.longest_days, settings.terms.warning) == (30, 43200)
    assert (settings.mesh.full_mesh, settings.platform_authentication) == (50, True)
    assert settings.terms.anyone_asks


def test_a_table_of_rates_that_is_empty_or_wrong_stops_the_start(tmp_path: Path) -> None:
    """An empty file is a fault like any other, and never free of charge."""
    table = tmp_path / "rates.toml"
    table.write_text("")
    assert any("MESH_RATES" in fault for fault in faults(MESH_RATES=str(table)))
    table.write_text((ROOT / "shared/domain/rates.toml").read_text().replace("hour = 0.01", "hour = -1.0"))
    assert any("negative" in fault for fault in faults(MESH_RATES=str(table)))


def test_storage_and_event_hubs_can_be_named_for_the_managed_identity() -> None:
    environment = {k: v for k, v in SAMPLE.items() if k not in ("AzureWebJobsStorage", "MESH_EVENTHUB")}
    settings = load_settings(
        {
            **environment,
            "AzureWebJobsStorage__accountName": "meshstate",
            "MESH_EVENTHUB__fullyQualifiedNamespace": "mesh.servicebus.windows.net",
        }
    )
    assert settings.storage.tables_endpoint == "https://meshstate.table.core.windows.net"
    assert settings.storage.queues_endpoint == "https://meshstate.queue.core.windows.net"
    assert settings.event_hub.namespace == "mesh.servicebus.windows.net"


def test_a_secret_in_a_setting_is_not_repeated_in_the_message() -> None:
    message = "\n".join(faults(MESH_HUBS='[{"id": 1, "AccountKey": "hunter2"}]', MESH_NAME="!"))
    assert "hunter2" not in message


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/x",
        "https://user:word@hooks.example/x",
        "https:///x",
        "ftp://hooks.example",
        "https://hooks.example/x y",
        "https://hooks.example/\u202ex",
        "https://[::1/x",
        "//hooks.example/x",
        "",
    ],
)
def test_webhooks_lead_to_https_addresses_and_no_message_repeats_one(url: str) -> None:
    """What is secret about a webhook is its address; the loopback may do without TLS."""
    secret = "word-of-enough-length"
    found = faults(MESH_WEBHOOKS=json.dumps([{"name": "ops", "url": url, "secret": secret}]))
    assert any("MESH_WEBHOOKS: ops: url must be" in fault for fault in found)
    assert not any("hooks.example" in fault or "word" in fault for fault in found)


def test_addresses_and_secrets_of_webhooks_may_lie_in_settings_of_their_own() -> None:
    """So that each of them can be a reference to a key vault, which the platform resolves as a whole."""
    hooks = [
        {"name": "ops", "url": "setting:OPS_URL", "template": "teams", "secret": "setting:OPS_SECRET"},
        {"name": "local", "url": "http://127.0.0.1:9000/hook"},
    ]
    held = {"OPS_URL": "https://x.test/workflows/1", "OPS_SECRET": "s" * 32}
    (ops, local) = load_settings({**SAMPLE, "MESH_WEBHOOKS": json.dumps(hooks), **held}).webhooks
    assert (ops.url, ops.secret, ops.template) == ("https://x.test/workflows/1", "s" * 32, "teams")
    assert (local.template, local.secret) == ("common", "")
    assert repr(ops) == "WebhookAddress(name='ops', template='teams')"
    missing = faults(MESH_WEBHOOKS=json.dumps(hooks), OPS_URL="https://x.test", OPS_SECRET="")
    assert any(fault.startswith("OPS_SECRET is missing: MESH_WEBHOOKS names it") for fault in missing)
    unresolved = {**held, "OPS_SECRET": "@Microsoft.KeyVault(SecretUri=https://v.test/s)"}
    assert any("reference" in fault for fault in faults(MESH_WEBHOOKS=json.dumps(hooks), **unresolved))


def test_two_webhooks_of_one_name_are_refused_and_metrics_need_both_of_their_settings() -> None:
    hook = {"name": "ops", "url": "https://x.test"}
    assert any("two are called ops" in f for f in faults(MESH_WEBHOOKS=json.dumps([hook, hook])))
    both = {
        "MESH_METRICS_ENDPOINT": "https://westeurope.monitoring.azure.com",
        "MESH_METRICS_RESOURCE": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/app",
    }
    assert load_settings({**SAMPLE, **both}).metrics.endpoint == both["MESH_METRICS_ENDPOINT"]
    for name in both:
        assert any("go together" in fault for fault in faults(**{name: both[name]}))


def test_folders_of_rules_are_named_and_not_read(tmp_path: Path) -> None:
    """The app starts without what reads rules; what is wrong in them is said when telemetry first arrives."""
    (tmp_path / "broken.yaml").write_text("name: [", encoding="utf-8")
    folders = load_settings({**SAMPLE, "MESH_RULES": f"shared/telemetry/library, {tmp_path},"}).rule_folders
    assert folders == (ROOT / "shared/telemetry/library", tmp_path)


def test_policies_are_the_librarys_unless_others_or_none_are_named(tmp_path: Path) -> None:
    library = ROOT / "shared/governance/library"
    for text, folders in (("", (library,)), ("none", ()), (f"{tmp_path}", (tmp_path,))):
        assert load_settings({**SAMPLE, "MESH_POLICIES": text}).policy_folders == folders


def test_only_public_azure_has_a_log_store_that_nobody_named() -> None:
    """Elsewhere asking for telemetry is refused with the setting's name, rather than sent to another cloud."""
    public = load_settings({**SAMPLE, "MESH_LOGS": "", "MESH_RESOURCE_MANAGER": ""}).logs
    assert public.endpoint == "https://api.loganalytics.azure.com"
    assert public.scope == "https://api.loganalytics.io/.default"
    china = {"MESH_RESOURCE_MANAGER": "https://management.chinacloudapi.cn", "MESH_LOGS": ""}
    assert load_settings({**SAMPLE, **china}).logs.endpoint == ""
    named = {
        "MESH_LOGS": "https://api.loganalytics.azure.cn/",
        "MESH_LOGS_SCOPE": "https://api.loganalytics.azure.cn/.default",
    }
    found = load_settings({**SAMPLE, **china, **named}).logs
    assert (found.endpoint, found.scope) == (
        "https://api.loganalytics.azure.cn",
        "https://api.loganalytics.azure.cn/.default",
    )
    assert any("MESH_LOGS must be" in fault for fault in faults(MESH_LOGS="http://logs"))
