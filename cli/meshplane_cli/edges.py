"""Edges: asking for one, deciding about it, and watching what becomes of it."""

from typing import Annotated, Literal
from uuid import uuid4

import typer

from meshplane_cli.client import Client, Json, segment
from meshplane_cli.decisions import decide
from meshplane_cli.edge_views import LIST, show_edge
from meshplane_cli.errors import Unreachable
from meshplane_cli.history import with_history
from meshplane_cli.options import Days, History, IfMatch, Interval, Limit, Patience, Reason
from meshplane_cli.session import Session, command
from meshplane_cli.watching import Watch, watch

app = typer.Typer(
    name="edges", help="Edges: connections between nodes, granted for a while.", no_args_is_help=True
)

Interface = Literal["sql", "storage", "eventhub", "synapse", "resource", "peering"]
Exposure = Literal["private-endpoint", "service-endpoint", "hub", "peering"]
State = Literal[
    "Requested",
    "PendingApproval",
    "Approved",
    "Provisioning",
    "Active",
    "Expiring",
    "Revoking",
    "Revoked",
    "Rejected",
    "Failed",
]

Edge = Annotated[str, typer.Argument(help="An edge's id.", show_default=False)]
Consumer = Annotated[
    str, typer.Argument(help="The node that is to connect, <subscription>/<group>.", show_default=False)
]
Provider = Annotated[str, typer.Argument(help="The node that is to be connected to.", show_default=False)]
Kind = Annotated[Interface, typer.Option("--interface", "-i", help="What the target is.", show_default=False)]
Target = Annotated[
    str, typer.Option("--target", "-t", help="A resource's id in the provider's group.", show_default=False)
]
Part = Annotated[
    str, typer.Option("--part", help="Of a target that has several, such as blob or dfs.", show_default=False)
]
Purpose = Annotated[str, typer.Option("--purpose", "-p", help="What for.", show_default=False)]
Gigabytes = Annotated[float, typer.Option("--gigabytes", min=0, help="The volume expected in a month.")]
Way = Annotated[Exposure | None, typer.Option("--exposure", help="The way, if it must be a certain one.")]
IdempotencyKey = Annotated[
    str,
    typer.Option(
        "--idempotency-key",
        help="A text of your choice: the same again finds what the first request made. Made up unless given.",
        show_default=False,
    ),
]


@command(app, "list")
def list_edges(
    session: Session,
    consumer: Annotated[
        str, typer.Option("--consumer", help="Only edges of this node.", show_default=False)
    ] = "",
    provider: Annotated[
        str, typer.Option("--provider", help="Only edges to this node.", show_default=False)
    ] = "",
    state: Annotated[State | None, typer.Option("--state", help="Only edges in this state.")] = None,
    limit: Limit = 0,
) -> None:
    """Edges, all or those of a node."""
    query = {"consumer": consumer, "provider": provider, "state": state}
    session.screen.items(list(session.client.items("edges", query, limit)), LIST, "There are no such edges.")


@command(app, "show")
def show(session: Session, edge: Edge, history: History = False) -> None:
    """One edge: how it is carried and why, what that costs, what to connect to, and its history."""
    found = with_history(session.client, _path(edge), whole=history)
    session.screen.one(found, lambda told: show_edge(session.screen, told))


@command(app, "request")
def request(
    session: Session,
    consumer: Consumer,
    provider: Provider,
    interface: Kind,
    purpose: Purpose,
    target: Target = "",
    part: Part = "",
    gigabytes: Gigabytes = 0.0,
    lease_days: Days = 90.0,
    exposure: Way = None,
    idempotency_key: IdempotencyKey = "",
) -> None:
    """Asks for an edge. Repeated with the same --idempotency-key, it finds the one that was made."""
    body = ask(consumer, provider, interface, purpose, target, part, gigabytes, lease_days, exposure)
    key = idempotency_key or f"meshplane-cli-{uuid4()}"
    try:
        found = session.client.post("edges", body, idempotency_key=key).body
    except Unreachable as error:
        error.do = f"{error.do} Whether it was made is not known: repeat it with --idempotency-key {key}."
        raise
    session.screen.one(found, lambda told: show_edge(session.screen, told))


@command(app, "approve")
def approve(session: Session, edge: Edge, reason: Reason, if_match: IfMatch = "") -> None:
    """Grants an edge; its lease begins."""
    _decide(session, edge, "approve", {"reason": reason}, if_match)


@command(app, "reject")
def reject(session: Session, edge: Edge, reason: Reason, if_match: IfMatch = "") -> None:
    """Refuses an edge that was asked for."""
    _decide(session, edge, "reject", {"reason": reason}, if_match)


@command(app, "extend")
def extend(session: Session, edge: Edge, reason: Reason, lease_days: Days, if_match: IfMatch = "") -> None:
    """Lengthens an edge's lease by so many days."""
    _decide(session, edge, "extend", {"reason": reason, "lease_days": lease_days}, if_match)


@command(app, "revoke")
def revoke(session: Session, edge: Edge, reason: Reason, if_match: IfMatch = "") -> None:
    """Takes an edge away; `edges watch ID --until Revoked` waits until it is gone."""
    _decide(session, edge, "revoke", {"reason": reason}, if_match)


@command(app, "reconcile")
def reconcile(session: Session, edge: Edge) -> None:
    """Has an edge looked at again, soon; one that Failed is tried anew."""
    found = session.client.post(f"{_path(edge)}/reconcile").body
    session.screen.one(found, lambda told: session.screen.line(f"{told.get('key')} will be looked at."))


@command(app, "watch")
def watch_edge(
    session: Session,
    edge: Edge,
    until: Annotated[State, typer.Option("--until", help="The state to wait for.")] = "Active",
    interval: Interval = 2.0,
    timeout: Patience = 600.0,
) -> None:
    """Waits until an edge is Active, or in another state.

    4 where it was rejected, revoked or failed instead, 5 where it takes too long.
    """
    found = await_state(session.client, session, edge, until, interval, timeout)
    session.screen.one(found, lambda told: show_edge(session.screen, told))


def ask(
    consumer: str,
    provider: str,
    interface: Interface,
    purpose: str,
    target: str,
    part: str,
    gigabytes: float,
    lease_days: float,
    exposure: Exposure | None,
) -> Json:
    """The body that asks for an edge."""
    given: Json = {
        "consumer": consumer,
        "provider": provider,
        "interface": interface,
        "target": target,
        "part": part,
        "purpose": purpose,
        "gigabytes": gigabytes,
        "lease_days": lease_days,
        "exposure": exposure,
    }
    return {name: value for name, value in given.items() if value not in ("", None)}


def await_state(
    client: Client, session: Session, edge: str, until: State, interval: float, patience: float
) -> Json:
    """The edge in a state; one that is Expiring is Active too. Raises as `watch`."""
    wished = (until, "Expiring") if until == "Active" else (until,)
    bad = {"Revoked", "Rejected"}
    if until not in ("Revoked", "Revoking"):
        bad |= {"Revoking", "Failed"}
    do = (
        f"`meshplane edges show {edge}` says why. Mend that, and have one that Failed tried anew:"
        f" `meshplane edges reconcile {edge}`. Ask for a new one where it is over."
    )
    watched = Watch(_path(edge), f"edge {edge}", wished, bad - set(wished), _why, do)
    return watch(client, session.screen, watched, interval=interval, patience=patience)


def _decide(session: Session, edge: str, command: str, body: Json, if_match: str) -> None:
    found = decide(
        session.client, _path(edge), command, body, if_match, ("state", "route", "proposed", "expires_at")
    )
    session.screen.one(found, lambda told: show_edge(session.screen, told))


def _path(edge: str) -> str:
    return f"edges/{segment(edge.strip().removeprefix('edge/'))}"


def _why(edge: Json) -> str:
    """The reason of the condition that says most: that which is not met, else Ready's."""
    conditions = edge.get("conditions", [])
    unmet = [c for c in conditions if c.get("status") != "True" and c.get("type") != "Ready"]
    ready = [c for c in conditions if c.get("type") == "Ready"]
    return next((str(c.get("reason", "")) for c in (*unmet, *ready)), "")
