"""Watching: each state is said once, in steady steps, until the wished one, a bad one, or the end of patience."""

import io

import httpx
import pytest

from meshplane_cli.client import Client
from meshplane_cli.errors import EndedBadly, Refused, TooLate, Unreachable
from meshplane_cli.render import Screen
from meshplane_cli.watching import Watch, watch


class Watched:
    """An edge that comes to one state after the other, on a clock that moves by pauses alone."""

    def __init__(self, *states: str | int) -> None:
        self.states = list(states)
        self.now = 0.0
        self.err = io.StringIO()
        self.looks: list[float] = []
        http = httpx.Client(base_url="https://mesh.example", transport=httpx.MockTransport(self._answer))
        self.client = Client(http, self._pause)

    def _pause(self, seconds: float) -> None:
        self.now += seconds

    def _answer(self, _: httpx.Request) -> httpx.Response:
        self.looks.append(self.now)
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if isinstance(state, int):
            return httpx.Response(state, json={"detail": "Not now."}, headers={"Retry-After": "20"})
        return httpx.Response(200, json={"state": state, "why": state.lower()})

    def watch(self, patience: float = 60.0) -> dict[str, object]:
        watched = Watch(
            "edges/e", "edge e", ("Active",), ("Revoked",), lambda edge: edge.get("why"), "Ask anew."
        )
        screen = Screen("table", io.StringIO(), self.err)
        return watch(self.client, screen, watched, interval=2.0, patience=patience, clock=lambda: self.now)


def test_it_ends_at_the_wished_state_and_says_each_state_once() -> None:
    edge = Watched("Approved", "Approved", "Provisioning", "Active")
    assert edge.watch()["state"] == "Active"
    assert edge.looks == [0.0, 2.0, 4.0, 6.0]
    assert edge.err.getvalue().splitlines() == [
        "edge e: Approved (approved)",
        "edge e: Provisioning (provisioning)",
        "edge e: Active (active)",
    ]


def test_a_state_that_does_not_lead_there_ends_it_badly() -> None:
    with pytest.raises(EndedBadly, match="does not become Active") as caught:
        Watched("Approved", "Revoked").watch()
    assert (caught.value.exit_code, caught.value.do) == (4, "Ask anew.")


def test_patience_ends_before_the_look_that_would_be_too_late() -> None:
    edge = Watched("Approved")
    with pytest.raises(TooLate, match="not Active, after 5 seconds") as caught:
        edge.watch(5.0)
    assert (caught.value.exit_code, edge.looks) == (5, [0.0, 2.0, 4.0])


def test_an_app_that_is_away_for_a_while_is_waited_for_as_long_as_it_asks() -> None:
    edge = Watched("Approved", 503, 503, 503, "Active")
    assert edge.watch(300.0)["state"] == "Active"
    assert "Looking again" in edge.err.getvalue()


def test_an_app_that_stays_away_ends_it_when_patience_does() -> None:
    edge = Watched("Approved", 503)
    with pytest.raises(TooLate):
        edge.watch(300.0)
    assert edge.now <= 360.0


@pytest.mark.parametrize(("status", "kind"), [(404, Refused), (503, Unreachable)])
def test_the_first_look_has_to_succeed(status: int, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        Watched(status).watch()


def test_an_edge_that_is_gone_meanwhile_is_told() -> None:
    with pytest.raises(Refused):
        Watched("Approved", 404).watch()
