"""The only import of FastStream and aiokafka: a producer that can be abandoned, and one batch subscriber per group.

Four defaults of FastStream are off for every subscriber, here and nowhere else: commits before the work is done
(`MANUAL` instead), answers to any `reply_to` (`no_reply`), creation of topics, and payloads in the log. A header
without a value, or one that is not text, reaches the handler like any other: records are handed on raw.
"""

from chassis.bus.connecting import Bus, until_there
from chassis.bus.listening import BROKER, RECORDS, SUBSCRIBER, Hearer, Listening, Record
from chassis.bus.places import BUS_FAULTS, Place, partition_of
from chassis.bus.producing import LARGEST_BATCH, PRODUCER, Producer, Sent

__all__ = [
    "BROKER",
    "BUS_FAULTS",
    "LARGEST_BATCH",
    "PRODUCER",
    "RECORDS",
    "SUBSCRIBER",
    "Bus",
    "Hearer",
    "Listening",
    "Place",
    "Producer",
    "Record",
    "Sent",
    "partition_of",
    "until_there",
]
