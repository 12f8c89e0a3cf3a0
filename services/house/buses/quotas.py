"""How much a user may send and read in a second: a broker's limits, set and read.

confluent-kafka's administrator knows no limits, so the two requests are spelled out here and sent by aiokafka's client.
(The only place outside `chassis.bus` that imports it: it administers, and carries no message.)
"""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Any, Final

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Float64, Int8, Int16, Int32, Schema, String

from house.buses.administration import Limit
from house.buses.ending import BusUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

_WITHIN: Final = 20
_PRODUCE, _CONSUME = "producer_byte_rate", "consumer_byte_rate"
_USER: Final = "user"
_ANY: Final = 2


class _Altered(Response):  # type: ignore[misc]  # aiokafka ships no types
    API_KEY = 49
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "entries",
            Array(
                ("error_code", Int16),
                ("error_message", String("utf-8")),
                ("entity", Array(("entity_type", String("utf-8")), ("entity_name", String("utf-8")))),
            ),
        ),
    )


class _AlterNow(RequestStruct):  # type: ignore[misc]  # as above
    API_KEY = 49
    API_VERSION = 0
    RESPONSE_TYPE = _Altered
    SCHEMA = Schema(
        (
            "entries",
            Array(
                ("entity", Array(("entity_type", String("utf-8")), ("entity_name", String("utf-8")))),
                ("ops", Array(("key", String("utf-8")), ("value", Float64), ("remove", Boolean))),
            ),
        ),
        ("validate_only", Boolean),
    )


class _Alter(Request[_AlterNow]):  # type: ignore[misc]  # as above
    API_KEY = 49

    def __init__(self, limits: Mapping[str, Limit]) -> None:
        self._limits = limits

    def build(self, request_struct_class: Any) -> Any:
        entries = [
            ([(_USER, user)], [(_PRODUCE, limit.produce, False), (_CONSUME, limit.consume, False)])
            for user, limit in self._limits.items()
        ]
        return request_struct_class(entries, False)


class _Described(Response):  # type: ignore[misc]  # as above
    API_KEY = 48
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("error_code", Int16),
        ("error_message", String("utf-8")),
        (
            "entries",
            Array(
                ("entity", Array(("entity_type", String("utf-8")), ("entity_name", String("utf-8")))),
                ("values", Array(("key", String("utf-8")), ("value", Float64))),
            ),
        ),
    )


class _DescribeNow(RequestStruct):  # type: ignore[misc]  # as above
    API_KEY = 48
    API_VERSION = 0
    RESPONSE_TYPE = _Described
    SCHEMA = Schema(
        (
            "components",
            Array(("entity_type", String("utf-8")), ("match_type", Int8), ("match", String("utf-8"))),
        ),
        ("strict", Boolean),
    )


class _Describe(Request[_DescribeNow]):  # type: ignore[misc]  # as above
    API_KEY = 48

    def build(self, request_struct_class: Any) -> Any:
        return request_struct_class([(_USER, _ANY, None)], True)


def set_limits(client: Mapping[str, Any], limits: Mapping[str, Limit]) -> None:
    """Limit these users. `client` is as for the other administration."""
    if not limits:
        return
    answer = _asked(client, _Alter(limits))
    for code, sentence, _ in answer.entries:
        if code:
            raise BusUnavailable(f"The bus refused a limit: {sentence or for_code(code).__name__}.")


def limits(client: Mapping[str, Any]) -> dict[str, Limit]:
    """The limits of every user that has some."""
    answer = _asked(client, _Describe())
    if answer.error_code:
        raise BusUnavailable(f"The bus does not tell its limits: {for_code(answer.error_code).__name__}.")
    found = {}
    for entity, values in answer.entries or ():
        rates = dict(values)
        found[dict(entity)[_USER]] = Limit(rates.get(_PRODUCE, 0.0), rates.get(_CONSUME, 0.0))
    return found


def _asked(client: Mapping[str, Any], request: Any) -> Any:
    try:
        return asyncio.run(_send(client, request))
    except (KafkaError, OSError, TimeoutError) as away:
        raise BusUnavailable(f"The bus does not answer ({type(away).__name__}).") from None


async def _send(client: Mapping[str, Any], request: Any) -> Any:
    connection = AIOKafkaClient(**_words(client))
    async with asyncio.timeout(_WITHIN):
        try:
            await connection.bootstrap()
            return await connection.send(connection.get_random_node(), request)
        finally:
            await connection.close()
            await asyncio.sleep(0)  # a closed connection is gone only with the loop's next round


def _words(client: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of confluent-kafka's clients in aiokafka's words."""
    protocol = client.get("security.protocol", "PLAINTEXT")
    found: dict[str, Any] = {"bootstrap_servers": client["bootstrap.servers"], "security_protocol": protocol}
    if protocol != "PLAINTEXT":
        context = ssl.create_default_context(cafile=client.get("ssl.ca.location"))
        if certificate := client.get("ssl.certificate.location"):
            context.load_cert_chain(certificate, client.get("ssl.key.location"))
        found["ssl_context"] = context
    if protocol == "SASL_SSL":
        found["sasl_mechanism"] = client["sasl.mechanism"]
        found["sasl_plain_username"] = client["sasl.username"]
        found["sasl_plain_password"] = client["sasl.password"]
    return found
