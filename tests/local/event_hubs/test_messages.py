"""Cutting encoded messages: what is well-formed is kept as it is, all else is refused in one way."""

import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from proton import Data, Message

from local.events.hubs.encoding import Malformed, value_end
from local.events.hubs.message import BATCH_FORMAT, read_events


@given(
    st.recursive(
        st.one_of(
            st.none(), st.booleans(), st.text(max_size=300), st.binary(max_size=300), st.integers(0, 2**62)
        ),
        lambda inner: st.one_of(
            st.lists(inner, max_size=5), st.dictionaries(st.text(max_size=5), inner, max_size=5)
        ),
    ),
    st.binary(max_size=10),
)
def test_every_value_ends_where_proton_says(value: object, after: bytes) -> None:
    """The end of a value agrees with Proton's encoder, whatever follows."""
    data = Data()
    data.put_object(value)
    encoded = bytes(data.encode())
    assert value_end(encoded + after, 0) == len(encoded)


@given(st.binary(max_size=200), st.sampled_from([0, BATCH_FORMAT]))
@example(b"\x00" * 100, 0)
@example(b"\x00\x53\x75\xb0\xff\xff\xff\xff", 0)
@example(b"\x00\x53\x72\xd1\x00\x00\x00\x04\xff\xff\xff\xff", 0)
def test_any_bytes_are_a_message_or_malformed(encoded: bytes, message_format: int) -> None:
    """Nothing but Malformed is ever raised; what is accepted is kept byte for byte."""
    try:
        drafts = read_events(encoded, message_format)
    except Malformed:
        return
    for draft in drafts:
        assert draft.header in encoded
        assert bytes(draft.body) in encoded


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        b"\x00\x53\x75",
        b"\x00\x53\x79\x45",
        b"\x00\xa3\x01x\x45",
        # The data section stands before the properties.
        b"\x00\x53\x75\xa0\x01x\x00\x53\x73\x45",
        # A map of annotations whose second value lies outside of it.
        b"\x00\x53\x72\xc1\x04\x02\xa3\x01a\xa1\x05bbbbb\x00\x53\x75\xa0\x00",
    ],
)
def test_broken_messages_are_malformed(encoded: bytes) -> None:
    """Empty, cut off, unknown or misplaced sections, and annotations that leave their map."""
    with pytest.raises(Malformed):
        read_events(encoded, 0)


def test_a_batch_of_broken_messages_stores_nothing() -> None:
    """One unreadable event spoils its batch, so that a batch is stored whole or not at all."""
    good = bytes(Message(body=b"x", inferred=True).encode())
    sections = [b"\x00\x53\x75\xb0" + struct.pack(">I", len(inner)) + inner for inner in (good, b"\xff")]
    assert len(read_events(sections[0], BATCH_FORMAT)) == 1
    with pytest.raises(Malformed):
        read_events(b"".join(sections), BATCH_FORMAT)
