"""The casework service on a real database: commands given, questions asked, facts heard as the inbox hears them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from google.protobuf.message import Message

from casework.commands import allocation, engagement, worker
from casework.deadlines import DEADLINES
from casework.domain.term import Recorded
from casework.domain.worker import TrainingTopic, WorkerRole
from casework.publications import PUBLICATIONS
from casework.settings import Settings
from casework.storage import Work
from casework.subscriptions import HEARS
from chassis.access import Actor, Call, Purpose, Role
from chassis.calendar import local_date
from chassis.database import Database, wind
from chassis.deadlines import DeadlineLoop
from chassis.envelope import Envelope, key_of, reach_of, to_headers, topic_of
from chassis.streams import Item, Streams
from chassis.work import Works
from throughcare.referral.v1 import events_pb2 as referral

NODE = "together"
PROGRAMME = UUID("0190e2a0-0000-7000-8000-0000000000e1")
SM = Actor(id="staff-sm-1", role=Role.SM, organisation=NODE, purpose=Purpose.DELIVER_SUPPORT)
WORKER = Actor(id="staff-ew-1", role=Role.EW, organisation=NODE, purpose=Purpose.DELIVER_SUPPORT)
OTHER = Actor(id="staff-ew-2", role=Role.EW, organisation=NODE, purpose=Purpose.DELIVER_SUPPORT)
PRACTITIONER = Actor(id="pp-abc", role=Role.PP, organisation="probation", purpose=Purpose.DELIVER_SUPPORT)
GRANTED, WITHDRAWN = referral.ConsentGranted, referral.ConsentWithdrawn


def settings(folder: Path, url: str) -> Settings:
    for name in ("wrapping", "house"):
        (folder / name).write_text(secrets.token_hex(32))
    return Settings(
        node_id=NODE,
        node_organisation=NODE,
        database_url=url,
        bus_kind="kafka",
        bus_servers="",
        bus_security="PLAINTEXT",
        wrapping_key_file=folder / "wrapping",
        house_key_file=folder / "house",
        embedded_profile=True,
    )


@dataclass(frozen=True)
class Case:
    """One man's case."""

    case_id: UUID = field(default_factory=uuid4)
    person_id: UUID = field(default_factory=uuid4)


@dataclass
class House:
    """The service, and the streams of the referral service as far as they have been told."""

    works: Works[Work]
    streams: Streams
    told: dict[tuple[str, str], int] = field(default_factory=dict)

    @classmethod
    def on(cls, database: Database, folder: Path) -> House:
        works = Works(
            database,
            Work,
            settings=settings(folder, database.url),
            publications=PUBLICATIONS,
            deadlines=DEADLINES,
        )
        return cls(works=works, streams=Streams(HEARS, f"{NODE}.casework", NODE))

    async def do(self, command: Any, actor: Actor = SM, *, key: UUID | None = None, **arguments: Any) -> Any:
        call = Call(actor=actor, correlation_id=uuid4(), key=key or uuid4())
        return await self.works.do(command, call, **arguments)

    async def ask(self, query: Any, actor: Actor = SM, **arguments: Any) -> Any:
        return await self.works.ask(query, Call(actor=actor, correlation_id=uuid4()), **arguments)

    async def rows(self, sql: str, *arguments: object) -> list[asyncpg.Record]:
        async with self.works.database.connection() as conn:
            return await conn.fetch(sql, *arguments)

    async def wind(self, **ahead: float) -> None:
        async with self.works.database.connection() as conn:
            await wind(conn, timedelta(**ahead))

    async def now(self) -> datetime:
        return (await self.rows("select house_now() as at"))[0]["at"]

    async def today(self) -> date:
        return local_date(await self.now())

    async def fire(self) -> int:
        """Everything that is due, done."""
        loop, fired = DeadlineLoop(self.works), 0
        while await loop.fire():
            fired += 1
        return fired

    def message(
        self, told: Message, case: Case, *, version: int = 1, at: datetime | None = None, skip: int = 0
    ) -> Item:
        """A message of the referral service as it comes from the bus; `skip` leaves a gap before it."""
        person_alone = key_of(type(told), case=None, person=case.person_id, aggregate=None) == str(case.person_id)
        key = key_of(type(told), case=case.case_id, person=case.person_id, aggregate=PROGRAMME)
        topic = topic_of(type(told), NODE)
        self.told[topic, key] = self.told.get((topic, key), 0) + 1 + skip
        envelope = Envelope(
            event_id=uuid4(),
            type=told.DESCRIPTOR.full_name,
            schema_version=1,
            reach=reach_of(type(told)),
            source_node=NODE,
            aggregate_type="referral",
            aggregate_id=PROGRAMME if key == str(PROGRAMME) else case.case_id,
            stream_sequence=self.told[topic, key],
            aggregate_version=version,
            person_id=case.person_id if person_alone or key == str(case.case_id) else None,
            case_id=case.case_id if key == str(case.case_id) else None,
            occurred_at=at or datetime.now(UTC),
            recorded_at=at or datetime.now(UTC),
            actor_role="SM",
            actor_ref="staff-sm-1",
            correlation_id=uuid4(),
            causation_id=None,
            traceparent="",
            sensitivity="STANDARD",
            detail_ref="",
        )
        return Item(topic, key, key.encode(), to_headers(envelope), told.SerializeToString(), envelope)

    async def hear(self, *items: Item) -> None:
        """One batch of the inbox: together, or one by one where that fails."""
        for each in (self.streams.together, self.streams.one_by_one):
            try:
                async with self.works.batch() as work:
                    await each(work, items)
                return
            except Exception:
                if each == self.streams.one_by_one:
                    raise

    async def tell(self, told: Message, case: Case, **given: Any) -> None:
        await self.hear(self.message(told, case, **given))

    async def parked(self) -> list[tuple[str, str]]:
        return [(row["key"], row["reason"]) for row in await self.rows("select * from parked order by nth")]

    async def facts(self) -> list[str]:
        rows = await self.rows("select aggregate_type, fact_type from journal where fact is not null order by position")
        return [f"{row['aggregate_type']}.{row['fact_type']}" for row in rows]

    async def outcomes(self) -> list[str]:
        return [row["outcome"] for row in await self.rows("select outcome from audit order by at, id")]

    # What a test begins with.

    async def programme(self, **changes: Any) -> None:
        given = {
            "programme_id": str(PROGRAMME),
            "code": "EERSS",
            "version": 1,
            "valid_from": "2020-04-01",
            "planned_months": 12,
            "cap_months": 18,
            "counted_pauses": True,
        }
        await self.tell(referral.ProgrammePublished(**given | changes), Case())

    async def a_worker(self, ref: str = "staff-ew-1", *, capacity: int = 3, days: int = 365) -> None:
        today = await self.today()
        await self.do(
            worker.register_worker,
            worker_ref=ref,
            role=WorkerRole.EW,
            organisation=NODE,
            capacity=capacity,
        )
        await self.do(
            worker.record_training_complete,
            worker_ref=ref,
            topics=tuple(TrainingTopic),
            completed_on=today,
            valid_to=today + timedelta(days=700),
            expected=1,
        )
        await self.do(
            worker.clear_worker,
            worker_ref=ref,
            vetting_valid_to=today + timedelta(days=days),
            induction=Recorded(on=today, by="staff-sm-1"),
            expected=2,
        )

    def consent(self, kind: Any, **changes: Any) -> Message:
        given = {"purpose": "PARTICIPATE", "programme_id": str(PROGRAMME), "version": 1}
        return kind(**given | changes)

    async def accepted(self, case: Case | None = None, *, version: int = 5, worker_ref: str = "") -> Case:
        case = case or Case()
        await self.tell(self.consent(GRANTED), case)
        await self.tell(
            referral.ReferralAccepted(
                programme_id=str(PROGRAMME), kind="PERSON_SUPPORT", proposed_worker_ref=worker_ref
            ),
            case,
            version=version,
            at=await self.now(),
        )
        return case

    async def allocation_of(self, case: Case) -> asyncpg.Record:
        rows = await self.rows("select * from allocation where case_id = $1 order by id desc limit 1", case.case_id)
        return rows[0]

    async def engagement_of(self, case: Case) -> asyncpg.Record | None:
        rows = await self.rows("select * from engagement where case_id = $1 order by id desc limit 1", case.case_id)
        return rows[0] if rows else None

    async def allocate(self, case: Case, ref: str = "staff-ew-1", actor: Actor = SM) -> None:
        held = await self.allocation_of(case)
        await self.do(
            allocation.allocate_worker,
            actor,
            allocation_id=held["id"],
            worker_ref=ref,
            conflict_declared=False,
            expected=held["version"],
        )

    async def open(self, case: Case, actor: Actor = SM) -> UUID:
        held = await self.allocation_of(case)
        answer = await self.do(engagement.open_engagement, actor, allocation_id=held["id"], expected=held["version"])
        return UUID(answer["engagement_id"])

    async def opened(self, *, worker_ref: str = "staff-ew-1") -> tuple[Case, UUID]:
        """A case with its worker and an open engagement."""
        case = await self.accepted()
        await self.allocate(case, worker_ref)
        return case, await self.open(case)

    async def safe(self, case: Case) -> None:
        await self.tell(
            referral.PersonSafeContactSet(channels=["PHONE"], days=[1, 2], from_hour=10, to_hour=16, version=1),
            case,
        )
