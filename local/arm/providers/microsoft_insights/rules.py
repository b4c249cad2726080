"""Whether a diagnostic setting may be stored: pure decisions. Errors here come without the `error` wrapper.

Messages are Azure's where a public thread or recording shows them; the others say (inferred).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from local.arm.documents import JsonObject, flag_in, objects_in, text_in
from local.arm.errors import ArmError
from local.arm.providers.microsoft_insights.models import DiagnosticType

MOST_SETTINGS = 5
_ID_SINKS = (
    "workspaceId",
    "storageAccountId",
    "eventHubAuthorizationRuleId",
    "serviceBusRuleId",
    "marketplacePartnerId",
)


class SettingError(ArmError):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(status, code, message, cause=None, bare=True)


@dataclass(frozen=True, slots=True)
class Sink:
    """One destination: the property that names it, its id, and the region it must share, if any."""

    kind: str
    id: str
    hub: str | None = None

    @property
    def key(self) -> tuple[str, str]:
        return (self.id.lower(), (self.hub or "").lower())


def unsupported(type_: str) -> SettingError:
    return SettingError(
        400,
        "ResourceTypeNotSupported",
        f"The resource type '{type_.lower()}' does not support diagnostic settings.",
    )


def sinks_of(properties: JsonObject) -> list[Sink]:
    found: list[Sink] = []
    for kind in _ID_SINKS:
        identifier = text_in(properties, kind)
        if identifier:
            hub = text_in(properties, "eventHubName") if kind == "eventHubAuthorizationRuleId" else None
            found.append(Sink(kind, identifier, hub))
    return found


def check(properties: JsonObject, facts: DiagnosticType, others: Mapping[str, JsonObject]) -> None:
    """`others` are the resource's settings of other names. Sinks' existence and region are not judged here."""
    if not sinks_of(properties):
        raise SettingError(400, "BadRequest", "At least one data sink needs to be specified.")
    _check_categories(properties, facts)
    if len(others) >= MOST_SETTINGS:
        raise SettingError(
            409,
            "Conflict",
            f"The limit of {MOST_SETTINGS} diagnostic settings was reached. To create a new diagnostic setting, delete "
            "an existing one.",
        )
    _check_reuse(properties, facts, others)


def _check_categories(properties: JsonObject, facts: DiagnosticType) -> None:
    logs = objects_in(properties, "logs")
    for entry in logs:
        category, group = text_in(entry, "category"), text_in(entry, "categoryGroup")
        if bool(category) == bool(group):
            raise SettingError(  # (inferred)
                400, "BadRequest", "Exactly one of category and categoryGroup must be specified for each log."
            )
        if category:
            _check_known("Category", category, facts.logs)
        if group:
            _check_known("Category group", group, facts.groups)
    kinds = {bool(text_in(entry, "categoryGroup")) for entry in logs if flag_in(entry, "enabled")}
    if len(kinds) > 1:
        raise SettingError(  # (inferred)
            400,
            "BadRequest",
            "Category and category group logs cannot be enabled in the same diagnostic setting.",
        )
    for entry in objects_in(properties, "metrics"):
        _check_known("Category", text_in(entry, "category") or "", facts.metrics)


def _check_known(what: str, name: str, known: Sequence[str]) -> None:
    if name.lower() not in {item.lower() for item in known}:
        raise SettingError(400, "BadRequest", f"{what} '{name}' is not supported.")


def _check_reuse(properties: JsonObject, facts: DiagnosticType, others: Mapping[str, JsonObject]) -> None:
    wanted = _enabled(properties, facts)
    for other_name, other in others.items():
        taken = {name.lower() for name in _enabled(other, facts)}
        keys = {sink.key for sink in sinks_of(other)}
        for sink in sinks_of(properties):
            shared = [name for name in wanted if name.lower() in taken] if sink.key in keys else []
            if shared:
                raise SettingError(
                    409,
                    "Conflict",
                    f"Data sink '{sink.id}' is already used in diagnostic setting '{other_name}' for category "
                    f"'{shared[0]}'. Data sinks can't be reused in different settings on the same category for the "
                    "same resource.",
                )


def _enabled(properties: JsonObject, facts: DiagnosticType) -> list[str]:
    """The single categories that a setting sends, groups resolved."""
    found: list[str] = []
    for entry in objects_in(properties, "logs"):
        if flag_in(entry, "enabled"):
            group = text_in(entry, "categoryGroup")
            found += facts.covered(group) if group else [text_in(entry, "category") or ""]
    return found + [
        text_in(entry, "category") or ""
        for entry in objects_in(properties, "metrics")
        if flag_in(entry, "enabled")
    ]
