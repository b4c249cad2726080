"""The doctor's look from outside: each thing that can be wrong on the way is told from the others."""

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from meshplane_cli.client import Json, connect
from meshplane_cli.outside import look
from meshplane_cli.version import VERSION
from tests.cli.servers import KEY, Says, saying, serving

WELL = json.dumps({"healthy": True, "version": VERSION, "dependencies": []}).encode()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the machine says of proxies, this one is reached without."""
    monkeypatch.setenv("NO_PROXY", "*")


def looked(url: str, now: float | None = None) -> list[Json]:
    client = connect(url, KEY, None)
    try:
        return look(url, client, *([] if now is None else [lambda: now]))
    finally:
        client.close()


def named(looks: list[Json]) -> dict[str, str]:
    """What was looked at, and how grave what was found is."""
    return {each["name"]: each["severity"] for each in looks}


def test_an_app_that_is_well_is_looked_at_from_name_to_version() -> None:
    with serving(saying(Says(body=WELL))) as server:
        found = named(looked(server.url))
    assert found == {"name": "", "connection": "", "key": "", "clock": "", "version": ""}


def test_a_name_without_an_address_ends_it() -> None:
    (only,) = looked(f"https://{'x' * 64}.invalid")
    assert (only["name"], only["code"], only["severity"]) == ("name", "NameUnknown", "error")


def test_a_port_that_is_closed_ends_it() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        found = looked(f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert (found[-1]["code"], len(found)) == ("NoConnection", 2)


@pytest.mark.parametrize(
    ("says", "code"),
    [
        (Says(401, b""), "CallerRefused"),
        (Says(403, b'{"detail": "This needs the role Mesh.Reader.", "code": "RoleMissing"}'), "RoleMissing"),
        (Says(404, b"<html>"), "NotMeshplane"),
        (Says(200, b"<html>hello</html>"), "NotMeshplane"),
        (Says(302, b"", {"Location": "https://login.example/"}), "NotMeshplane"),
    ],
)
def test_an_answer_that_is_not_the_apps_own_says_whose_it_may_be(says: Says, code: str) -> None:
    with serving(saying(says)) as server:
        answer = looked(server.url)[2]
    assert (answer["name"], answer["code"], answer["severity"]) == ("key", code, "error")
    assert answer["remedy"]


def test_an_app_that_is_unwell_has_accepted_the_key_all_the_same() -> None:
    with serving(saying(Says(503, WELL))) as server:
        assert named(looked(server.url))["key"] == ""


def test_clocks_that_differ_are_a_warning() -> None:
    with serving(saying(Says(body=WELL))) as server:
        late = datetime.now(UTC) + timedelta(minutes=7)
        clock = looked(server.url, late.timestamp())[3]
    assert (clock["code"], clock["severity"]) == ("ClockSkew", "warning")


@pytest.mark.parametrize("version", [b'"0.1.9"', b"null"])
def test_an_app_of_another_version_is_worth_a_note(version: bytes) -> None:
    body = b'{"dependencies": [], "version": ' + version + b"}"
    with serving(saying(Says(body=body))) as server:
        assert looked(server.url)[4]["severity"] == "note"


@contextmanager
def secured(issued: trustme.LeafCert) -> Iterator[str]:
    """A server that shows a certificate, and answers nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued.configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return  # the test is over
                with connection:
                    try:
                        context.wrap_socket(connection, server_side=True).close()
                    except OSError:
                        continue  # the client hung up on it

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"https://localhost:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
    thread.join()


def trusted(authority: trustme.CA, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process trusts an authority, as a person would have it."""
    authority.cert_pem.write_to_path(folder / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / "ca.pem"))


@pytest.mark.parametrize(("known", "host"), [(False, "localhost"), (True, "elsewhere.example")])
def test_a_certificate_that_is_not_to_be_trusted_ends_it(
    known: bool, host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    if known:
        trusted(authority, tmp_path, monkeypatch)
    with secured(authority.issue_cert(host)) as url:
        found = looked(url)[-1]
    assert (found["code"], found["severity"]) == ("CertificateRefused", "error")
    assert "SSL_CERT_FILE" in found["remedy"]


@pytest.mark.parametrize(("days", "severity"), [(90, ""), (5, "warning")])
def test_a_certificate_that_ends_soon_is_a_warning(
    days: int, severity: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    trusted(authority, tmp_path, monkeypatch)
    ends = datetime.now(UTC) + timedelta(days=days)
    with secured(authority.issue_cert("localhost", not_after=ends)) as url:
        found = looked(url)
    assert (found[1]["name"], found[1]["severity"]) == ("certificate", severity)
    assert found[-1]["code"] == "NoAnswer"
