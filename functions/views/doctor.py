"""What an examination of the deployment found."""

from datetime import datetime

import msgspec

from functions.views.operations import Dependency
from shared.domain.examination import Area, Gravity, Trouble, gravest_first
from shared.reconcile.doctor.examiner import Examined


class Setting(msgspec.Struct, frozen=True):
    """A setting as it was read; of secrets only that there is one."""

    name: str
    value: str


class TroubleView(msgspec.Struct, frozen=True):
    """One finding: what is so, of what, and what to do about it; `code` is one word for programs."""

    severity: Gravity
    area: Area
    code: str
    subject: str
    what: str
    remedy: str


class Diagnosis(msgspec.Struct, frozen=True):
    """The whole examination: `healthy` where nothing that was found is an error; findings the gravest first."""

    healthy: bool
    examined_at: datetime
    settings: list[Setting]
    dependencies: list[Dependency]
    findings: list[TroubleView]


_OWN = {
    "rules": "Mend what it names and deploy it; the other rules are judged meanwhile (docs/rules.md).",
    "policies": "Mend what it names and deploy it; what is known of these policies is kept meanwhile"
    " (docs/governance.md).",
    "state": "See docs/upgrade.md.",
}


def diagnosis(examined: Examined, dependencies: list[Dependency]) -> Diagnosis:
    """An examination for people."""
    found = gravest_first([*examined.troubles, *(_unreachable(d) for d in dependencies if not d.healthy)])
    return Diagnosis(
        healthy=not any(trouble.severity == "error" for trouble in found),
        examined_at=examined.at,
        settings=[Setting(name, value) for name, value in examined.settings.items()],
        dependencies=dependencies,
        findings=[TroubleView(t.severity, t.area, t.code, t.subject, t.what, t.remedy) for t in found],
    )


def _unreachable(dependency: Dependency) -> Trouble:
    """Rules, policies and what is stored lie with the app: no network or role stands between."""
    own = _OWN.get(dependency.name)
    return Trouble(
        area="reachability",
        severity="error",
        code="Unusable" if own else "Unreachable",
        subject=dependency.name,
        what=dependency.detail,
        remedy=own or "Check the setting that names it, its network rules, and the identity's role on it.",
    )
