"""The two buses a machine can start by itself: one inside a process (embedded), and Apache Kafka as a JVM.

Both speak Kafka's protocol on the loopback address. The embedded one is librdkafka's mock cluster: it needs nothing
but Python, keeps nothing when its process ends, and is for trying the product and for tests, never for production.
Nothing of the house is imported here, so that tests may stand on it too.
"""

from typing import Final

from house.buses.administration import (
    Allowed,
    Limit,
    allow,
    allowed,
    create_topics,
    delete_topics,
    disallow,
    set_user,
    set_users,
    users,
)
from house.buses.embedded import Embedded, embedded_command, start_embedded
from house.buses.ending import BusUnavailable
from house.buses.kafka import LocalKafka, Secured, ensure_jars, free_port, missing_for_kafka

PARTITIONS: Final = 4  # what the embedded bus has; a local Kafka is given the same

__all__ = [
    "PARTITIONS",
    "Allowed",
    "BusUnavailable",
    "Embedded",
    "Limit",
    "LocalKafka",
    "Secured",
    "allow",
    "allowed",
    "create_topics",
    "delete_topics",
    "disallow",
    "embedded_command",
    "ensure_jars",
    "free_port",
    "missing_for_kafka",
    "set_user",
    "set_users",
    "start_embedded",
    "users",
]
