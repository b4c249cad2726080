"""The certificates: made once, verified by clients, renewed before they expire."""

import ssl
from datetime import timedelta
from pathlib import Path

import pytest

from local import certificates


def test_certificates_are_made_once_and_used_again(tmp_path: Path) -> None:
    first = certificates.ensure(tmp_path)
    before = first.certificate.read_bytes()
    assert certificates.ensure(tmp_path) == first
    assert first.certificate.read_bytes() == before


def test_a_missing_file_makes_all_of_them_anew(tmp_path: Path) -> None:
    first = certificates.ensure(tmp_path)
    before = first.certificate.read_bytes()
    first.bundle.unlink()
    assert certificates.ensure(tmp_path).certificate.read_bytes() != before


def test_a_certificate_about_to_expire_is_renewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(certificates, "LIFETIME", timedelta(hours=2))
        before = certificates.ensure(tmp_path).certificate.read_bytes()
    assert certificates.ensure(tmp_path).certificate.read_bytes() != before


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
@pytest.mark.parametrize("trusting", ["authority", "bundle"])
def test_a_client_that_trusts_the_files_accepts_the_server(tmp_path: Path, host: str, trusting: str) -> None:
    files = certificates.ensure(tmp_path)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(files.certificate, files.private_key)
    client = ssl.create_default_context(cafile=str(getattr(files, trusting)))
    assert _handshake(client, server, host)


def test_the_bundle_keeps_the_public_authorities(tmp_path: Path) -> None:
    files = certificates.ensure(tmp_path)
    assert files.bundle.read_text().count("BEGIN CERTIFICATE") > 50
    assert files.authority.read_text().count("BEGIN CERTIFICATE") == 1


def test_only_this_user_can_read_the_private_key(tmp_path: Path) -> None:
    assert certificates.ensure(tmp_path).private_key.stat().st_mode & 0o077 == 0


def _handshake(client: ssl.SSLContext, server: ssl.SSLContext, host: str) -> bool:
    """A TLS handshake in memory; raises SSLCertVerificationError where the client does not trust the server."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(to_client, to_server, server_hostname=host)
    theirs = server.wrap_bio(to_server, to_client, server_side=True)
    done: set[ssl.SSLObject] = set()
    while len(done) < 2:
        for side in (ours, theirs):
            try:
                side.do_handshake()
                done.add(side)
            except ssl.SSLWantReadError:
                continue
    return True
