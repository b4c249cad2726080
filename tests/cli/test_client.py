"""The client over HTTP: pages, problems, trying again what may be done twice, and no word of the key."""

import httpx
import pytest

from meshplane_cli.client import MOST_ITEMS, Client, connect
from meshplane_cli.decisions import decide
from meshplane_cli.errors import FromApi, Refused, Unreachable, Unusable

KEY = "a-key-that-nobody-may-see"


class Wire:
    """Answers one after the other, the last again and again; requests and pauses are kept."""

    def __init__(self, *answers: httpx.Response | httpx.TransportError) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []
        self.pauses: list[float] = []
        http = httpx.Client(base_url="https://mesh.example", transport=httpx.MockTransport(self._answer))
        self.client = Client(http, self.pauses.append)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, httpx.TransportError):
            raise answer
        return answer


def page(*numbers: int, continuation: str = "") -> httpx.Response:
    return httpx.Response(200, json={"items": [{"n": n} for n in numbers], "continuation": continuation})


def busy(retry_after: str = "") -> httpx.Response:
    problem = {"status": 503, "detail": "Busy.", "code": "Contended"}
    return httpx.Response(503, json=problem, headers={"Retry-After": retry_after} if retry_after else {})


def test_a_list_is_read_to_its_end_though_pages_are_short_or_empty() -> None:
    wire = Wire(page(1, 2, continuation="a"), page(continuation="b"), page(3))
    assert [each["n"] for each in wire.client.items("nodes", {"state": "Ready", "rule": ""}, 0)] == [1, 2, 3]
    assert [dict(request.url.params) for request in wire.asked] == [
        {"state": "Ready", "top": str(MOST_ITEMS)},
        {"state": "Ready", "top": str(MOST_ITEMS), "continuation": "a"},
        {"state": "Ready", "top": str(MOST_ITEMS), "continuation": "b"},
    ]


@pytest.mark.parametrize(
    ("limit", "found", "tops"), [(1, [1], ["1"]), (3, [1, 2, 3], ["3", "1"]), (2, [1, 2], ["2"])]
)
def test_a_limit_ends_the_reading_in_the_middle_of_a_page(
    limit: int, found: list[int], tops: list[str]
) -> None:
    wire = Wire(page(1, 2, continuation="a"), page(3, 4, continuation="b"))
    assert [each["n"] for each in wire.client.items("nodes", {}, limit)] == found
    assert [request.url.params["top"] for request in wire.asked] == tops


def test_what_passes_is_read_again_after_the_time_that_the_app_names() -> None:
    wire = Wire(busy("7"), httpx.ConnectError("reset"), httpx.Response(200, json={"a": 1}))
    assert wire.client.get("nodes").body == {"a": 1}
    assert wire.pauses == [7.0, 1.0]


def test_a_long_pause_is_cut_short_and_the_last_answer_counts() -> None:
    wire = Wire(busy("4000"))
    with pytest.raises(Unreachable) as caught:
        wire.client.get("nodes")
    assert (len(wire.asked), wire.pauses) == (3, [30.0, 30.0])
    assert (caught.value.status, caught.value.code) == (503, "Contended")


def test_a_change_is_asked_for_once_unless_its_repetition_finds_the_first() -> None:
    once = Wire(busy())
    with pytest.raises(Unreachable):
        once.client.post("edges/e/revoke", {"reason": "r"})
    assert len(once.asked) == 1
    again = Wire(httpx.ReadError("cut off"), busy(), httpx.Response(201, json={"id": "e"}))
    assert again.client.post("edges", {}, idempotency_key="k").body == {"id": "e"}
    assert [request.headers["Idempotency-Key"] for request in again.asked] == ["k", "k", "k"]


def test_an_app_that_stalls_is_not_waited_for_three_times() -> None:
    """An answer has four minutes; twelve would be taken for a command that hangs."""
    wire = Wire(httpx.ReadTimeout("timed out"), httpx.Response(200, json={}))
    with pytest.raises(Unreachable, match="timed out"):
        wire.client.get("nodes")
    assert (len(wire.asked), wire.pauses) == (1, [])


@pytest.mark.parametrize("text", ["a\nb", "\u00e9", "\x00"])
def test_what_no_header_can_carry_is_a_mistake_and_not_sent(text: str) -> None:
    wire = Wire(httpx.Response(200, json={}))
    with pytest.raises(Unusable):
        wire.client.post("edges", {}, idempotency_key=text)
    with pytest.raises(Unusable):
        wire.client.post("edges/e/approve", {}, etag=text)
    assert wire.asked == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, Refused), (401, Refused), (404, Refused), (412, Refused), (302, Unreachable), (500, Unreachable)],
)
def test_an_error_says_what_happened_to_what_and_what_to_do(status: int, kind: type[FromApi]) -> None:
    wire = Wire(
        httpx.Response(status, json={"detail": "It cannot be.", "code": "Word", "allowed": ["revoke"]})
    )
    with pytest.raises(kind) as caught:
        wire.client.post("edges/e/approve", {})
    error = caught.value
    assert (error.what, error.to, error.code, error.allowed) == (
        "It cannot be.",
        "POST edges/e/approve",
        "Word",
        ("revoke",),
    )
    assert error.do


@pytest.mark.parametrize(
    "body", [b"<html>", b"[1]", b"", b"\xff\xfe", b"[" * 100_000, b'{"detail": 3, "allowed": null}']
)
def test_an_error_that_is_no_problem_document_is_told_by_its_status(body: bytes) -> None:
    with pytest.raises(Refused) as caught:
        Wire(httpx.Response(403, content=body)).client.get("nodes")
    assert caught.value.what in ("The answer is 403 Forbidden.", "3")


def test_an_answer_that_is_no_json_object_is_not_taken_for_one() -> None:
    with pytest.raises(Unreachable, match="no JSON object"):
        Wire(httpx.Response(200, text="<html>hello</html>")).client.get("nodes")


def test_a_redirect_is_not_followed_and_says_so() -> None:
    wire = Wire(httpx.Response(302, headers={"Location": "https://elsewhere.example/"}))
    with pytest.raises(Unreachable, match="leads to another address"):
        wire.client.get("nodes")
    assert len(wire.asked) == 1


def test_the_key_and_the_token_go_into_headers_and_into_no_text() -> None:
    client = connect("http://127.0.0.1:9", KEY, lambda: "a-token")
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        raise httpx.ConnectError("refused")

    client._http._transport = httpx.MockTransport(answer)  # no other way in: connect() makes the real thing
    client.pause = lambda _: None
    with pytest.raises(Unreachable) as caught:
        client.get("nodes")
    assert seen[0].headers["x-functions-key"] == KEY
    assert seen[0].headers["Authorization"] == "Bearer a-token"
    assert KEY not in str(seen[0].url)
    assert KEY not in str(caught.value.document())


# --- decisions


def version(etag: str, **members: object) -> httpx.Response:
    return httpx.Response(200, json=members, headers={"ETag": etag})


CHANGED = httpx.Response(412, json={"detail": "It changed.", "code": "EdgeChanged"})


def test_a_decision_is_for_the_version_that_was_read_just_before() -> None:
    wire = Wire(version("1", state="PendingApproval"), version("2", state="Approved"))
    assert decide(wire.client, "edges/e", "approve", {"reason": "r"}, "", ("state",))["state"] == "Approved"
    assert [(r.method, r.headers.get("If-Match")) for r in wire.asked] == [("GET", None), ("POST", "1")]


def test_a_version_that_was_named_is_decided_about_without_reading() -> None:
    wire = Wire(CHANGED)
    with pytest.raises(Refused):
        decide(wire.client, "edges/e", "approve", {"reason": "r"}, "old", ("state",))
    assert [(r.method, r.headers.get("If-Match")) for r in wire.asked] == [("POST", "old")]


def test_what_changed_beside_the_matter_does_not_stand_in_the_way() -> None:
    """Meshplane writes its plan into the row while somebody approves."""
    before, after = version("1", state="P", attempts=0), version("2", state="P", attempts=1)
    wire = Wire(before, CHANGED, after, version("3", state="Approved"))
    assert (
        decide(wire.client, "edges/e", "approve", {"reason": "r"}, "", ("state", "route"))["state"]
        == "Approved"
    )
    assert wire.asked[-1].headers["If-Match"] == "2"


def test_what_changed_of_the_matter_itself_is_named_and_nothing_is_decided() -> None:
    wire = Wire(version("1", state="P", route="a"), CHANGED, version("2", state="P", route="b"))
    with pytest.raises(Refused) as caught:
        decide(wire.client, "edges/e", "approve", {"reason": "r"}, "", ("state", "route"))
    assert (caught.value.status, caught.value.what) == (412, "It changed. Meanwhile changed: route.")
    assert [r.method for r in wire.asked] == ["GET", "POST", "GET"]


def test_a_row_that_changes_for_ever_is_given_up() -> None:
    wire = Wire(*[version(str(i // 2), state="P") if i % 2 == 0 else CHANGED for i in range(40)])
    with pytest.raises(Refused) as caught:
        decide(wire.client, "edges/e", "approve", {"reason": "r"}, "", ("state",))
    assert (caught.value.status, len(wire.asked)) == (412, 11)
