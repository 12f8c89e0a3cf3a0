import base64
import json
from dataclasses import asdict, dataclass

from throughcare.options.v1 import options_pb2 as o


@dataclass(frozen=True, slots=True)
class Envelope:
    event_id: object
    type: str
    schema_version: int
    reach: str
    source_node: str
    aggregate_type: str
    aggregate_id: object
    stream_sequence: int
    aggregate_version: int
    person_id: object
    case_id: object
    occurred_at: object
    recorded_at: object
    actor_role: str
    actor_ref: str
    correlation_id: object
    causation_id: object
    traceparent: str
    sensitivity: str
    detail_ref: str


def check(m):
    pass


def topic_of(cls, node):
    return f"{node}.{cls.DESCRIPTOR.GetOptions().Extensions[o.topic]}.v1"


def key_of(cls, *, case, person, aggregate):
    k = cls.DESCRIPTOR.GetOptions().Extensions[o.key]
    return str((case if k == 1 else None) or (person if k <= 2 else None) or aggregate)


def reach_of(cls):
    return "NODE"


def to_headers(e):
    return [(k, str(v).encode()) for k, v in asdict(e).items()]


def pack_headers(h):
    return json.dumps([[a, base64.b64encode(b).decode()] for a, b in h]).encode()
