"""The endpoint as any AMQP 1.0 client sees it."""

from typing import cast

import pytest
from proton import Connection, ConnectionException, Message, Transport, symbol
from proton.utils import BlockingConnection, LinkDetached, SendException

from local.events.hubs.access import SAS_TYPE, AccessKey
from local.events.hubs.server import Endpoint
from tests.local.event_hubs.plain_client import annotations_of, connected, properties_of, receiver, take

OTHER_KEY = AccessKey("RootManageSharedAccessKey", "wrong")
PARTITION = "single/ConsumerGroups/$Default/Partitions/0"


def _ask(
    connection: BlockingConnection, node: str, body: str | None, properties: dict[str, object]
) -> Message:
    answers = connection.create_receiver(node)
    request = Message(id="request-1", body=body, properties=properties)
    connection.create_sender(node).send(request)
    answer = answers.receive()
    answers.close()  # type: ignore[no-untyped-call]  # Proton types only parts of itself
    return answer


def _put_token(connection: BlockingConnection, token: str, kind: str) -> Message:
    properties: dict[str, object] = {"operation": "put-token", "type": kind, "name": "sb://localhost/single"}
    return _ask(connection, "$cbs", token, properties)


def test_a_wrong_key_is_turned_away_by_sasl(namespace: Endpoint) -> None:
    """PLAIN with another key ends the connection; with the right one it needs no token."""
    with pytest.raises(ConnectionException, match="Authentication failed"), connected(namespace, key="wrong"):
        pass
    with connected(namespace) as connection:
        connection.create_sender("single").send(Message(body="x"))
        assert take(receiver(connection, PARTITION), 1)[0].body == "x"


def test_without_a_token_nothing_may_be_used(namespace: Endpoint) -> None:
    """An anonymous connection that presents no token is refused links and answers, and can then authorize."""
    with connected(namespace, mechanism="ANONYMOUS") as connection:
        with pytest.raises(LinkDetached, match="amqp:unauthorized-access"):
            connection.create_sender("single")
        question: dict[str, object] = {
            "operation": "READ",
            "type": "com.microsoft:eventhub",
            "name": "single",
        }
        assert properties_of(_ask(connection, "$management", None, question))["status-code"] == 401
        token = _token(namespace.key, "sb%3A%2F%2Flocalhost%2Fsingle")
        assert properties_of(_put_token(connection, token, SAS_TYPE))["status-code"] == 202
        connection.create_sender("single").send(Message(body="x"))
        with pytest.raises(LinkDetached, match="amqp:unauthorized-access"):
            connection.create_sender("telemetry")


def _token(key: AccessKey, resource: str, expiry: int = 4_000_000_000) -> str:
    return f"SharedAccessSignature sr={resource}&sig={key.sign(resource, expiry)}&se={expiry}&skn={key.name}"


@pytest.mark.parametrize(
    ("token", "kind", "said"),
    [
        (
            _token(AccessKey("RootManageSharedAccessKey", "wrong"), "x"),
            SAS_TYPE,
            "InvalidSignature",
        ),
        ("a.b.c", "jwt", "UnsupportedToken"),
    ],
)
def test_a_refused_token_gets_401_and_a_condition(
    namespace: Endpoint, token: str, kind: str, said: str
) -> None:
    """The answer of `$cbs` carries status, description and condition, and the id of the request."""
    with connected(namespace, mechanism="ANONYMOUS") as connection:
        answer = _put_token(connection, token, kind)
    assert answer.correlation_id == "request-1"
    assert properties_of(answer)["status-code"] == 401
    assert properties_of(answer)["error-condition"] == "amqp:unauthorized-access"
    assert said in str(properties_of(answer)["status-description"])


@pytest.mark.parametrize(
    ("properties", "status"),
    [
        ({"operation": "READ", "type": "com.microsoft:eventhub", "name": "nowhere"}, 404),
        ({"operation": "READ", "type": "com.microsoft:partition", "name": "single", "partition": "9"}, 400),
        ({"operation": "READ", "type": "com.microsoft:vm", "name": "single"}, 501),
        ({"operation": "DELETE", "type": "com.microsoft:eventhub", "name": "single"}, 501),
    ],
)
def test_management_says_what_it_cannot_do(
    namespace: Endpoint, properties: dict[str, object], status: int
) -> None:
    """Unknown hub, partition, type and operation each have their status."""
    with connected(namespace) as connection:
        answer = _ask(connection, "$management", None, properties)
    assert properties_of(answer)["status-code"] == status


def test_a_question_nobody_waits_for_is_rejected(namespace: Endpoint) -> None:
    """Without a link for the answer, or after that link was closed, the request is rejected."""
    question = Message(properties={"operation": "READ", "type": "com.microsoft:eventhub", "name": "single"})
    with connected(namespace) as connection:
        asking = connection.create_sender("$management")
        with pytest.raises(SendException):
            asking.send(question)
        connection.create_receiver("$management").close()  # type: ignore[no-untyped-call]  # as above
        with pytest.raises(SendException):
            asking.send(question)


@pytest.mark.parametrize(
    ("address", "condition"),
    [
        ("nowhere", "amqp:not-found"),
        ("single/Partitions/9", "com.microsoft:argument-error"),
        ("single/some/thing", "amqp:not-found"),
    ],
)
def test_senders_to_nowhere_are_detached(namespace: Endpoint, address: str, condition: str) -> None:
    """A link to an unknown place is attached and at once detached with its condition."""
    with connected(namespace) as connection, pytest.raises(LinkDetached, match=condition):
        connection.create_sender(address)


def test_a_filter_that_nobody_understands_is_refused(namespace: Endpoint) -> None:
    """The text is the service's own."""
    with connected(namespace) as connection, pytest.raises(LinkDetached, match="not a valid amqp filter"):
        receiver(connection, PARTITION, "amqp.annotation.x-opt-offset > no offset")


def test_a_message_that_cannot_be_read_is_rejected(namespace: Endpoint) -> None:
    """Bytes that are no AMQP message are rejected with a decode error; the link goes on."""
    with connected(namespace) as connection:
        sender = connection.create_sender("single")
        with pytest.raises(SendException):
            sender.send(_Raw(b"\x00\x53\x75\xa0\xff"))
        sender.send(Message(body="fine"))
        assert [message.body for message in take(receiver(connection, PARTITION), 1)] == ["fine"]


class _Raw(Message):
    """A message whose encoding is given."""

    def __init__(self, encoded: bytes) -> None:
        super().__init__()
        self._encoded = encoded

    def encode(self) -> bytes:
        return self._encoded


def test_no_more_than_the_credit_is_sent(namespace: Endpoint) -> None:
    """A receiver that grants two gets two, though five are there; the rest follows on more credit."""
    with connected(namespace) as connection:
        sender = connection.create_sender("single")
        for number in range(5):
            sender.send(Message(body=number))
        receiving = receiver(connection, PARTITION)
        assert receiving.fetcher is not None
        arrived = receiving.fetcher.incoming
        receiving.link.flow(2)
        connection.wait(lambda: len(arrived) == 2)
        # A round trip on the same connection: what was sent on the first credit is here by now.
        sender.send(Message(body=5))
        assert len(arrived) == 2
        receiving.link.flow(10)
        connection.wait(lambda: len(arrived) == 6)
        assert [message.body for message, _ in arrived] == [0, 1, 2, 3, 4, 5]


def test_five_may_read_without_epoch_and_a_sixth_may_not(namespace: Endpoint) -> None:
    """The limit is per partition and group; when one leaves there is room again."""
    with connected(namespace) as connection:
        readers = [receiver(connection, PARTITION) for _ in range(5)]
        with pytest.raises(LinkDetached, match="amqp:resource-limit-exceeded"):
            receiver(connection, PARTITION)
        readers[0].close()  # type: ignore[no-untyped-call]  # as above
        receiver(connection, PARTITION)


def test_the_service_keeps_an_idle_connection_alive(namespace: Endpoint) -> None:
    """A client that wants to hear something every second does, though nobody sends."""
    with connected(namespace, heartbeat=1) as connection:
        transport = cast(Transport, cast(Connection, connection.conn).transport)
        before = transport.frames_input
        connection.wait(lambda: transport.frames_input > before, timeout=60)


def test_producers_own_annotations_are_kept_but_not_the_services(namespace: Endpoint) -> None:
    """A message that is sent on with old system annotations gets new ones; its own stay."""
    old = {symbol("x-opt-offset"): "77", symbol("x-opt-sequence-number"): 77, symbol("mine"): "kept"}
    with connected(namespace) as connection:
        connection.create_sender("single").send(Message(body="x", annotations=old))
        (message,) = take(receiver(connection, PARTITION), 1)
    assert annotations_of(message)["mine"] == "kept"
    assert annotations_of(message)["x-opt-offset"] == "0"
    assert annotations_of(message)["x-opt-sequence-number"] == 0
