"""Clients that break, vanish or talk nonsense do not disturb the others."""

import asyncio
import logging
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import cast

import pytest
from azure.eventhub import EventData
from azure.eventhub.aio import EventHubProducerClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from proton import Connection, Message, Transport

from local.events.hubs.namespace import HubDescription
from local.events.hubs.sasl import PROTOCOL_HEADER
from local.events.hubs.server import Endpoint, Server, serving_in_thread
from tests.local.event_hubs.plain_client import connected, receiver, take
from tests.local.event_hubs.reading import bodies, read

AMQP_HEADER = b"AMQP\x00\x01\x00\x00"
ANONYMOUS_INIT = bytes.fromhex("00000019 02010000 005341 c00c01 a309") + b"ANONYMOUS"


def _connect(namespace: Endpoint) -> socket.socket:
    return socket.create_connection(("127.0.0.1", namespace.port), timeout=60)


def _talk(namespace: Endpoint, data: bytes) -> None:
    """Send bytes and read until the service has nothing more to say or hangs up."""
    with closing(_connect(namespace)) as connection:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65_536):
                pass
        except ConnectionError:
            return


def _conversation() -> bytes:
    """What a well-behaved client says up to its first links."""
    engine, connection = Transport(Transport.CLIENT), Connection()
    connection.container = "client"
    engine.bind(connection)
    connection.open()
    session = connection.session()
    session.open()
    for link, address in ((session.sender("out"), "single"), (session.receiver("in"), "$cbs")):
        link.target.address = link.source.address = address
        link.open()
    size = engine.pending()
    return PROTOCOL_HEADER + ANONYMOUS_INIT + bytes(engine.peek(size) or b"")


def test_the_conversation_that_is_broken_below_is_a_good_one(namespace: Endpoint) -> None:
    """Unbroken, it is answered with SASL's outcome, an open, a begin and attaches."""
    with closing(_connect(namespace)) as connection:
        connection.sendall(_conversation())
        heard = b""
        while b"single" not in heard or b"$cbs" not in heard:
            part = connection.recv(65_536)
            assert part, heard
            heard += part
    assert heard.startswith(PROTOCOL_HEADER)
    assert AMQP_HEADER in heard


@st.composite
def broken_conversations(draw: st.DrawFn) -> bytes:
    """A good conversation with some bytes changed, cut off or followed by noise."""
    data = bytearray(_conversation())
    for _ in range(draw(st.integers(1, 6))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    end = draw(st.integers(1, len(data)))
    return bytes(data[:end]) + draw(st.binary(max_size=60))


NOISE = st.one_of(
    st.binary(min_size=1, max_size=300),
    st.binary(max_size=100).map(lambda noise: PROTOCOL_HEADER + noise),
    st.binary(max_size=100).map(lambda noise: AMQP_HEADER + noise),
    st.binary(max_size=100).map(
        lambda body: AMQP_HEADER + struct.pack(">IBBH", len(body) + 8, 2, 0, 0) + body
    ),
    broken_conversations(),
)


@pytest.fixture(scope="module")
def survivor() -> Iterator[Endpoint]:
    """One namespace that has to bear all of it."""
    with serving_in_thread(Server([HubDescription("single", 1)])) as endpoint:
        yield endpoint


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(NOISE, min_size=1, max_size=3))
def test_nonsense_does_not_disturb_others(
    survivor: Endpoint, caplog: pytest.LogCaptureFixture, noise: list[bytes]
) -> None:
    """Garbage, broken frames and half conversations: no fault inside, and the next client is served."""
    for data in noise:
        _talk(survivor, data)
    with closing(_connect(survivor)) as connection:
        connection.sendall(PROTOCOL_HEADER)
        assert connection.recv(8) == PROTOCOL_HEADER
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


READ_FOR_EVER = """
import sys
from azure.eventhub import EventHubConsumerClient
client = EventHubConsumerClient.from_connection_string(sys.argv[1], "$Default", eventhub_name="single")
client.receive(lambda context, event: print("got", flush=True), starting_position="-1", owner_level=5)
"""


async def test_a_client_killed_while_it_receives_leaves_no_trace(namespace: Endpoint) -> None:
    """Its place is free at once (an owner level excluded all others), and the events are there for the next."""
    async with EventHubProducerClient.from_connection_string(
        namespace.connection_string, eventhub_name="single"
    ) as client:
        for _ in range(8):
            await client.send_batch([EventData(b"x" * 1_000_000)])
    command = [sys.executable, "-c", READ_FOR_EVER, namespace.connection_string]
    victim = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert victim.stdout is not None
    try:
        assert (await victim.stdout.readline()).strip() == b"got"
    finally:
        victim.kill()
        await victim.wait()
    assert len(await read(namespace.connection_string, "single", 8)) == 8


async def test_many_clients_at_once_lose_nothing(namespace: Endpoint) -> None:
    """Twelve producers and three readers side by side: every reader gets each event once."""

    async def produce(name: int) -> None:
        async with EventHubProducerClient.from_connection_string(
            namespace.connection_string, eventhub_name="telemetry"
        ) as client:
            for number in range(10):
                await client.send_batch([EventData(f"{name}-{number}-{part}") for part in range(5)])

    readers = [
        asyncio.create_task(read(namespace.connection_string, "telemetry", 600, partition=None, group=group))
        for group in ("$Default", "$Default", "meshplane")
    ]
    await asyncio.gather(*(produce(name) for name in range(12)))
    expected = sorted(
        f"{name}-{number}-{part}".encode() for name in range(12) for number in range(10) for part in range(5)
    )
    for events in await asyncio.gather(*readers):
        assert sorted(bodies(events)) == expected


def test_a_reader_that_does_not_read_does_not_hold_up_others() -> None:
    """A client that grants credit and then ignores its socket: memory is not filled for it, others go on."""
    with (
        serving_in_thread(Server([HubDescription("single", 1)])) as namespace,
        connected(namespace) as connection,
    ):
        source = "single/ConsumerGroups/$Default/Partitions/0"
        sender = connection.create_sender("single")
        with connected(namespace) as idle:
            stuck = receiver(idle, source)
            stuck.link.flow(1_000)
            idle.wait(lambda: stuck.link.credit == 1_000)
            for number in range(40):
                sender.send(Message(body=b"%3d" % number + b"x" * 500_000, inferred=True))
            numbers = [
                bytes(cast(memoryview, message.body))[:3]
                for message in take(receiver(connection, source), 40)
            ]
            assert numbers == [b"%3d" % number for number in range(40)]
