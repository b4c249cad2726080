"""What a command meets that nobody wishes for: texts of attackers, narrow pipes, full disks, wrong surroundings."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.cli.running import run
from tests.cli.servers import KEY, Asked, Says, saying, serving
from tests.cli.test_process import COMMAND, PATIENCE, environment, ran

HOSTILE = "<script>alert(1)</script> [red]x[/red] [/] :smile: \x1b[31m\x1b]0;t\x07 \u202egnp.exe\u200b"
TEXT = "\u6771\u4eac \U0001f600 caf\u00e9"


def a_list(**members: str) -> Says:
    items = [{"id": "e", "subscription": "s", "group": "g", **members}]
    return Says(body=json.dumps({"items": items, "continuation": ""}).encode())


@pytest.mark.parametrize("text", [HOSTILE, "9999-99-99T99:99:99Z", "0001-01-01T00:00:00+14:00", "x" * 5000])
def test_one_hostile_reason_keeps_nobody_from_seeing_a_list(text: str) -> None:
    """Whoever may silence writes a reason; everybody's `silences list` shows it."""
    with serving(saying(a_list(reason=text, until=text))) as server:
        found = run("silences", "list", url=server.url)
    assert (found.code, found.err) == (0, "")
    assert not {"\x1b", "\x07", "\u202e", "\u200b"} & set(found.out)


@pytest.mark.parametrize("encoding", ["cp1252", "cp437", "ascii"])
@pytest.mark.parametrize("output", ["table", "json"])
def test_a_pipe_without_those_letters_gets_them_as_escapes(encoding: str, output: str) -> None:
    """Windows pipes text in a code page, a bare container in ASCII."""
    with serving(saying(a_list(reason=TEXT))) as server:
        more = {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
        process = subprocess.run(
            [COMMAND, "silences", "list", "-o", output],
            env=environment(server.url, more),
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
    assert (process.returncode, process.stderr) == (0, b"")
    if output == "json":
        assert json.loads(process.stdout)[0]["reason"] == TEXT
    else:
        assert b"\\u6771\\u4eac \\U0001f600" in process.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux alone has a device that is always full")
@pytest.mark.parametrize("output", ["table", "json"])
def test_a_full_disk_is_said_without_a_trace(output: str) -> None:
    with serving(saying(a_list(reason="x"))) as server, Path("/dev/full").open("w", encoding="utf-8") as full:
        process = subprocess.run(
            [COMMAND, "silences", "list", "-o", output],
            env=environment(server.url),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert process.returncode == 141
    assert process.stderr == "Error: the output cannot be written: No space left on device.\n"


def test_with_standard_output_closed_it_does_its_work_and_says_nothing() -> None:
    with serving(saying(a_list(reason="x"))) as server:
        process = subprocess.run(
            ["sh", "-c", f"exec {COMMAND} silences list >&-"],
            env=environment(server.url),
            stderr=subprocess.PIPE,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert len(server.asked) == 1
    assert (process.returncode, process.stderr) == (0, "")


def test_without_a_home_or_a_locale_it_works() -> None:
    with serving(saying(a_list(reason="x"))) as server:
        process = subprocess.run(
            [COMMAND, "silences", "list"],
            env={"MESHPLANE_URL": server.url, "PATH": os.defpath},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert (process.returncode, process.stderr) == (0, "")


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"SSL_CERT_FILE": "/nowhere/ca.pem"}, "SSL_CERT_FILE"),
        ({"SSL_CERT_FILE": os.devnull}, "SSL_CERT_FILE"),
        ({"HTTPS_PROXY": "http://user:hidden@host:::x"}, "HTTPS_PROXY"),
        ({"HTTPS_PROXY": "gopher://user:hidden@host"}, "HTTPS_PROXY"),
        ({"ALL_PROXY": "socks5://user:hidden@host:1"}, "ALL_PROXY"),
    ],
)
def test_certificates_or_proxies_that_are_none_are_named_and_not_repeated(
    more: dict[str, str], named: str
) -> None:
    process = ran(["nodes", "list"], "https://127.0.0.1:1", {"NO_PROXY": "", **more})
    assert process.returncode == 2
    assert named in process.stderr
    assert "Traceback" not in process.stderr
    assert "hidden" not in process.stderr
    assert KEY not in process.stderr


@pytest.mark.parametrize(
    "args",
    [
        ["edges", "request", "s/a", "s/b", "-i", "sql", "-p", "x", "--gigabytes", "inf"],
        ["edges", "request", "s/a", "s/b", "-i", "sql", "-p", "x", "--lease-days", "inf"],
        ["edges", "list", "--consumer", "\udcff"],
        ["silences", "create", "-r", "\udcff", "--until", "1h", "--rule", "x"],
    ],
)
def test_what_no_request_can_carry_is_a_mistake_in_its_use(args: list[str]) -> None:
    """Numbers that JSON has not, and bytes of the command line that are no text."""
    with serving(saying(Says())) as server:
        found = run(*args, url=server.url)
        assert (found.code, server.asked) == (2, [])
    assert "cannot be sent" in found.err


def test_bytes_that_are_no_text_are_looked_for_as_they_are() -> None:
    with serving(saying(Says(404))) as server:
        found = run("nodes", "show", "\udcff/g", url=server.url)
        assert found.code == 1
        assert [each.path for each in server.asked] == ["/api/nodes/%FF/g"]


def test_a_decision_is_refused_when_somebody_else_decides_first() -> None:
    """Of two approvals at once one counts; the other is told what changed."""
    state = iter(["PendingApproval", "Approved"])

    def answer(asked: Asked) -> Says:
        if asked.method == "POST":
            return Says(412, json.dumps({"detail": "The edge changed.", "code": "EdgeChanged"}).encode())
        return Says(body=json.dumps({"state": next(state)}).encode(), headers={"ETag": "1"})

    with serving(answer) as server:
        found = run("edges", "approve", "e", "-r", "x", url=server.url)
        assert [each.method for each in server.asked] == ["GET", "POST", "GET"]
    assert found.code == 1
    assert "Meanwhile changed: state." in found.err
