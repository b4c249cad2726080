"""Which partition a partition key belongs to: Bob Jenkins' lookup3, as the service and the clients use it.

The algorithm is in the public domain (http://burtleburtle.net/bob/c/lookup3.c). The buffered producers of the
Azure clients use it too and fold both results into a signed 16-bit number; its remainder is taken here as .NET
does, without sign (the Python client's differs for negative ones).
"""

import struct

_MASK = 0xFFFFFFFF
_BLOCK = 12
_START = 0xDEADBEEF


def partition_of(key: str, partitions: int) -> int:
    """The index of the partition, the same for the same key."""
    first, second = lookup3(key.encode())
    folded: int = struct.unpack(">h", ((first ^ second) & 0xFFFF).to_bytes(2))[0]
    return abs(folded) % partitions


def lookup3(data: bytes) -> tuple[int, int]:
    """`hashlittle2` with both seeds 0: the two 32-bit results `(c, b)`."""
    a = b = c = (_START + len(data)) & _MASK
    if not data:
        return c, b
    padded = data + bytes(-len(data) % _BLOCK)
    last = len(padded) - _BLOCK
    for start in range(0, len(padded), _BLOCK):
        x, y, z = struct.unpack_from("<III", padded, start)
        a, b, c = (a + x) & _MASK, (b + y) & _MASK, (c + z) & _MASK
        a, b, c = _mix(a, b, c) if start < last else _final(a, b, c)
    return c, b


def _rotate(value: int, bits: int) -> int:
    return ((value << bits) | (value >> (32 - bits))) & _MASK


def _mix(a: int, b: int, c: int) -> tuple[int, int, int]:
    for bits in (4, 6, 8, 16, 19, 4):
        a = ((a - c) & _MASK) ^ _rotate(c, bits)
        c = (c + b) & _MASK
        a, b, c = b, c, a
    return a, b, c


def _final(a: int, b: int, c: int) -> tuple[int, int, int]:
    for bits in (14, 11, 25, 16, 4, 14, 24):
        c = ((c ^ b) - _rotate(b, bits)) & _MASK
        a, b, c = b, c, a
    # After seven turns the names have moved on by one.
    return c, a, b
