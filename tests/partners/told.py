"""What a house has told to another node, as its journal keeps it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from chassis.envelope import Envelope, pack_headers, to_headers
from partners.storage.shares import inbox_of
from throughcare.partners.v1.shares_pb2 import SharedHandoffReceived

if TYPE_CHECKING:
    from chassis.work import Works

AGREED, STATUTE = "AGREED", "STATUTE"
ISA = UUID("0195b3f0-0000-7000-8000-0000000000aa")


def envelope(kind: Any, sequence: int, *, source: str = "together", **given: Any) -> Envelope:
    """The envelope of a share."""
    at = datetime.now(UTC)
    fitting = {
        "event_id": uuid4(), "type": kind.DESCRIPTOR.full_name, "schema_version": 1, "reach": "SHARE",
        "source_node": source, "aggregate_type": "handoff", "aggregate_id": uuid4(), "stream_sequence": sequence,
        "aggregate_version": 0, "person_id": None, "case_id": None, "occurred_at": at, "recorded_at": at,
        "actor_role": "SM", "actor_ref": "", "correlation_id": uuid4(), "causation_id": None, "traceparent": "",
        "sensitivity": "STANDARD", "detail_ref": "d" * 26, "subject_ref": "k", "regime": "PART2",
        "lawful_basis": "PUBLIC_TASK", "confidentiality_basis": AGREED, "isa_id": ISA,
    }  # fmt: skip
    return Envelope(**fitting | given)


async def tell(
    works: Works[Any], node_id: str, *, times: int = 1, person: UUID | None = None, key: str = "k", **given: Any
) -> UUID:
    """So many messages about one person in the inbox of a node; returns the person."""
    person = person or uuid4()
    message = SharedHandoffReceived(handoff_id=str(uuid4()))
    async with works.database.transaction() as conn:
        topic = inbox_of(node_id)
        known = await conn.fetchval("select count(*) from journal where topic = $1 and key = $2", topic, key)
        for sequence in range(known + 1, known + times + 1):
            said = envelope(SharedHandoffReceived, sequence, subject_ref=key, **given)
            position = await conn.fetchval("select nextval('journal_position')")
            await conn.execute(
                "insert into journal (position, event_id, topic, key, sequence, aggregate_type, aggregate_id, version,"
                " person_id, fact_type, headers, message, occurred_at, recorded_at, actor_role, actor_ref,"
                " correlation_id) values ($1, $2, $3, $4, $5, 'handoff', $6, $5, $7, 'Told', $8, $9, now(), now(),"
                " 'SM', 's', $2)",
                position, said.event_id, topic, key, sequence, said.aggregate_id, person,
                pack_headers(to_headers(said)), message.SerializeToString(),
            )  # fmt: skip
            await conn.execute("insert into pending (position, shard) values ($1, 0)", position)
    return person
