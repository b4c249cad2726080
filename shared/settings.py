"""The settings: the only reader of the environment. Names everything that is missing or wrong at once.

`AzureWebJobsStorage` and `MESH_EVENTHUB` follow the platform's convention for connections: the setting itself is a
connection string, or settings with the suffixes `__accountName`, `__tableServiceUri` and `__queueServiceUri`, or
`__fullyQualifiedNamespace`, name the service for use with the managed identity.
"""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from shared.domain.hub_rules import hub_faults
from shared.domain.ids import NodeKey
from shared.domain.mesh import Mesh, Terms, Timing
from shared.domain.network import Hub
from shared.domain.sinks import CategoryRule, Sink, rule_faults, sink_faults
from shared.domain.webhooks import UNRESOLVED, WebhookAddress, is_fit, webhook_faults

if TYPE_CHECKING:  # cold start: only an app with rules or rates of its own imports what they are made of
    from shared.domain.approval import Rule
    from shared.domain.cost import Rates

PUBLIC_RESOURCE_MANAGER = "https://management.azure.com"
PUBLIC_LOGS = "https://api.loganalytics.azure.com"
PUBLIC_LOGS_SCOPE = "https://api.loganalytics.io/.default"
_SUFFIX = "core.windows.net"
_NAME = re.compile(r"^[a-z][a-z0-9-]{1,23}$")
_APP = Path(__file__).resolve().parents[1]
_RATES = "shared/domain/rates.toml"
_LIBRARY = "shared/telemetry/library"
_POLICIES = "shared/governance/library"
NO_FOLDERS = "none"
MOST_IN_FULL_MESH = 50
"""Nodes that are all peered with each other: 50 take 2,450 peerings, and each node 49 of the 500 that it may have."""


class SettingsError(Exception):
    """Every setting that is missing or wrong, one a line."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("Meshplane cannot start:\n" + "\n".join(f"  - {fault}" for fault in faults))
        self.faults = faults


class StorageSettings(msgspec.Struct, frozen=True):
    """Either a connection string, or the endpoints of both services."""

    connection_string: str = ""
    tables_endpoint: str = ""
    queues_endpoint: str = ""


class EventHubSettings(msgspec.Struct, frozen=True):
    """Either a connection string, or the namespace's host name; and the hub that mesh events go to.

    `replay_group` is the consumer group with which the telemetry hub is read beside its trigger.
    """

    connection_string: str
    namespace: str
    mesh_events: str
    telemetry: str
    replay_group: str = "replay"


class LogSettings(msgspec.Struct, frozen=True):
    """The query API's address, empty where there is no log store, and what tokens for it are asked for."""

    endpoint: str = ""
    scope: str = ""


class MetricsSettings(msgspec.Struct, frozen=True):
    """Where the handler `metric` writes; both are empty where there is none."""

    endpoint: str = ""
    resource: str = ""


class Settings(msgspec.Struct, frozen=True):
    """All that the environment decides.

    `platform_authentication` says that the platform authenticates callers, so that what it tells of them counts.
    `rules` decide about edges before a person does, the first that matches; `terms` are those of leases.
    """

    mesh: Mesh
    timing: Timing
    storage: StorageSettings
    event_hub: EventHubSettings
    resource_manager: str
    resource_manager_scope: str
    own_rates: "Rates | None"
    rules: "tuple[Rule, ...]" = ()
    terms: Terms = Terms()
    platform_authentication: bool = False
    logs: LogSettings = LogSettings()
    webhooks: tuple[WebhookAddress, ...] = ()
    metrics: MetricsSettings = MetricsSettings()
    rule_folders: tuple[Path, ...] = ()
    policy_folders: tuple[Path, ...] = ()

    @property
    def rates(self) -> "Rates":
        """The table that MESH_RATES names; else Azure's published prices, read from the app's own file."""
        from shared.domain.cost import Rates

        return self.own_rates or msgspec.toml.decode((_APP / _RATES).read_bytes(), type=Rates)


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process. Raises SettingsError."""
    reader = _Reader(os.environ if environment is None else environment)
    settings = reader.settings()
    if reader.faults:
        raise SettingsError(reader.faults)
    return settings


class _Reader:
    """Reads one setting after the other and gathers what is wrong."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.faults: list[str] = []

    def settings(self) -> Settings:
        for name in _PLATFORM:
            self._needed(name, _MEANING[name])  # read by the platform, in a trigger's binding
        endpoint = self._get("MESH_RESOURCE_MANAGER") or PUBLIC_RESOURCE_MANAGER
        if not endpoint.startswith("https://"):
            self.faults.append("MESH_RESOURCE_MANAGER must be an https:// address.")
        mesh, timing, storage, event_hub = self._mesh(), self._timing(), self._storage(), self._event_hub()
        rules, terms, rates = self._rules(), self._terms(), self._rates()
        trusted = self._switch("MESH_PLATFORM_AUTH")
        logs = self._logs(public=endpoint.rstrip("/") == PUBLIC_RESOURCE_MANAGER)
        return Settings(
            mesh,
            timing,
            storage,
            event_hub,
            endpoint.rstrip("/"),
            self._get("MESH_RESOURCE_MANAGER_SCOPE") or f"{endpoint.rstrip('/')}/.default",
            rates,
            rules,
            terms,
            trusted,
            logs,
            self._webhooks(),
            self._metrics(),
            self._folders("MESH_RULES", _LIBRARY),
            () if self._get("MESH_POLICIES") == NO_FOLDERS else self._folders("MESH_POLICIES", _POLICIES),
        )

    def _get(self, name: str) -> str:
        return self._environment.get(name, "").strip()

    def _needed(self, name: str, meaning: str) -> str:
        value = self._get(name)
        if not value:
            self.faults.append(f"{name} is missing: {meaning}.")
        return value

    def _mesh(self) -> Mesh:
        name = self._get("MESH_NAME") or "meshplane"
        if not _NAME.match(name):
            self.faults.append("MESH_NAME must be 2 to 24 lower-case letters, digits and hyphens.")
        most = int(self._number("MESH_FULL_MESH", 10, 2, MOST_IN_FULL_MESH, "nodes", whole=True))
        sinks = self._listed("MESH_SINKS", "sinks", Sink, sink_faults)
        categories = self._listed(
            "MESH_TELEMETRY_POLICY", "rules about categories", CategoryRule, rule_faults
        )
        principal = self._get("MESH_PRINCIPAL_ID")
        leaving = self._switch("MESH_TEARDOWN")
        return Mesh(name, self._hubs(), self._subscriptions(), principal, most, sinks, categories, leaving)

    def _listed[T](
        self, name: str, what: str, kind: type[T], judge: Callable[[Sequence[T]], list[str]]
    ) -> tuple[T, ...]:
        """A JSON array of one kind of thing, which may be left out."""
        try:
            found = msgspec.json.decode(self._get(name) or "[]", type=tuple[kind, ...])  # type: ignore[valid-type]
        except msgspec.DecodeError as error:
            self.faults.append(f"{name} is not a JSON array of {what}: {error}.")
            return ()
        self.faults += [f"{name}: {fault}" for fault in judge(found)]
        return found

    def _subscriptions(self) -> tuple[str, ...]:
        listed = self._needed(
            "MESH_SUBSCRIPTIONS", "the subscription ids that the mesh looks after, by commas"
        )
        found = tuple(s.strip().lower() for s in listed.split(",") if s.strip())
        for subscription in found:
            try:
                NodeKey.of(subscription, "group")
            except ValueError as error:
                self.faults.append(f"MESH_SUBSCRIPTIONS: {error}.")
        return found

    def _hubs(self) -> tuple[Hub, ...]:
        text = self._needed("MESH_HUBS", "a JSON array of hubs, each with id, network and workspace")
        if not text:
            return ()
        try:
            hubs = msgspec.json.decode(text, type=tuple[Hub, ...])
        except msgspec.DecodeError as error:
            self.faults.append(f"MESH_HUBS is not a JSON array of hubs: {error}.")
            return ()
        if not hubs:
            self.faults.append("MESH_HUBS is an empty array: the mesh needs at least one hub.")
        self.faults += [f"MESH_HUBS: {fault}" for fault in hub_faults(hubs)]
        return hubs

    def _timing(self) -> Timing:
        default = Timing()
        return Timing(
            event_delay=self._seconds("MESH_EVENT_DELAY_SECONDS", default.event_delay),
            lease=self._seconds("MESH_LEASE_SECONDS", default.lease),
            resync=self._seconds("MESH_RESYNC_SECONDS", default.resync),
            audit=self._seconds("MESH_AUDIT_SECONDS", default.audit),
        )

    def _terms(self) -> Terms:
        default = Terms()
        day = 86400
        longest = self._number("MESH_EDGE_LEASE_DAYS", default.longest_days, 1, 3650, "days", whole=True)
        warning = self._number("MESH_EDGE_WARNING_DAYS", default.warning / day, 0, 365, "days")
        anyone = self._switch("MESH_ANYONE_ASKS")
        return Terms(longest_days=int(longest), warning=warning * day, anyone_asks=anyone)

    def _rules(self) -> "tuple[Rule, ...]":
        """The rules in a JSON array, or in the file whose path stands after an `@`; without any, people are asked."""
        name = "MESH_APPROVAL_RULES"
        text = self._get(name)
        found = self._file(name, text[1:]) if text.startswith("@") else text.encode()
        if not found:
            return ()
        from shared.domain.approval import Rule

        try:
            rules = msgspec.json.decode(found, type=tuple[Rule, ...])
        except msgspec.DecodeError as error:
            self.faults.append(f"{name} is not a JSON array of approval rules: {error}.")
            return ()
        if len({rule.name for rule in rules}) < len(rules):
            self.faults.append(f"{name}: two rules have the same name.")
        return rules

    def _webhooks(self) -> tuple[WebhookAddress, ...]:
        """The addresses of a JSON array; `setting:NAME` as a url or secret names another setting that holds it.

        No message repeats an address or a secret.
        """
        name = "MESH_WEBHOOKS"
        text = self._get(name)
        if not text:
            return ()
        if text.startswith(UNRESOLVED):
            self.faults.append(f"{name}: its Key Vault reference was not resolved.")
            return ()
        try:
            written = msgspec.json.decode(text, type=tuple[WebhookAddress, ...])
        except msgspec.DecodeError as error:
            self.faults.append(f"{name} is not a JSON array of webhooks: {error}.")
            return ()
        found = tuple(
            msgspec.structs.replace(a, url=self._held(name, a.url), secret=self._held(name, a.secret))
            for a in written
        )
        self.faults += [f"{name}: {fault}." for fault in webhook_faults(found)]
        return found

    def _held(self, name: str, value: str) -> str:
        """A value, or what the setting that it names holds."""
        kind, separator, other = value.partition(":")
        if kind != "setting" or not separator:
            return value
        return self._needed(other, f"{name} names it")

    def _metrics(self) -> MetricsSettings:
        endpoint, resource = self._get("MESH_METRICS_ENDPOINT"), self._get("MESH_METRICS_RESOURCE")
        if endpoint and not is_fit(endpoint):
            self.faults.append("MESH_METRICS_ENDPOINT must be an https:// address.")
        if bool(endpoint) != bool(resource) or (resource and not resource.startswith("/subscriptions/")):
            meaning = "the address of a region and the id of a resource in it"
            self.faults.append(f"MESH_METRICS_ENDPOINT and MESH_METRICS_RESOURCE go together: {meaning}.")
        return MetricsSettings(endpoint, resource)

    def _folders(self, name: str, default: str) -> tuple[Path, ...]:
        """Where rules or policies are; they are read on first use. Relative paths start at the app's folder."""
        folders = [_APP / f.strip() for f in (self._get(name) or default).split(",") if f.strip()]
        self.faults += [
            f"{name} names the folder {str(f)!r}, which is none." for f in folders if not f.is_dir()
        ]
        return tuple(folders)

    def _rates(self) -> "Rates | None":
        """None where the app's own table counts."""
        name = "MESH_RATES"
        path = self._get(name) or _RATES
        found = self._file(name, path) if path != _RATES else None
        if found is None:
            return None
        from shared.domain.cost import Rates, rate_faults

        try:
            rates = msgspec.toml.decode(found, type=Rates)
        except msgspec.DecodeError as error:
            self.faults.append(f"{name} is not a table of rates such as {_RATES}: {error}.")
            return None
        self.faults += [f"{name}: {fault}" for fault in rate_faults(rates)]
        return rates

    def _file(self, name: str, path: str) -> bytes | None:
        """What a file of the app holds; relative paths start at the app's folder."""
        try:
            return (_APP / path).read_bytes()
        except OSError as error:
            self.faults.append(f"{name} names the file {path!r}, which cannot be read: {error.strerror}.")
            return None

    def _switch(self, name: str) -> bool:
        text = self._get(name).lower()
        if text not in ("", "true", "false"):
            self.faults.append(f"{name} must be true or false, not {text!r}.")
        return text == "true"

    def _seconds(self, name: str, default: float) -> float:
        return self._number(name, default, 0.1, 7 * 86400, "seconds")

    def _number(
        self, name: str, default: float, least: float, most: float, unit: str, *, whole: bool = False
    ) -> float:
        text = self._get(name)
        if not text:
            return default
        try:
            number = float(int(text) if whole else float(text))
        except ValueError:
            number = least - 1
        if not least <= number <= most:
            kind = "whole number" if whole else "number"
            self.faults.append(f"{name} must be a {kind} of {unit} from {least:g} to {most:g}, not {text!r}.")
            return default
        return number

    def _storage(self) -> StorageSettings:
        name = "AzureWebJobsStorage"
        text, account = self._get(name), self._get(f"{name}__accountName")
        if text:
            return StorageSettings(connection_string=text)
        tables = self._get(f"{name}__tableServiceUri") or (account and f"https://{account}.table.{_SUFFIX}")
        queues = self._get(f"{name}__queueServiceUri") or (account and f"https://{account}.queue.{_SUFFIX}")
        if not (tables and queues):
            meaning = f"a connection string; or {name}__accountName; or {name}__tableServiceUri and __queueServiceUri"
            self.faults.append(f"{name} is missing: {meaning}.")
        return StorageSettings(tables_endpoint=tables, queues_endpoint=queues)

    def _logs(self, *, public: bool) -> LogSettings:
        """Public Azure's where Resource Manager is; elsewhere it has to be named, and without it there is none."""
        endpoint = (self._get("MESH_LOGS") or (PUBLIC_LOGS if public else "")).rstrip("/")
        if endpoint and not endpoint.startswith("https://"):
            self.faults.append("MESH_LOGS must be an https:// address.")
        return LogSettings(endpoint, self._get("MESH_LOGS_SCOPE") or PUBLIC_LOGS_SCOPE)

    def _event_hub(self) -> EventHubSettings:
        name = "MESH_EVENTHUB"
        text, namespace = self._get(name), self._get(f"{name}__fullyQualifiedNamespace")
        if not (text or namespace):
            self.faults.append(f"{name} is missing: a connection string, or {name}__fullyQualifiedNamespace.")
        telemetry = self._needed("MESH_TELEMETRY_HUB", _MEANING["MESH_TELEMETRY_HUB"])
        events = self._get("MESH_EVENTS_HUB") or "mesh-events"
        group = self._get("MESH_REPLAY_CONSUMER_GROUP") or "replay"
        if group.lower() == self._get("MESH_TELEMETRY_CONSUMER_GROUP").lower():
            self.faults.append(
                "MESH_REPLAY_CONSUMER_GROUP must be another than MESH_TELEMETRY_CONSUMER_GROUP."
            )
        return EventHubSettings(text, namespace, events, telemetry, group)


_PLATFORM = (
    "MESH_RESYNC_SCHEDULE",
    "MESH_DISCOVERY_SCHEDULE",
    "MESH_JUDGE_SCHEDULE",
    "MESH_TELEMETRY_CONSUMER_GROUP",
)
_MEANING = {
    "MESH_RESYNC_SCHEDULE": "when due keys are looked for, as NCRONTAB, such as 0 * * * * *",
    "MESH_DISCOVERY_SCHEDULE": "when tagged groups are looked for, as NCRONTAB, such as 30 */5 * * * *",
    "MESH_JUDGE_SCHEDULE": "when windows that are over are judged, as NCRONTAB, such as 20 * * * * *",
    "MESH_TELEMETRY_HUB": "the Event Hub that Azure Monitor sends telemetry to",
    "MESH_TELEMETRY_CONSUMER_GROUP": "the consumer group to read telemetry with, such as $Default",
}
