"""HTTP triggers of a running host."""

import socket
from urllib.parse import urlsplit

import pytest

from tests.local.functions_host.conftest import APPS, Running

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("functions_host_http"), pytest.mark.timeout(600)]


def test_a_request_reaches_the_function_whole(basic: Running) -> None:
    """Method, address, headers, query, route values and body arrive, in the app's own folder."""
    answer = basic.host.request(
        "POST",
        "/api/echo/a%20b%2Fc/5?x=1&x=2&y=%C3%A9",
        b"\x00\xff",
        {"X-Twice": "one"},
        basic.host.function_key,
    )
    assert answer.status == 200
    assert answer.headers["content-type"] == ["application/json"]
    shown = answer.json
    assert shown["method"] == "POST"
    assert str(shown["url"]).startswith(basic.host.endpoint + "/api/echo/")
    assert shown["query"] == {"x": "1,2", "y": "é"}
    assert shown["route"] == {"name": "a b%2Fc", "id": "5"}
    assert shown["body"] == "00ff"
    assert shown["setting"] == "from the settings"
    assert shown["cwd"] == str(APPS / "basic")
    headers = shown["headers"]
    assert isinstance(headers, dict)
    assert headers["x-twice"] == "one"


def test_a_response_comes_back_whole(basic: Running) -> None:
    """Status, own headers, several cookies with their attributes and a binary body."""
    answer = basic.host.request("GET", "/api/cookies", key=basic.host.function_key)
    assert answer.status == 201
    assert answer.body == b"\x00\xff"
    assert answer.headers["content-type"] == ["application/octet-stream"]
    assert answer.headers["x-own"] == ["yes"]
    assert answer.headers["set-cookie"] == [
        "a=1; max-age=60; path=/; secure; samesite=Lax; httponly",
        "b=2; expires=Thu, 12 Jan 2017 13:55:08 GMT",
    ]


def test_a_string_becomes_plain_text(basic: Running) -> None:
    """A function may return a string."""
    answer = basic.host.request("GET", "/api/open")
    assert (answer.status, answer.body) == (200, b"welcome")
    assert answer.headers["content-type"] == ["text/plain; charset=utf-8"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/nothing", 404),
        ("GET", "/api/off", 404),
        ("GET", "/echo/a", 404),
        ("GET", "/api/echo/a/b", 404),
        ("GET", "/api/echo/a/1/2", 404),
        ("PUT", "/api/echo/a", 405),
        ("POST", "/api/files/x", 405),
    ],
)
def test_what_no_route_takes(basic: Running, method: str, path: str, status: int) -> None:
    """404 for unknown paths, disabled functions and values that break a constraint, 405 for another method."""
    assert basic.host.request(method, path, key=basic.host.function_key).status == status


def test_405_says_what_is_allowed(basic: Running) -> None:
    """The Allow header names the methods of the route."""
    answer = basic.host.request("DELETE", "/api/echo/a", key=basic.host.function_key)
    assert answer.headers["allow"] == ["GET, POST"]


@pytest.mark.parametrize(("path", "body"), [("readme", b"the literal route"), ("a/b", b"rest=a/b")])
def test_a_literal_route_wins_over_a_catch_all(basic: Running, path: str, body: bytes) -> None:
    """Precedence is ASP.NET Core's, not the order in the app."""
    assert basic.host.request("GET", f"/api/files/{path}", key=basic.host.function_key).body == body


def test_levels_and_keys(basic: Running) -> None:
    """Anonymous needs no key, function the host's or the master key, admin the master key alone."""
    host = basic.host
    no_key, wrong, function, master = None, "wrong", host.function_key, host.master_key
    statuses = {
        path: [host.request("GET", path, key=key).status for key in (no_key, wrong, function, master)]
        for path in ("/api/open", "/api/echo/a", "/api/closed")
    }
    assert statuses == {
        "/api/open": [200, 200, 200, 200],
        "/api/echo/a": [401, 401, 200, 200],
        "/api/closed": [401, 401, 401, 200],
    }


def test_a_key_may_be_in_the_query(basic: Running) -> None:
    """`code` is as good as the header."""
    assert basic.host.request("GET", f"/api/echo/a?code={basic.host.function_key}").status == 200


def test_a_function_that_raises_is_a_500_without_details(basic: Running) -> None:
    """The caller sees nothing of the error; the log has its stack trace on one line, with the function's name."""
    answer = basic.host.request("GET", "/api/broken", key=basic.host.function_key)
    assert (answer.status, answer.body) == (500, b"")
    line = next(line for line in basic.host.log().splitlines() if "broken on purpose" in line)
    assert "'broken'" in line
    assert "in broken" in line


def test_a_request_that_is_no_http_is_not_repeated_in_the_log(basic: Running) -> None:
    """Its query may hold a function key; the error is known by its kind."""
    parts = urlsplit(basic.host.endpoint)
    assert parts.hostname
    assert parts.port
    with socket.create_connection((parts.hostname, parts.port), 30) as wire:
        wire.sendall(b"GET /api/open?code=a-function-key&x=\xd9 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert wire.recv(4096).startswith(b"HTTP/1.0 400")
    log = basic.host.log()
    assert "BadHttpMessage" in log or "InvalidURLError" in log
    assert "a-function-key" not in log


def test_logs_name_their_function_and_invocation(basic: Running) -> None:
    """A line logged by the app carries level, function and invocation id."""
    shown = basic.host.request("GET", "/api/echo/logged", key=basic.host.function_key).json
    line = next(line for line in basic.host.log().splitlines() if "echo was asked by logged" in line)
    assert f"INFO [echo {shown['invocation']}]" in line
