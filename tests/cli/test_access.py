"""Where requests go and who calls is checked before anything is sent."""

import json
import sys

import pytest

from meshplane_cli.access import address, bearer, function_key
from meshplane_cli.errors import Unusable
from tests.cli.servers import Says, saying, serving


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("https://mesh.azurewebsites.net", "https://mesh.azurewebsites.net"),
        (" https://mesh.azurewebsites.net/api/ ", "https://mesh.azurewebsites.net"),
        ("https://gateway.example/mesh/", "https://gateway.example/mesh"),
        ("http://127.0.0.1:7071/api", "http://127.0.0.1:7071"),
        ("http://localhost:7071", "http://localhost:7071"),
        ("http://[::1]:7071", "http://[::1]:7071"),
    ],
)
def test_an_address_is_taken_with_or_without_api(given: str, used: str) -> None:
    assert address(given) == used


@pytest.mark.parametrize(
    "given",
    [
        "",
        "mesh.azurewebsites.net",
        "ftp://mesh.example",
        "http://mesh.example",
        "http://127.0.0.1.evil.example",
        "http://localhost.example",
        "https://",
        "https://user:secret@mesh.example",
        "https://mesh.example?code=secret",
        "https://mesh.example/#x",
        "https://mesh.example:99999",
        "https://mesh.example:0",
        "https://[::1",
        "https://mesh example",
        "https://mesh\x1b.example",
    ],
)
def test_an_address_that_would_show_the_key_or_leads_nowhere_is_refused_without_repeating_a_secret(
    given: str,
) -> None:
    with pytest.raises(Unusable) as caught:
        address(given)
    assert caught.value.exit_code == 2
    assert "secret" not in str(caught.value.document())


@pytest.mark.parametrize("key", ["secret\nX-Evil: 1", "s\u00e9cret", "secret\x00"])
def test_a_key_that_cannot_be_one_is_refused_without_repeating_it(key: str) -> None:
    """A library that is given one to send would name it in its error."""
    with pytest.raises(Unusable) as caught:
        function_key(key)
    assert "secret" not in str(caught.value.document())
    assert function_key(" abc== \n") == "abc=="


def test_the_key_alone_needs_no_token() -> None:
    assert bearer("key", "") is None


def test_a_token_needs_a_scope() -> None:
    with pytest.raises(Unusable, match="scope"):
        bearer("azure", "")


def test_without_azure_identity_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "azure.identity", None)
    with pytest.raises(Unusable) as caught:
        bearer("azure", "api://mesh/.default")
    assert "meshplane-cli[azure]" in caught.value.do


def test_a_token_comes_from_whatever_azure_identity_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here a managed identity's token endpoint, as App Service has it."""
    for name in ("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_FEDERATED_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    found = {
        "access_token": "a-token",
        "expires_on": "4102444800",
        "token_type": "Bearer",
        "resource": "api://mesh",
    }
    with serving(saying(Says(body=json.dumps(found).encode()))) as server:
        monkeypatch.setenv("IDENTITY_ENDPOINT", server.url)
        monkeypatch.setenv("IDENTITY_HEADER", "known")
        token = bearer("azure", "api://mesh/.default")
        assert token is not None
        assert token() == "a-token"
    assert server.asked[0].query["resource"] == "api://mesh"
