"""Where a record lies: topic and partition, and which partition a key belongs to."""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Final, NamedTuple

from aiokafka.errors import KafkaError

# What a bus that is away raises: wait and try again.
BUS_FAULTS: Final = (KafkaError, OSError, TimeoutError)
_MIX, _SEED, _MASK = 0x5BD1E995, 0x9747B28C, 0xFFFFFFFF


class Place(NamedTuple):
    """A partition of a topic."""

    topic: str
    partition: int


@lru_cache(maxsize=200_000)
def partition_of(key: bytes, partitions: int) -> int:
    """The partition of a key, as other clients choose it (murmur2); a third of the library's own time."""
    whole = len(key) & ~3
    h = _SEED ^ len(key)
    for (k,) in struct.iter_unpack("<I", key[:whole]):
        mixed = (k * _MIX) & _MASK
        mixed = ((mixed ^ (mixed >> 24)) * _MIX) & _MASK
        h = ((h * _MIX) & _MASK) ^ mixed
    if rest := key[whole:]:
        h = ((h ^ int.from_bytes(rest, "little")) * _MIX) & _MASK
    h = ((h ^ (h >> 13)) * _MIX) & _MASK
    return ((h ^ (h >> 15)) & 0x7FFFFFFF) % partitions
