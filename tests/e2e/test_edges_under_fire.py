"""Edges while people are many and workers die: what is left is lawful, made once, and nothing that no edge needs."""

import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from itertools import count
from threading import Event
from typing import cast
from urllib.parse import quote

import pytest

from demo.people import ANNE, BERT, Person
from local.caller import Json
from local.functions_app import FunctionsHost
from shared.domain.edge_states import TRANSITIONS
from tests.e2e.asking import STORAGE, Desk, status_of
from tests.e2e.azure import NETWORKS, properties_of, wait_for
from tests.e2e.mesh import Mesh, Response

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack-edges"), pytest.mark.timeout(900)]

TEAMS = ("fire-north", "fire-south")
PROVIDER = "fire-provider"
KINDS = ("sql", "blob", "vault")
PEOPLE, ACTS, EDGES = 3, 7, 4  # of each team; acts of each person; edges that a team has at most
SECONDS_BETWEEN_KILLS = 2.5
SEED = 20261122
FINAL = ("Active", "Revoked", "Rejected")
# What a dying worker, or somebody who was faster, makes of a request; everything else is an error of ours.
EXCUSED = (409, 412, 500, 502, 503)
Accepted = Counter[tuple[str, str]]


class Team:
    """People of one consumer who all ask for and decide about its edges, each as they like."""

    def __init__(self, desk: Desk, group: str) -> None:
        self._desk = desk
        self.group = group
        self.edges: list[str] = []
        self.accepted: Accepted = Counter()
        self._keys = count(1)

    def live(self, number: int) -> None:
        """What one of them does: the first act is to ask."""
        draw = random.Random(f"{SEED} {self.group} {number}")
        self.ask(draw)
        for _ in range(ACTS):
            act = draw.choice(("ask", "approve", "approve", "extend", "revoke"))
            if act == "ask" and len(self.edges) < EDGES:
                self.ask(draw)
            elif act != "ask" and self.edges:
                self.command(draw.choice(self.edges), act)

    def ask(self, draw: random.Random) -> None:
        """Asks until an answer comes, always with the same key."""
        more = {} if draw.random() < 0.7 else {"exposure": "service-endpoint"}
        body = self._desk.body(self.group, PROVIDER, draw.choice(KINDS), **more)
        headers = {"Idempotency-Key": f"{self.group}-{next(self._keys)}"}
        answer = wait_for("an answer", lambda: self._heard("edges", body, ANNE, 201, headers))
        self.edges.append(str(answer.body["id"]))

    def command(self, edge: str, command: str) -> bool:
        """Whether a command was taken, as far as the answer tells."""
        body = {"reason": "it is a test", **({"lease_days": 1} if command == "extend" else {})}
        taken = self._heard(f"edges/{edge}/{command}", body, BERT, 200) is not None
        self.accepted[edge, command] += taken
        return taken

    def _heard(
        self, path: str, body: Json, person: Person, wanted: int, headers: dict[str, str] | None = None
    ) -> Response | None:
        try:
            answer = self._desk.send("POST", path, body, person=person, headers=headers)
        except (OSError, HTTPException):
            return None
        assert answer.status in (wanted, *EXCUSED), answer.text
        return answer if answer.status == wanted else None


def kill_workers(hosts: list[FunctionsHost], over: Event) -> int:
    """kill -9 for a worker of any host, one after the other until `over`, two at least; how many.

    Each has been replaced before the next one dies: on a slow machine nobody would ever get an answer otherwise.
    """
    draw, killed, whole = random.Random(SEED), 0, sum(len(host.workers()) for host in hosts)
    while not over.wait(SECONDS_BETWEEN_KILLS) or killed < 2:
        time.sleep(SECONDS_BETWEEN_KILLS if over.is_set() else 0)
        ready = [(host, w) for host in hosts for w in host.workers() if w.ready]
        busy = [(host, w) for host, w in ready if w.running]
        if len(ready) >= whole:
            host, worker = draw.choice(busy or ready)
            host.kill_worker(worker.pid)
            killed += 1
    return killed


def whole_history(desk: Desk, edge: str) -> list[Json]:
    """Every entry, the first one first."""
    entries: list[Json] = []
    continuation = ""
    while True:
        answer = desk.send("GET", f"edges/{edge}?history={quote(continuation)}")
        assert answer.status == 200, answer.text
        entries += cast(list[Json], answer.body["history"])
        continuation = str(answer.body["more_history"])
        if not continuation:
            return entries[::-1]


def commands_told(desk: Desk, edge: str) -> list[tuple[str, str, str]]:
    """Command, state before and after of each command that the history tells of."""
    told = []
    for entry in whole_history(desk, edge):
        first = str(cast(list[str], entry["changes"])[0])
        if first.startswith("state: "):
            before, after = first.removeprefix("state: ").split(" -> ")
            told.append((str(entry["cause"]).partition(" by ")[0], before, after))
    return told


def assert_lawful(desk: Desk, edge: str, accepted: Accepted) -> None:
    """Each command follows the one before it, each is in the table, and none that was taken is missing."""
    told = commands_told(desk, edge)
    table = {(str(before), str(command)): str(after) for (before, command), after in TRANSITIONS.items()}
    assert all(table.get((before, command)) == after for command, before, after in told), told
    chain = ["Requested", *(after for _, _, after in told)]
    assert [before for _, before, _ in told] == chain[:-1], told
    assert chain[-1] == desk.edge(edge)["state"]
    assert "Active" not in chain or "Approved" in chain[: chain.index("Active")]
    assert "Revoking" not in chain or set(chain[chain.index("Revoking") :]) <= {"Revoking", "Revoked"}
    counted = Counter(command for command, _, _ in told)
    lost = {c: n for (e, c), n in accepted.items() if e == edge and n > counted[c]}
    assert lost == {}, told


def held(desk: Desk, edges: list[Json]) -> None:
    """Azure holds an endpoint or a rule for each edge that is Active, once, and no other."""
    routes = [cast(Json, e["route"]) for e in edges if e["state"] == "Active"]
    for group in TEAMS:
        made = desk.endpoints(group)
        assert {status_of(e) for e in made} <= {"Approved"}
        home = f"{desk.mesh.group_id(group)}/".lower()
        wanted = {str(r["artefact"]).lower() for r in routes if r["exposure"] == "private-endpoint"}
        found = sorted(str(e["id"]).lower() for e in made)
        assert found == sorted(w for w in wanted if w.startswith(home))
    admitted = {str(r["artefact"]).lower() for r in routes if r["exposure"] == "service-endpoint"}
    for kind in ("blob", "vault"):
        target = desk.target(PROVIDER, kind)
        version = STORAGE if kind == "blob" else "2022-07-01"
        body = desk.mesh.operator.request("GET", f"{target}?api-version={version}").body
        acls = cast(Json, properties_of(body).get("networkAcls") or {})
        subnets = [str(r["id"]) for r in cast(list[Json], acls.get("virtualNetworkRules") or [])]
        rules = sorted(f"{target}#admits={subnet}".lower() for subnet in subnets)
        assert rules == sorted(a for a in admitted if a.startswith(f"{target.lower()}#"))


def services(desk: Desk, group: str) -> list[Json]:
    """The service endpoints of a group's subnet."""
    body = desk.mesh.operator.request("GET", f"{desk.subnet(group)}?api-version={NETWORKS}").body
    return cast(list[Json], properties_of(body).get("serviceEndpoints") or [])


def insist(what: Callable[[], bool]) -> None:
    """A command that is tried until it is taken."""
    wait_for("the command is taken", what)


def test_two_teams_at_once_while_workers_die_leave_what_is_lawful(mesh: Mesh, desk: Desk) -> None:
    """Six people ask, approve, extend and revoke while a worker dies every few seconds; then half is given up."""
    desk.nodes(*((team, "endpoints", ()) for team in TEAMS), (PROVIDER, "none", KINDS))
    teams = [Team(desk, group) for group in TEAMS]
    over = Event()
    with ThreadPoolExecutor(len(TEAMS) * PEOPLE + 1) as pool:
        killing = pool.submit(kill_workers, [mesh.app, desk.host], over)
        try:
            for living in [pool.submit(team.live, n) for team in teams for n in range(PEOPLE)]:
                living.result()
        finally:
            over.set()
        assert killing.result() >= 2

    for team in teams:
        for number, edge in enumerate(team.edges):
            _settle(desk, team, edge, keep=number % 2 == 0)
    edges = [desk.until(edge, *FINAL) for team in teams for edge in team.edges]
    for team in teams:
        for edge in team.edges:
            assert_lawful(desk, edge, team.accepted)
    held(desk, edges)

    for team in teams:
        for edge in team.edges:
            if desk.edge(edge)["state"] == "Active":
                team.command(edge, "revoke")
    gone = [desk.until(edge, "Revoked") for team in teams for edge in team.edges]
    held(desk, gone)
    assert [services(desk, group) for group in TEAMS] == [[], []]


def _settle(desk: Desk, team: Team, edge: str, *, keep: bool) -> None:
    """What becomes of an edge in the end: it stays or comes to be granted, or is revoked."""

    def done() -> bool:
        state = desk.edge(edge)["state"]
        if state in ("Revoking", "Revoked"):
            return True
        if not keep:
            return team.command(edge, "revoke")
        return state not in ("Requested", "PendingApproval") or team.command(edge, "approve")

    insist(done)


def test_what_two_edges_share_goes_with_the_last(mesh: Mesh, desk: Desk) -> None:
    """Both are asked for and approved at once: one endpoint; it stays with the second, and goes with it."""
    consumer, provider = "fire-sharer", "fire-shared"
    desk.nodes((consumer, "endpoints", ()), (provider, "none", ("sql",)))
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: desk.active(consumer, provider, "sql"), range(2)))
    routes = [cast(Json, desk.edge(edge)["route"]) for edge in both]
    [endpoint] = desk.endpoints(consumer)
    assert {str(r["artefact"]).lower() for r in routes} == {str(endpoint["id"]).lower()}
    since = mesh.mark()
    desk.command(both[0], "revoke")
    desk.until(both[0], "Revoked")
    assert [e["id"] for e in desk.endpoints(consumer)] == [endpoint["id"]]
    assert [w for w in mesh.written(since, consumer) if "privateendpoints" in w.lower()] == []
    address = desk.edge(both[1])["addresses"]
    assert desk.resolves(consumer, "sql", provider) == ("private", address)
    desk.command(both[1], "revoke")
    desk.until(both[1], "Revoked")
    assert desk.endpoints(consumer) == []
