"""What Event Hubs turns down is turned down here, with its conditions."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from azure.core.credentials import AccessToken, AzureNamedKeyCredential
from azure.eventhub import EventData, EventHubProducerClient
from azure.eventhub.exceptions import AuthenticationError, ConnectError, ConnectionLostError, EventHubError

from local.events.hubs.access import AUDIENCE, AccessKey, check_token
from local.events.hubs.namespace import HubDescription
from local.events.hubs.refusal import Refused
from local.events.hubs.server import Endpoint, Server, serving_in_thread
from local.identity.tokens import ManagedIdentity, issue
from tests.local.event_hubs.reading import read

KEY = AccessKey("RootManageSharedAccessKey", "a-key")
NOW = 1_750_000_000
# The Python client leaves out the 401 when the answer names an error condition, as Event Hubs' does.
FAILED = "CBS Token authentication failed"


@contextmanager
def _client(connection_string: str, hub: str = "single") -> Iterator[EventHubProducerClient]:
    with EventHubProducerClient.from_connection_string(
        connection_string, eventhub_name=hub, retry_total=0
    ) as client:
        yield client


def _token(
    resource: str = "sb%3A%2F%2Flocalhost%2Fsingle", expiry: int = NOW + 60, name: str = KEY.name
) -> str:
    return f"SharedAccessSignature sr={resource}&sig={KEY.sign(resource, expiry)}&se={expiry}&skn={name}"


def test_a_wrong_key_cannot_send(namespace: Endpoint) -> None:
    """Producer and management with another key: the client reports what it reports on Azure."""
    wrong = namespace.connection_string.replace(namespace.key.value, "wrong")
    with _client(wrong) as client:
        with pytest.raises(AuthenticationError, match=FAILED):
            client.send_batch([EventData("x")])
        with pytest.raises(AuthenticationError, match=FAILED):
            client.get_eventhub_properties()


async def test_a_wrong_key_cannot_read(namespace: Endpoint) -> None:
    """The consumer too is refused."""
    with pytest.raises(AuthenticationError, match=FAILED):
        await read(namespace.connection_string.replace(namespace.key.value, "wrong"), "single", 1)


def test_a_named_key_credential_is_accepted(namespace: Endpoint) -> None:
    """The same key through the SDK's credential class works as in a connection string."""
    credential = AzureNamedKeyCredential(namespace.key.name, namespace.key.value)
    host = f"localhost:{namespace.port}"
    with EventHubProducerClient(host, "single", credential, use_tls=False) as client:
        assert client.get_partition_ids() == ["0"]


class _ManagedIdentity:
    """A credential that gives tokens of the local identity endpoint's making."""

    def __init__(self, key: bytes, audience: str) -> None:
        self._key = key
        self._audience = audience

    def get_token(self, *scopes: str, **options: object) -> AccessToken:
        token, expires = issue(self._key, ManagedIdentity("app"), self._audience, datetime.now(UTC))
        return AccessToken(token, int(expires.timestamp()))


def test_tokens_of_a_managed_identity_are_checked() -> None:
    """With the identity endpoint's key its tokens for Event Hubs open the namespace; others do not."""
    key = b"k" * 32
    with serving_in_thread(Server([HubDescription("single", 1)], token_key=key)) as endpoint:
        host = f"localhost:{endpoint.port}"
        with EventHubProducerClient(
            host, "single", _ManagedIdentity(key, AUDIENCE + "/"), use_tls=False
        ) as client:
            client.send_batch([EventData("x")])
            assert client.get_partition_properties("0")["is_empty"] is False
        for signed_with, audience in ((b"x" * 32, AUDIENCE), (key, "https://management.azure.com")):
            credential = _ManagedIdentity(signed_with, audience)
            with (
                EventHubProducerClient(host, "single", credential, use_tls=False, retry_total=0) as client,
                pytest.raises(AuthenticationError, match=FAILED),
            ):
                client.get_eventhub_properties()


@pytest.mark.parametrize(
    ("token", "said"),
    [
        (_token(expiry=NOW), "ExpiredToken"),
        (_token(name="Other"), "InvalidSignature"),
        (_token().replace("single", "telemetry"), "InvalidSignature"),
        (_token().replace(f"se={NOW + 60}", f"se={NOW + 61}"), "InvalidSignature"),
        (_token().replace(f"se={NOW + 60}", "se=tomorrow"), "MalformedToken"),
        ("SharedAccessSignature sr=a&se=1", "MalformedToken"),
        ("Bearer x", "MalformedToken"),
    ],
)
def test_bad_signatures_name_their_fault(token: str, said: str) -> None:
    """Every way a shared access signature can be wrong is a 401 that says which."""
    with pytest.raises(Refused, match=said) as refused:
        check_token(token, KEY, NOW)
    assert (refused.value.status, refused.value.condition) == (401, "amqp:unauthorized-access")


def test_a_good_signature_grants_its_entity_and_what_is_below() -> None:
    """The grant of a hub covers its partitions in any case of letters, and no other hub."""
    grant = check_token(_token(), KEY, NOW)
    assert grant.expires_at == NOW + 60
    assert grant.covers("Single")
    assert grant.covers("single/ConsumerGroups/$Default/Partitions/0")
    assert not grant.covers("single2")


def test_a_sending_client_is_cut_off_when_its_token_expires() -> None:
    """A link that was opened in time stops working after the expiry."""
    with serving_in_thread(Server([HubDescription("single", 1)])) as endpoint:
        resource = f"sb%3A%2F%2Flocalhost%3A{endpoint.port}%2Fsingle"
        expiry = int(time.time()) + 3
        signature = endpoint.key.sign(resource, expiry)
        connection_string = (
            f"Endpoint={endpoint.address};SharedAccessSignature=SharedAccessSignature sr={resource}"
            f"&sig={signature}&se={expiry}&skn={endpoint.key.name};UseDevelopmentEmulator=true;"
        )
        with _client(connection_string) as client:
            client.send_batch([EventData("in time")])
            with pytest.raises(EventHubError):
                _send_for(client, seconds=20)


def _send_for(client: EventHubProducerClient, seconds: float) -> None:
    deadline = datetime.now(UTC) + timedelta(seconds=seconds)
    while datetime.now(UTC) < deadline:
        client.send_batch([EventData("x")])


def test_an_unknown_hub_is_not_found(namespace: Endpoint) -> None:
    """Sending to and asking about a hub that is not there."""
    with _client(namespace.connection_string, "nowhere") as client:
        with pytest.raises(ConnectError, match="404"):
            client.get_eventhub_properties()
        with pytest.raises(ConnectError, match="404"):
            client.send_event(EventData("x"))


async def test_an_unknown_consumer_group_is_not_found(namespace: Endpoint) -> None:
    """Reading in a consumer group that is not there."""
    with pytest.raises(ConnectionLostError, match="ConsumerGroups/nobody' could not be found"):
        await read(namespace.connection_string, "single", 1, group="nobody")


def test_an_event_over_the_limit_is_refused_and_the_next_one_accepted(namespace: Endpoint) -> None:
    """Past the client's own check, a message of more than 1 MiB ends its link and nothing else."""
    with _client(namespace.connection_string) as client:
        with pytest.raises(EventHubError):
            client.send_event(EventData(b"x" * 1_100_000))
        client.send_event(EventData(b"small"))
        assert client.get_partition_properties("0")["last_enqueued_sequence_number"] == 0
