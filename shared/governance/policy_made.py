"""A policy as written → the policy that nodes are judged by, with what no type can check."""

from collections.abc import Mapping
from datetime import date

from msgspec import UNSET, UnsetType

from shared.domain.exposure import EXPOSED
from shared.domain.governance import (
    AllowedNetworkOptions,
    AllowedRegions,
    AllowedResourceTypes,
    Exemption,
    Policy,
    PublicNetworkAccess,
    RequiredTags,
    Requirement,
    Scope,
    TelemetryCoverage,
)
from shared.domain.sinks import SinkKind
from shared.domain.wildcards import fits_any
from shared.forms.reading import Reading
from shared.governance.policy_schema import (
    AllowedNetworkOptionsForm,
    AllowedRegionsForm,
    AllowedResourceTypesForm,
    ExemptionForm,
    Patterns,
    PolicyForm,
    PublicNetworkAccessForm,
    RequiredTagsForm,
    ScopeForm,
    SharesForm,
    TelemetryCoverageForm,
)


def policy_made(reading: Reading[PolicyForm], source: str, domain: str) -> Policy | None:
    """The policy of a reading, or None where it has faults, which are told to the reading."""
    form = reading.value
    if form is None:
        return None
    policy = Policy(
        name=form.name,
        title=form.title,
        require=_requirement(form, reading),
        mode=form.mode,
        severity=form.severity,
        domain=domain,
        applies=_scope(form.applies, domain, reading),
        exemptions=tuple(_exemption(e, n, reading) for n, e in enumerate(form.exemptions)),
        remedy=form.remedy or "",
        description=form.description or "",
        source=source,
    )
    return None if reading.faults else policy


def _requirement(form: PolicyForm, reading: Reading[PolicyForm]) -> Requirement:
    match form.require:
        case AllowedRegionsForm(regions=regions):
            return AllowedRegions(tuple(regions))
        case RequiredTagsForm(tags=tags):
            return RequiredTags(_tags(tags))
        case PublicNetworkAccessForm(types=types, selected_networks=selected):
            patterns = _patterns(types) or ("*",)
            for pattern in patterns:
                if not any(fits_any([pattern], kind) for kind in EXPOSED):
                    known = ", ".join(kind.name for kind in EXPOSED.values())
                    reading.fault("require.types", f"{pattern!r} fits none of the known types: {known}")
            return PublicNetworkAccess(patterns, selected)
        case TelemetryCoverageForm(least=shares):
            least = _least(shares)
            if not least:
                reading.fault("require.least", "names no kind of sink: workspace, event_hub or storage")
            return TelemetryCoverage(least)
        case AllowedNetworkOptionsForm(options=options):
            return AllowedNetworkOptions(tuple(options))
        case AllowedResourceTypesForm(types=allowed):
            return AllowedResourceTypes(tuple(allowed))


def _least(shares: SharesForm) -> dict[SinkKind, float]:
    named: dict[SinkKind, float | UnsetType] = {
        "workspace": shares.workspace,
        "event-hub": shares.event_hub,
        "storage": shares.storage,
    }
    return {sink: share for sink, share in named.items() if share is not UNSET}


def _scope(form: ScopeForm | UnsetType, domain: str, reading: Reading[PolicyForm]) -> Scope:
    if form is UNSET:
        return Scope()
    if domain and form.domains is not UNSET:
        reading.fault("applies.domains", f"is not for a domain to say: it applies to {domain}, by its folder")
    tags = {} if form.tags is UNSET else _tags(form.tags)
    return Scope(_patterns(form.domains), _patterns(form.environments), _patterns(form.nodes), tags)


def _exemption(form: ExemptionForm, number: int, reading: Reading[PolicyForm]) -> Exemption:
    try:
        until = date.fromisoformat(form.until)
    except ValueError:
        reading.fault(f"exemptions[{number}].until", f"{form.until!r} is no day of the calendar")
        until = date.min
    return Exemption(_patterns(form.nodes), until, form.reason)


def _patterns(written: "Patterns | UnsetType") -> tuple[str, ...]:
    if written is UNSET:
        return ()
    return (written,) if isinstance(written, str) else tuple(written)


def _tags(written: Mapping[str, Patterns]) -> dict[str, tuple[str, ...]]:
    return {tag: _patterns(patterns) for tag, patterns in written.items()}
