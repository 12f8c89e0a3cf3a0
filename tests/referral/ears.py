"""The inbox of referral as its tests feed it: message by message, numbered stream by stream."""

from uuid import uuid4

from chassis.envelope import Envelope, key_of, reach_of, topic_of
from chassis.streams import Item, Streams
from referral.subscriptions import HEARS
from throughcare.casework.v1 import events_pb2 as told


class Ears:
    """The inbox's streams, fed message by message."""

    def __init__(self, desk):
        self.desk, self.sequence = desk, {}
        self.streams = Streams(HEARS, "together.referral", "together")

    async def hear(self, case, message, *, at=None, about=None):
        topic = topic_of(type(message), "together")
        case_id, person_id = (case.case_id, case.person_id) if case else (None, None)
        about = about or uuid4()
        key = key_of(type(message), case=case_id, person=person_id, aggregate=about)
        self.sequence[topic, key] = self.sequence.get((topic, key), 0) + 1
        now = at or await self.desk.value("select house_now()")
        envelope = Envelope(
            event_id=uuid4(),
            type=message.DESCRIPTOR.full_name,
            schema_version=1,
            reach=reach_of(type(message)),
            source_node="together",
            aggregate_type="allocation",
            aggregate_id=about,
            stream_sequence=self.sequence[topic, key],
            aggregate_version=1,
            person_id=person_id,
            case_id=case_id,
            occurred_at=now,
            recorded_at=now,
            actor_role="SM",
            actor_ref="staff-sm-1",
            correlation_id=uuid4(),
            causation_id=None,
            traceparent="",
            sensitivity="STANDARD",
            detail_ref="",
        )
        item = Item(topic, key, key.encode(), [], message.SerializeToString(), envelope)
        async with self.desk.works.batch() as work:
            await self.streams.one_by_one(work, [item])

    async def allocated(self, case, worker="staff-ew-1", acceptance=None):
        await self.hear(
            case, told.WorkerAllocated(worker_ref=worker, role="EW", acceptance=acceptance or case.acceptance)
        )

    async def opened(self, case, acceptance=None):
        await self.hear(case, told.EngagementOpened(acceptance=acceptance or case.acceptance))

    async def outcomes(self):
        rows = await self.desk.rows("select outcome from audit where outcome like 'ignored:%' order by at, id")
        return [row.outcome for row in rows]
