"""Records as they stand on a bus."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from chassis.envelope import Envelope, to_headers
from house.bus_reading import Place, Record

_AT = datetime(2026, 11, 24, 10, tzinfo=UTC)


def headers(sequence: int, *, event_id: UUID | None = None) -> list[tuple[str, bytes]]:
    """The headers of a fact of the referral service with this number."""
    return list(
        to_headers(
            Envelope(
                event_id=event_id or uuid4(),
                type="throughcare.referral.v1.ReferralTriageStarted",
                schema_version=1,
                reach="NODE",
                source_node="together",
                aggregate_type="referral",
                aggregate_id=uuid4(),
                stream_sequence=sequence,
                aggregate_version=sequence,
                person_id=uuid4(),
                case_id=uuid4(),
                occurred_at=_AT,
                recorded_at=_AT,
                actor_role="SM",
                actor_ref="staff-sm-1",
                correlation_id=uuid4(),
                causation_id=None,
                traceparent="",
                sensitivity="STANDARD",
                detail_ref="",
            )
        )
    )


def a_record(sequence: int, *, topic: str = "together.referral.v1", key: str = "case-1") -> Record:
    """One record of a stream; each call is another fact."""
    return Record(Place(topic, 0), sequence, key, headers(sequence))
