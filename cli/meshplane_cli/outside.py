"""A deployment seen from where the command runs: name, connection, certificate, answer, key, version, clock."""

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from meshplane_cli.client import Client, Json, document, problem
from meshplane_cli.errors import MeshplaneError
from meshplane_cli.version import VERSION

CONNECT_SECONDS = 10.0
MOST_SKEW = 60.0
"""Seconds: tokens are taken five minutes around their time, and times given to the API are compared with its own."""
CERTIFICATE_DAYS = 21.0


def look(url: str, client: Client, clock: Callable[[], float] = time.time) -> list[Json]:
    """One look after the other, until one finds an error; `severity` is empty where nothing is wrong."""
    seen: list[Json] = []
    for each in _looks(url, client, clock):
        seen.append(each)
        if each["severity"] == "error":
            break
    return seen


def _looks(url: str, client: Client, clock: Callable[[], float]) -> Iterator[Json]:
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    if getproxies().get(parts.scheme) and not proxy_bypass(host):
        yield _ok("network", f"Requests go through a proxy: {host} is not looked for from here.")
    else:
        yield _name(host, port)
        yield _certificate(host, port, clock) if parts.scheme == "https" else _connection(host, port)
    try:
        response = client.once("GET", "health")
    except MeshplaneError as error:
        yield _wrong("error", "answer", "NoAnswer", url, error.what, error.do)
        return
    yield _answer(response, url)
    yield _clock(response, clock)
    yield _version(document(response) or {})


def _name(host: str, port: int) -> Json:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:  # a part of the name may be too long to be one
        do = "Check the spelling; an app that is reached by a private endpoint alone needs its private zone."
        return _wrong("error", "name", "NameUnknown", host, f"The name has no address: {error}.", do)
    addresses = sorted({str(each[4][0]) for each in found})
    return _ok("name", f"{host} is {', '.join(addresses)}.")


def _connection(host: str, port: int) -> Json:
    try:
        socket.create_connection((host, port), CONNECT_SECONDS).close()
    except OSError as error:
        return _closed(host, port, error)
    return _ok(
        "connection", f"{host} takes connections on port {port}; this machine alone sees them, without TLS."
    )


def _certificate(host: str, port: int, clock: Callable[[], float]) -> Json:
    """The machine's own trust, and what SSL_CERT_FILE and SSL_CERT_DIR add to it."""
    context = httpx.create_ssl_context()
    try:
        with (
            socket.create_connection((host, port), CONNECT_SECONDS) as raw,
            context.wrap_socket(raw, server_hostname=host) as secured,
        ):
            certificate, protocol = secured.getpeercert() or {}, secured.version()
    except ssl.SSLCertVerificationError as error:
        do = (
            "Name the right host; where an authority of your own signs, set SSL_CERT_FILE to its certificate."
        )
        return _wrong("error", "certificate", "CertificateRefused", host, f"{error.verify_message}.", do)
    except OSError as error:
        return _closed(host, port, error)
    days = (ssl.cert_time_to_seconds(str(certificate.get("notAfter"))) - clock()) / 86400
    what = f"{protocol}, the certificate ends in {days:.0f} days."
    if days < CERTIFICATE_DAYS:
        do = "Renew it; the platform renews those that it manages by itself."
        return _wrong("warning", "certificate", "CertificateEnds", host, what, do)
    return _ok("certificate", what)


def _closed(host: str, port: int, error: OSError) -> Json:
    do = "Check that the app runs, and its access restrictions, firewalls and private endpoint on the way."
    return _wrong("error", "connection", "NoConnection", f"{host}:{port}", f"No connection: {error}.", do)


def _answer(response: httpx.Response, url: str) -> Json:
    """Key and token are accepted where the app itself answers; it is unwell where its dependencies are."""
    if "dependencies" in (document(response) or {}):
        return _ok("key", "The app answers, and accepts the key and whoever calls.")
    error = problem(response, "GET health")
    code = {401: "CallerRefused", 403: "RoleMissing", 404: "NotMeshplane"}.get(
        response.status_code, "NotMeshplane"
    )
    return _wrong("error", "key", error.code or code, url, error.what, error.do)


def _clock(response: httpx.Response, clock: Callable[[], float]) -> Json:
    try:
        there = parsedate_to_datetime(response.headers["Date"])
    except (KeyError, ValueError):
        return _ok("clock", "The answer carries no time to compare with.")
    skew = abs(clock() - there.replace(tzinfo=there.tzinfo or UTC).timestamp())
    if skew > MOST_SKEW:
        now = datetime.fromtimestamp(clock(), UTC)
        what = f"This machine's clock ({now:%Y-%m-%d %H:%M:%SZ}) and the app's are {skew:.0f} seconds apart."
        return _wrong(
            "warning", "clock", "ClockSkew", "this machine", what, "Set this machine's clock by NTP."
        )
    return _ok("clock", "The clocks agree within a minute.")


def _version(health: Json) -> Json:
    there = str(health.get("version") or "")
    if there.split(".")[:2] == VERSION.split(".")[:2]:
        return _ok("version", f"Client and app are both of {VERSION}.")
    what = f"The client is of {VERSION}, the app of {there or 'a version that does not tell'}."
    return _wrong(
        "note", "version", "VersionsDiffer", "meshplane", what, "Install the client of the app's version."
    )


def _ok(name: str, what: str) -> Json:
    return {
        "name": name,
        "severity": "",
        "area": "outside",
        "code": "",
        "subject": "",
        "what": what,
        "remedy": "",
    }


def _wrong(severity: str, name: str, code: str, subject: str, what: str, remedy: str) -> Json:
    return {
        "name": name,
        "severity": severity,
        "area": "outside",
        "code": code,
        "subject": subject,
        "what": what,
        "remedy": remedy,
    }
