"""Sending whole record batches, acknowledged by all replicas, through a producer that can be abandoned at once."""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from chassis.bus.places import BUS_FAULTS, Place, partition_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from aiokafka import AIOKafkaProducer

LARGEST_BATCH = 900_000  # below the broker's mebibyte; the library's default holds sixteen of our records
LARGEST_REQUEST = 1_000_000
ABANDON_WITHIN = 1.0
PRODUCER: Final[Mapping[str, Any]] = {
    "acks": "all",
    "enable_idempotence": True,
    "max_batch_size": LARGEST_BATCH,
    "max_request_size": LARGEST_REQUEST,
    "linger_ms": 0,
    "request_timeout_ms": 10_000,
}


class Sent(NamedTuple):
    """A batch on its way: where to, which of the rows given it holds, and its acknowledgement to come."""

    place: Place
    held: list[int]
    acknowledgement: asyncio.Future[Any]

    @property
    def good(self) -> bool:
        """Whether the broker has acknowledged it."""
        future = self.acknowledgement
        return future.done() and not future.cancelled() and future.exception() is None


def _seen(future: asyncio.Future[Any]) -> None:
    """Look at an outcome, so that one nobody waits for any more is not reported as forgotten."""
    if not future.cancelled():
        future.exception()


class Producer:
    """An idempotent producer of whole batches; after any doubt abandon it and make a new one."""

    def __init__(self, client: AIOKafkaProducer) -> None:
        self._client = client

    async def start(self) -> None:
        """Connect; BUS_FAULTS where no broker answers."""
        try:
            await self._client.start()
        except BaseException:
            await self.abandon()
            raise

    async def send(self, rows: Iterable[tuple[str, bytes, bytes, Sequence[tuple[str, bytes]]]]) -> list[Sent]:
        """Send records (topic, key, value, headers) in their order within each partition.

        Returns the batches; those of one partition stand in the order in which they were sent.
        """
        open_: dict[Place, tuple[Any, list[int]]] = {}
        partitions: dict[str, int] = {}
        sent: list[Sent] = []
        for number, (topic, key, value, headers) in enumerate(rows):
            if topic not in partitions:
                partitions[topic] = await self._partitions(topic)
            place = Place(topic, partition_of(key, partitions[topic]))
            for _ in range(2):  # where it does not fit, the batch goes and the next one begins
                if place not in open_:
                    open_[place] = (self._client.create_batch(), [])
                builder, held = open_[place]
                if builder.append(timestamp=None, key=key, value=value, headers=headers) is not None:
                    held.append(number)
                    break
                sent.append(await self._go(place, *open_.pop(place)))
        for place, (builder, held) in open_.items():
            sent.append(await self._go(place, builder, held))
        return sent

    async def _go(self, place: Place, builder: Any, held: list[int]) -> Sent:
        if not held:
            raise ValueError("a record is larger than a batch may be")
        builder.close()
        future = await self._client.send_batch(builder, place.topic, partition=place.partition)
        future.add_done_callback(_seen)
        return Sent(place, held, future)

    async def _partitions(self, topic: str) -> int:
        known = self._client.client.cluster.partitions_for_topic(topic)
        return len(known or await self._client.partitions_for(topic))

    async def stop(self) -> None:
        """Stop in order, or abandon where that takes longer than a second."""
        with suppress(TimeoutError, *BUS_FAULTS):
            async with asyncio.timeout(ABANDON_WITHIN):
                await self._client.stop()
        await self.abandon()

    async def abandon(self) -> None:
        """Be rid of it within a second, whatever the broker does: afterwards nothing leaves any more. Never raises.

        `stop()` on a dead broker does not return within a minute. So first no connection can be opened any more, then
        the open ones are reset, which throws away what this process and its system still hold, then the tasks are
        cancelled, and not waited for.
        """
        client, sender = self._client, self._client._sender  # noqa: SLF001 - the library cannot stop at once
        client._closed = True  # noqa: SLF001
        client.client._get_conn = _no_connection  # noqa: SLF001
        for conn in list(client.client._conns.values()):  # noqa: SLF001
            _reset(conn)
        if sender.sender_task is not None:
            sender.sender_task.add_done_callback(_seen)
            sender.sender_task.cancel()
        with suppress(Exception):  # whatever a half-closed client raises, it is gone
            async with asyncio.timeout(ABANDON_WITHIN):
                await client.client.close()


async def _no_connection(*_: object, **__: object) -> None:
    """In the place of the client's way to open a connection: there is none any more."""


def _reset(conn: Any) -> None:
    """Close a connection without delivering what its buffers hold."""
    writer = conn._writer  # noqa: SLF001 - as above
    if writer is None:
        return
    if (sock := writer.transport.get_extra_info("socket")) is not None:
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
