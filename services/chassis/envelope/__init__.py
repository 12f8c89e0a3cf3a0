"""Message ↔ record: the envelope in headers, the body as protobuf; reach and kinds checked.

contract   what the contract of a message says of it
headers    its envelope, written and read
printing   any record as a person reads it
"""

from chassis.envelope.contract import (
    BETWEEN_HOUSES,
    CONTROL,
    LARGEST,
    ContractBroken,
    check,
    check_leaving,
    concerns_person,
    key_of,
    legible,
    reach_of,
    registry,
    topic_of,
)
from chassis.envelope.headers import (
    Envelope,
    Headers,
    Undecodable,
    from_headers,
    pack_around,
    pack_headers,
    to_headers,
    unpack_headers,
)
from chassis.envelope.printing import printed

__all__ = [
    "BETWEEN_HOUSES",
    "CONTROL",
    "LARGEST",
    "ContractBroken",
    "Envelope",
    "Headers",
    "Undecodable",
    "check",
    "check_leaving",
    "concerns_person",
    "from_headers",
    "key_of",
    "legible",
    "pack_around",
    "pack_headers",
    "printed",
    "reach_of",
    "registry",
    "to_headers",
    "topic_of",
    "unpack_headers",
]
