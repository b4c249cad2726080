"""What happens to diagnostic settings: they belong to a resource id, and outlive the resource."""

from dataclasses import dataclass

from local.arm.documents import JsonObject, object_in
from local.arm.errors import resource_not_found
from local.arm.ids import ResourceId
from local.arm.providers.microsoft_insights.models import DiagnosticType, diagnostic_type, stored_setting
from local.arm.providers.microsoft_insights.rules import SettingError, Sink, check, sinks_of, unsupported
from local.arm.resource_manager import ResourceManager
from local.arm.store import Resource

# Exist with their parent: the services of a storage account, the first database of a SQL server.
_IMPLIED = ("default", "master")
_REGIONAL_SINKS = ("storageAccountId", "eventHubAuthorizationRuleId", "serviceBusRuleId")


@dataclass(frozen=True, slots=True)
class Subject:
    """What a setting is about. Services of an account (`blobServices/default`) exist without being stored."""

    id: ResourceId
    location: str
    facts: DiagnosticType


@dataclass(frozen=True, slots=True)
class Settings:
    manager: ResourceManager

    def subject(self, scope: str) -> Subject:
        """The resource, which must exist and have diagnostics."""
        resource = ResourceId.parse(scope)
        if resource is None:
            raise unsupported("microsoft.resources/subscriptions")
        self.manager.store.group(resource.subscription, resource.group or "")
        found = self._existing(resource)
        facts = diagnostic_type(resource.type)
        if facts is None:
            raise unsupported(resource.type)
        return Subject(resource, found.location, facts)

    def all(self, subject: Subject) -> dict[str, JsonObject]:
        return self.manager.diagnostic_settings.get(subject.id.key, {})

    def get(self, subject: Subject, name: str) -> tuple[str, JsonObject]:
        """The setting with its name as first spelled."""
        for spelled, properties in self.all(subject).items():
            if spelled.lower() == name.lower():
                return spelled, properties
        raise SettingError(404, "ResourceNotFound", f"The diagnostic setting '{name}' doesn't exist.")

    def put(self, subject: Subject, name: str, body: JsonObject) -> tuple[str, JsonObject]:
        properties = stored_setting(object_in(body, "properties"))
        existing = self.all(subject)
        spelled = next((known for known in existing if known.lower() == name.lower()), name)
        others = {known: setting for known, setting in existing.items() if known != spelled}
        check(properties, subject.facts, others)
        for sink in sinks_of(properties):
            self._check_sink(sink, subject)
        self.manager.diagnostic_settings.setdefault(subject.id.key, {})[spelled] = properties
        return spelled, properties

    def delete(self, subject: Subject, name: str) -> bool:
        """Whether there was one."""
        existing = self.all(subject)
        spelled = next((known for known in existing if known.lower() == name.lower()), None)
        if spelled is None:
            return False
        del existing[spelled]
        return True

    def _existing(self, resource: ResourceId) -> Resource:
        found = self.manager.store.find(resource.text)
        parent = resource.parent
        if found is None and resource.name.lower() in _IMPLIED and parent is not None:
            found = self.manager.store.find(parent.text)
        if found is None:
            raise resource_not_found(resource)
        if not found.location and parent is not None:
            return self._existing(parent)
        return found

    def _check_sink(self, sink: Sink, subject: Subject) -> None:
        """A sink must exist; storage and Event Hubs must be where the resource is, if that is a region."""
        resource = ResourceId.parse(sink.id)
        if resource is None:
            raise SettingError(400, "BadRequest", f"The resource id '{sink.id}' of {sink.kind} is invalid.")
        owner = self._sink_owner(resource, sink.kind)
        if owner is None:
            raise SettingError(400, "BadRequest", f"Resource '{sink.id}' was not found.")  # (inferred)
        if sink.kind == "storageAccountId" and owner.key in (subject.id.key, *_ancestors(subject.id)):
            raise SettingError(  # (inferred)
                400, "BadRequest", f"Storage account '{sink.id}' cannot be the destination of its own logs."
            )
        located = subject.location not in ("", "global")
        if sink.kind in _REGIONAL_SINKS and located and owner.location != subject.location:
            raise SettingError(
                400,
                "BadRequest",
                f"Resources should be in the same region. Resource '{subject.id.text}' is in region "
                f"'{subject.location}' and resource '{owner.id.text}' is in region '{owner.location}'.",
            )

    def _sink_owner(self, resource: ResourceId, kind: str) -> Resource | None:
        """The stored resource behind a sink id; an authorization rule stands for its namespace.

        Namespaces come with the rule RootManageSharedAccessKey, so rules need not have been created here.
        """
        if kind in ("eventHubAuthorizationRuleId", "serviceBusRuleId"):
            parent = resource.parent
            return self.manager.store.find(parent.text) if parent else None
        return self.manager.store.find(resource.text)


def _ancestors(resource: ResourceId) -> list[str]:
    parent = resource.parent
    return [parent.key, *_ancestors(parent)] if parent else []
