"""What of a node reports where; and somebody asks for quiet."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from demo.azure import Setting
from demo.people import CLEO
from demo.stack import archive, stream, workspace
from demo.stage import Stage
from demo.watch import Seen
from demo.world import SALES

LATE = "stale-data"
ONE_HOUR = timedelta(hours=1)
_INSIDE = ("/blobservices/", "/databases/")


def play(stage: Stage) -> None:
    """Sales asked for all sinks; then one rule is silenced at it."""
    watch = stage.watch
    watch.act("Everything in sales reports, as its tag mesh-telemetry=all asks")
    for kind, reaches in _sinks(stage).items():
        watch.claim(f"Azure shows settings to the {kind}", partial(_in_azure, stage, reaches))
    watch.claim("among them what a group's list does not show", lambda: _inside(stage))
    watch.claim("GET /api/nodes/…/sales/coverage says so", lambda: _covered(stage))
    watch.claim("GET /api/coverage knows the whole mesh", lambda: _mesh(stage))
    _silenced(stage)


def _sinks(stage: Stage) -> dict[str, Callable[[Setting], bool]]:
    """By what the demo calls a sink: whether a setting sends to it."""
    subscription = stage.subscription
    hub, account = stream(subscription).lower(), archive(subscription).lower()
    return {
        "workspace": lambda s: s.workspace.lower() == workspace(subscription).lower(),
        "event hub": lambda s: s.stream.lower().startswith(f"{hub}/"),
        "archive": lambda s: s.storage_account.lower() == account,
    }


def _in_azure(stage: Stage, reaches: Callable[[Setting], bool]) -> Seen:
    resources = [r.id for r in stage.telemetry_api.coverage(SALES.group).resources]
    own = {r.lower() for r in (SALES.network(stage.subscription), *SALES.resources(stage.subscription))}
    known = own <= {r.lower() for r in resources}
    count = sum(any(map(reaches, stage.azure.settings(r))) for r in resources)
    return Seen(known and count == len(resources), f"{count} of {len(resources)} resources of sales")


def _inside(stage: Stage) -> Seen:
    """Children as they are called: two names, such as of an account and its blob service."""
    listed = {r.lower() for r in stage.azure.listed(SALES.group)}
    resources = [r.id for r in stage.telemetry_api.coverage(SALES.group).resources]
    names = ["/".join(r.split("/")[-3:]) for r in resources if r.lower() not in listed]
    both = all(any(part in name.lower() for name in names) for part in _INSIDE)
    return Seen(both, ", ".join(names))


def _covered(stage: Stage) -> Seen:
    counts = stage.telemetry_api.coverage(SALES.group).counts
    said = ", ".join(f"{s.kind} {s.covered}/{s.wanted}" for s in counts.sinks)
    whole = counts.covered == counts.supported and all(s.covered == s.wanted for s in counts.sinks)
    return Seen(whole and len(counts.sinks) == 3, said)


def _mesh(stage: Stage) -> Seen:
    mesh = stage.telemetry_api.mesh_coverage()
    said = f"{mesh.counts.covered} of {mesh.counts.supported} resources of {mesh.nodes} nodes"
    return Seen(mesh.nodes > 1 and mesh.counts.supported > 0, said)


def _silenced(stage: Stage) -> None:
    until = datetime.now(UTC) + ONE_HOUR
    reason = "returns are loaded anew tonight"
    silence = stage.silence = stage.telemetry_api.silence(CLEO, SALES.group, LATE, until, reason)
    stage.watch.did(f"{CLEO}: POST /api/silences: {LATE} at sales, one hour: {reason}")
    stage.watch.claim("GET /api/silences lists it", lambda: _listed(stage, silence.id))


def _listed(stage: Stage, silence: str) -> Seen:
    found = [s for s in stage.telemetry_api.silences() if s.id == silence and not s.ended]
    return Seen(bool(found), f"until {found[0].until:%H:%M} UTC" if found else "no such silence")
