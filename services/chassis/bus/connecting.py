"""The bus as the settings of one service give it: security, producers, memberships, and which cluster it is."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from faststream.kafka import KafkaBroker
from faststream.security import BaseSecurity, SASLScram512

from chassis import telemetry
from chassis.bus.listening import BROKER, Listening, serializer
from chassis.bus.places import BUS_FAULTS
from chassis.bus.producing import PRODUCER, Producer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from chassis.bus.listening import Hearer
    from chassis.settings import ServiceSettings

log = telemetry.logger(__name__)


class Bus:
    """The bus as the settings of one service give it. Nothing is connected before it is asked for."""

    def __init__(self, settings: ServiceSettings) -> None:
        self.settings = settings
        self.client_id = f"{settings.node_id}-{settings.service}"

    def _context(self) -> ssl.SSLContext | None:
        if self.settings.bus_security == "PLAINTEXT":
            return None
        context = ssl.create_default_context(cafile=self.settings.bus_ca_file)
        if self.settings.bus_certificate_file:
            context.load_cert_chain(self.settings.bus_certificate_file, self.settings.bus_key_file)
        return context

    def _security(self) -> BaseSecurity | None:
        context = self._context()
        if self.settings.bus_security == "SASL_SSL":
            return SASLScram512(
                username=self.settings.bus_username,
                password=self.settings.bus_password.get_secret_value(),
                ssl_context=context,
                use_ssl=True,
            )
        return BaseSecurity(ssl_context=context, use_ssl=True) if context else None

    def _connection(self) -> dict[str, Any]:
        """How a client of aiokafka connects."""
        settings, given = self.settings, dict[str, Any]()
        given["bootstrap_servers"] = settings.bus_servers
        given["security_protocol"] = settings.bus_security
        if settings.bus_security != "PLAINTEXT":
            given["ssl_context"] = self._context()
        if settings.bus_security == "SASL_SSL":
            given["sasl_mechanism"] = "SCRAM-SHA-512"
            given["sasl_plain_username"] = settings.bus_username
            given["sasl_plain_password"] = settings.bus_password.get_secret_value()
        return given

    async def cluster_id(self) -> str:
        """Which cluster this is: a new id means that the bus was replaced, and every offset with it."""
        look = asyncio.ensure_future(self._look())
        try:
            return await asyncio.shield(look)
        except asyncio.CancelledError:
            # Cancelled while it connects, the library would leave the connection open.
            await asyncio.wait({look}, timeout=1)
            look.cancel()
            raise

    async def _look(self) -> str:
        admin = AIOKafkaAdminClient(client_id=f"{self.client_id}-look", request_timeout_ms=10_000, **self._connection())
        try:
            async with asyncio.timeout(10):
                await admin.start()
                return str((await admin.describe_cluster())["cluster_id"])
        finally:
            await admin.close()
            await asyncio.sleep(0)  # a closed connection is gone only with the loop's next round

    def producer(self) -> Producer:
        """A producer; start it first."""
        return Producer(AIOKafkaProducer(client_id=f"{self.client_id}-relay", **PRODUCER, **self._connection()))

    def listen(self, group: str, topics: Sequence[str], hearer: Hearer) -> Listening:
        """One member of a consumer group over all its topics; start it."""
        broker = KafkaBroker(
            self.settings.bus_servers,
            client_id=self.client_id,
            security=self._security(),
            serializer=serializer(),
            **BROKER,
        )
        return Listening(broker, group, topics, hearer)


async def until_there(attempt: Callable[[], Awaitable[Any]], *, longest: float = 5.0) -> Any:
    """Try again with growing pauses until the bus answers; a process starts whether it is there or not."""
    pause = 0.1
    while True:
        try:
            return await attempt()
        except BUS_FAULTS as fault:
            telemetry.count("bus_faults", operation="connect")
            log.debug("bus_away", error=type(fault).__name__, delay=pause)
            await asyncio.sleep(pause)
            pause = min(longest, pause * 2)
