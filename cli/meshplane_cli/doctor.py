"""What is wrong with a deployment, and what to do: looked at from here, then asked of the app itself."""

import typer

from meshplane_cli.access import address
from meshplane_cli.client import Json
from meshplane_cli.errors import Ailing, MeshplaneError, Unreachable
from meshplane_cli.outside import look
from meshplane_cli.render import Column, Screen
from meshplane_cli.session import Session, command

_SETTINGS = (Column("SETTING", "name"), Column("VALUE", "value"))
_DEPENDENCIES = (
    Column("DEPENDENCY", "name"),
    Column("STATE", lambda each: "ok" if each.get("healthy") else "failed"),
    Column("DETAIL", "detail"),
)
_LOOKS = (Column("FROM HERE", "name"), Column("STATE", "state"), Column("DETAIL", "what"))
_GRAVITIES = ("error", "warning", "note")
_STYLES = {"error": "red", "warning": "yellow", "note": ""}


def declare(app: typer.Typer) -> None:
    """Adds the command."""

    @command(app, "doctor")
    def doctor(session: Session) -> None:
        """Checks a deployment and says what to do: address, certificate, key, clock; settings, rights, what is late.

        Exit code 6 where something has to be mended; warnings and notes are told and change nothing. What the app
        finds about itself needs the role Mesh.Operator; without it, or where the app does not answer, the rest is told.
        """
        found = _examined(session)
        session.screen.one(found, lambda told: _show(session.screen, told))
        errors = [each for each in found["findings"] if each.get("severity") == "error"]
        if errors:
            do = "Do what the findings say, the first one first; then look again."
            raise Ailing(
                f"{len(errors)} of {len(found['findings'])} findings are errors.", to=session.url, do=do
            )


def _examined(session: Session) -> Json:
    """What is seen from here and what the app tells, as one. Raises Unusable."""
    url = address(session.url)
    looks = look(url, session.client)
    findings = [each for each in looks if each["severity"]]
    told: Json = {"settings": [], "dependencies": [], "findings": []}
    if not any(each["severity"] == "error" for each in looks):
        try:
            told = session.client.get("doctor").body
        except MeshplaneError as error:
            findings.append(_silent(error))
    findings += told.get("findings", [])
    findings.sort(
        key=lambda each: _GRAVITIES.index(each["severity"]) if each["severity"] in _GRAVITIES else 0
    )
    healthy = not any(each["severity"] == "error" for each in findings)
    return told | {"healthy": healthy, "outside": looks, "findings": findings}


def _silent(error: MeshplaneError) -> Json:
    """The app does not examine itself for this caller: that is one finding more."""
    return {
        "severity": "error" if isinstance(error, Unreachable) else "warning",
        "area": "outside",
        "code": "AppNotExamined",
        "subject": error.to,
        "what": error.what,
        "remedy": error.do,
    }


def _show(screen: Screen, found: Json) -> None:
    seen = [{**each, "state": each["severity"] or "ok"} for each in found["outside"]]
    screen.part("Seen from here", seen, _LOOKS)
    screen.part("Settings", found.get("settings", []), _SETTINGS)
    screen.part("Dependencies", found.get("dependencies", []), _DEPENDENCIES)
    screen.title("Findings")
    for each in found["findings"]:
        severity = str(each.get("severity"))
        screen.line(f"{severity}: {each.get('subject')} ({each.get('code')})", _STYLES.get(severity, ""))
        screen.line(str(each.get("what")), indent=4)
        screen.line(f"What to do: {each.get('remedy')}", indent=4)
    if not found["findings"]:
        screen.line("None.")
