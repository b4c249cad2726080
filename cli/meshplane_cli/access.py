"""Where the app is and who calls: checked before anything is sent."""

from collections.abc import Callable
from ipaddress import ip_address
from typing import Literal
from urllib.parse import SplitResult, urlsplit

import httpx

from meshplane_cli.errors import Unusable

Auth = Literal["key", "azure"]

_TOKEN_HELP = "Sign in with `az login`, and check --scope (MESHPLANE_SCOPE), such as <client id>/.default."


def address(url: str) -> str:
    """The app's address without `/api`. Raises Unusable: the key may only leave over TLS, or not leave the machine."""
    if not url.strip():
        raise Unusable("The address of the mesh is not known.", do="Give --url, or set MESHPLANE_URL.")
    parts = _split(url.strip())
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        do = "Give an address such as https://my-mesh.azurewebsites.net."
        raise Unusable("This is no address of an app.", do=do)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise Unusable("The address holds more than an address.", to=parts.hostname, do="Leave that out.")
    if parts.scheme == "http" and not _is_here(parts.hostname):
        raise Unusable("http:// would show the key to the network.", to=url, do="Give the https:// address.")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/').removesuffix('/api')}"


def function_key(text: str) -> str:
    """The key, checked, since whoever writes it into a header would repeat a wrong one. Raises Unusable."""
    key = text.strip()
    if not (key.isascii() and key.isprintable()):
        raise Unusable("The key has characters that no key has.", do="Copy it anew: --key, MESHPLANE_KEY.")
    return key


def bearer(auth: Auth, scope: str) -> Callable[[], str] | None:
    """What gets a token for each request, kept by azure-identity until it ends; None with the key alone.

    Raises Unusable.
    """
    if auth == "key":
        return None
    if not scope:
        raise Unusable("--auth azure needs the scope of the mesh's API.", do=_TOKEN_HELP)
    try:
        from azure.core.exceptions import ClientAuthenticationError
        from azure.identity import DefaultAzureCredential
    except ImportError as error:
        do = "Install it: pip install 'meshplane-cli[azure]'."
        raise Unusable("--auth azure needs the package azure-identity.", do=do) from error
    credential = DefaultAzureCredential()

    def token() -> str:
        try:
            return credential.get_token(scope).token
        except ClientAuthenticationError as error:
            raise Unusable("Microsoft Entra gives no token.", to=scope, do=_TOKEN_HELP) from error

    return token


def _split(url: str) -> SplitResult | None:
    """The parts of an address; None where it is none, by its characters, its port or its host."""
    if not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
        return parts if parts.port != 0 and httpx.URL(url).host else None
    except (ValueError, httpx.InvalidURL):
        return None


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
