"""Whatever is sent to a partition is received in order and exactly once, from any place in it."""

import asyncio
import struct
import uuid

from azure.eventhub import EventData, EventHubProducerClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from proton import Message, symbol, timestamp

from local.events.hubs.message import BATCH_FORMAT, MESSAGE_ANNOTATIONS, read_events
from local.events.hubs.namespace import HubDescription
from local.events.hubs.partition import Event, Partition
from local.events.hubs.position import BEGINNING, Field, Position
from local.events.hubs.server import Server, serving_in_thread
from tests.local.event_hubs.plain_client import annotations_of, connected, receiver, take
from tests.local.event_hubs.reading import bodies, read

END = Message(body="the end")

VALUES = st.one_of(
    st.text(max_size=300),
    st.binary(max_size=300),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.uuids(),
    st.integers(0, 2**40).map(timestamp),
)
PROPERTIES = st.dictionaries(st.text(min_size=1, max_size=20), VALUES, max_size=4)


@st.composite
def messages(draw: st.DrawFn) -> Message:
    """Messages with all kinds of bodies, properties and annotations."""
    body = draw(
        st.one_of(st.binary(max_size=2_000), st.text(max_size=500), PROPERTIES, st.lists(VALUES, max_size=5))
    )
    message = Message(body=body, properties=draw(PROPERTIES) or None, inferred=isinstance(body, bytes | list))
    message.id = draw(st.one_of(st.text(max_size=20), st.uuids()))
    message.subject = draw(st.text(max_size=20))
    message.durable = draw(st.booleans())
    annotations = draw(st.dictionaries(st.sampled_from(["mine", "x-opt-offset"]), st.text(max_size=300)))
    message.annotations = {symbol(name): value for name, value in annotations.items()} or None
    return message


def comparable(message: Message) -> tuple[object, ...]:
    """What a producer set, without what the service adds."""
    own = {name: value for name, value in annotations_of(message).items() if not name.startswith("x-opt-")}
    parts: tuple[object, ...] = (
        message.body,
        message.properties or {},
        message.id,
        message.subject,
        message.durable,
        own,
    )
    return tuple(map(_plain, parts))


def _plain(value: object) -> object:
    """Proton's decoded binaries as bytes, at any depth, with every type beside its value."""
    if isinstance(value, memoryview):
        return "bytes", bytes(value)
    if isinstance(value, dict):
        return {_plain(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return type(value).__name__, value


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(messages(), max_size=12), st.data())
def test_any_amqp_client_reads_back_what_it_sent(sent: list[Message], data: st.DataObject) -> None:
    """Over the wire: all from the beginning, and from any event's offset exactly the rest."""
    with (
        serving_in_thread(Server([HubDescription("single", 1)])) as namespace,
        connected(namespace) as connection,
    ):
        sender = connection.create_sender("single/Partitions/0")
        for message in [*sent, END]:
            sender.send(message)
        source = "single/ConsumerGroups/$Default/Partitions/0"
        received = take(receiver(connection, source, "amqp.annotation.x-opt-offset > '-1'"), len(sent) + 1)
        assert [comparable(message) for message in received] == [
            comparable(message) for message in [*sent, END]
        ]
        if sent:
            place = data.draw(st.integers(0, len(sent) - 1))
            offset = annotations_of(received[place])["x-opt-offset"]
            rest = receiver(connection, source, f"amqp.annotation.x-opt-offset > '{offset}'")
            resumed = take(rest, len(sent) - place)
            assert [annotations_of(message) for message in resumed] == [
                annotations_of(message) for message in received[place + 1 :]
            ]


def _data_section(encoded: bytes) -> bytes:
    return b"\x00\x53\x75\xb0" + struct.pack(">I", len(encoded)) + encoded


def _decode(event: Event) -> Message:
    message = Message()
    message.decode(event.header + event.annotations + bytes(event.body))
    return message


def _log() -> Partition:
    return Partition("0", now=lambda: 1_000, retained_bytes=2**30)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(messages(), min_size=1, max_size=5), max_size=5),
    st.one_of(st.none(), st.text(min_size=1)),
)
def test_batches_are_taken_apart_without_loss(batches: list[list[Message]], key: str | None) -> None:
    """Each event of each batch is stored as it was encoded, in order, with the batch's partition key."""
    log = _log()
    for batch in batches:
        annotations = {symbol("x-opt-partition-key"): key} if key else None
        envelope = bytes(Message(annotations=annotations).encode())
        inner = b"".join(_data_section(bytes(message.encode())) for message in batch)
        log.append(read_events(envelope + inner, BATCH_FORMAT))
    stored: list[Event] = []
    while (event := log.read(len(stored))) is not None:
        stored.append(event)
    expected = [message for batch in batches for message in batch]
    assert [comparable(_decode(event)) for event in stored] == [comparable(message) for message in expected]
    assert {annotations_of(_decode(event)).get("x-opt-partition-key") for event in stored} <= {key}


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=50), min_size=1, max_size=20), st.data())
def test_every_offset_and_number_divides_the_log(texts: list[bytes], data: st.DataObject) -> None:
    """After an event's offset or sequence number comes exactly the rest; inclusive, the event too."""
    log = _log()
    for text in texts:
        log.append(read_events(Message(body=text, inferred=True).encode(), 0))
    place = data.draw(st.integers(0, len(texts) - 1))
    event = log.read(place)
    assert event is not None
    assert log.start(BEGINNING) == 0
    for field, value in ((Field.OFFSET, event.offset), (Field.SEQUENCE_NUMBER, event.sequence)):
        assert log.start(Position(field, str(value), inclusive=False)) == place + 1
        assert log.start(Position(field, str(value), inclusive=True)) == place


EVENTS = st.lists(
    st.tuples(
        st.binary(max_size=500),
        st.dictionaries(st.text(st.characters(codec="utf-8"), min_size=1, max_size=10), st.text(max_size=20)),
    ),
    min_size=1,
    max_size=20,
)


@settings(max_examples=2, deadline=None)
@given(EVENTS, st.data())
def test_the_azure_clients_read_back_what_they_sent(
    sent: list[tuple[bytes, dict[str, str]]], data: st.DataObject
) -> None:
    """The same through the unmodified clients, in one batch, resuming after any event."""
    place = data.draw(st.integers(0, len(sent) - 1))
    with serving_in_thread(Server([HubDescription("single", 1)])) as namespace:
        with EventHubProducerClient.from_connection_string(
            namespace.connection_string, eventhub_name="single"
        ) as client:
            client.send_batch([_event(body, properties) for body, properties in sent])
            end = str(uuid.uuid4())
            client.send_batch([EventData(end)])
        received = asyncio.run(read(namespace.connection_string, "single", len(sent) + 1))
        assert bodies(received) == [*(body for body, _ in sent), end.encode()]
        assert [event.properties for event in received[:-1]] == [
            {name.encode(): value.encode() for name, value in properties.items()} for _, properties in sent
        ]
        resumed = asyncio.run(
            read(
                namespace.connection_string,
                "single",
                len(sent) - place,
                position=received[place].offset or "",
            )
        )
        assert [event.sequence_number for event in resumed] == list(range(place + 1, len(sent) + 1))


def _event(body: bytes, properties: dict[str, str]) -> EventData:
    event = EventData(body)
    event.properties.update(properties)
    return event


def test_the_envelope_of_a_batch_is_not_an_event() -> None:
    """The annotations of the envelope reach the events; the envelope itself is not stored."""
    drafts = read_events(_data_section(bytes(Message(body="x").encode())), BATCH_FORMAT)
    assert len(drafts) == 1
    assert drafts[0].annotate(0, "0", 1_000).startswith(b"\x00\x53" + bytes((MESSAGE_ANNOTATIONS,)))
