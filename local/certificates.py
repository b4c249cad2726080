"""A certificate authority of this machine, and the certificate with which the local Resource Manager serves."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import certifi
import trustme
from cryptography import x509

HOSTS = ("localhost", "127.0.0.1", "::1")
# Short enough that a forgotten private key on a laptop loses its worth, long enough to outlive a demo.
LIFETIME = timedelta(days=30)
_RENEW_BEFORE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Certificates:
    """Paths of PEM files.

    `bundle` holds the local authority and every public one: for `SSL_CERT_FILE` and `REQUESTS_CA_BUNDLE`,
    which replace what a tool trusts rather than add to it.
    """

    authority: Path
    bundle: Path
    certificate: Path
    private_key: Path


def ensure(folder: Path) -> Certificates:
    """The certificates in `folder`, made anew when any is missing or about to expire.

    The authority's private key is never written: nobody can later sign for other hosts with it.
    """
    found = Certificates(
        authority=folder / "ca.pem",
        bundle=folder / "ca-bundle.pem",
        certificate=folder / "server.pem",
        private_key=folder / "server.key",
    )
    if not _usable(found):
        _create(found)
    return found


def _usable(files: Certificates) -> bool:
    paths = (files.authority, files.bundle, files.certificate, files.private_key)
    if not all(path.exists() for path in paths):
        return False
    certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    return certificate.not_valid_after_utc - _RENEW_BEFORE > datetime.now(UTC)


def _create(files: Certificates) -> None:
    folder = files.authority.parent
    folder.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA(organization_name="Azure on this laptop")
    server = authority.issue_cert(*HOSTS, common_name="localhost", not_after=datetime.now(UTC) + LIFETIME)
    files.private_key.touch(mode=0o600)
    server.private_key_pem.write_to_path(files.private_key)
    # The leaf first, then nothing else: the authority signs it directly.
    for index, blob in enumerate(server.cert_chain_pems):
        blob.write_to_path(files.certificate, append=index > 0)
    authority.cert_pem.write_to_path(files.authority)
    public = Path(certifi.where()).read_bytes().rstrip()
    files.bundle.write_bytes(authority.cert_pem.bytes().rstrip() + b"\n" + public + b"\n")
