"""The notifications service on a real database: facts heard as the inbox hears them, time passing, letters sent."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from google.protobuf.message import Message

from chassis.access import Actor, Call, Purpose, Role
from chassis.database import Database
from chassis.deadlines import DeadlineLoop, OutsideLoop
from chassis.envelope import Envelope, key_of, reach_of, to_headers, topic_of
from chassis.streams import Streams, recorded
from chassis.work import Command, Query, Works
from notifications import commands
from notifications.deadlines import DEADLINES, Sender
from notifications.domain.codes import Channel
from notifications.publications import PUBLICATIONS
from notifications.settings import Settings
from notifications.storage import Work
from notifications.subscriptions import HEARS
from tests.notifications.gateways import Addressed, Memory
from throughcare.casework.v1 import events_pb2 as casework
from throughcare.options.v1 import options_pb2 as options
from throughcare.referral.v1 import events_pb2 as referral

NODE = "together"
MONDAY = datetime(2026, 3, 2, 10, tzinfo=UTC)
MINUTE, HOUR, DAYS = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PROGRAMME = "0190e2a0-0000-7000-8000-0000000000e1"
SM = Actor(id="staff-sm-1", role=Role.SM, organisation=NODE, purpose=Purpose.DELIVER_SUPPORT)
SECOND_SM = Actor(id="staff-sm-2", role=Role.SM, organisation=NODE, purpose=Purpose.DELIVER_SUPPORT)
WORKER = Actor(id="staff-ew-1", role=Role.EW, organisation=NODE, purpose=Purpose.DELIVER_SUPPORT)
OTHER = Actor(id="staff-ew-2", role=Role.EW, organisation=NODE, purpose=Purpose.DELIVER_SUPPORT)
OPS = Actor(id="staff-ops-1", role=Role.OPS, organisation=NODE, purpose=Purpose.OPERATE)
PRACTITIONER = Actor(id="pp-abc", role=Role.PP, organisation="probation", purpose=Purpose.DELIVER_SUPPORT)
MISSED = {
    "L1": referral.ReferralDeadlineMissed,
    "L18": casework.AllocationDeadlineMissed,
    "L3": casework.EngagementDeadlineMissed,
    "L20": referral.ConsentDeadlineMissed,
}


def settings(folder: Path, url: str, **given: Any) -> Settings:
    for name in ("wrapping", "house"):
        if not (folder / name).exists():
            (folder / name).write_text(secrets.token_hex(32))
    fitting: dict[str, Any] = {
        "node_id": NODE,
        "node_organisation": NODE,
        "database_url": url,
        "bus_kind": "kafka",
        "bus_servers": "",
        "bus_security": "PLAINTEXT",
        "wrapping_key_file": folder / "wrapping",
        "house_key_file": folder / "house",
        "embedded_profile": True,
    }
    return Settings(**fitting | given)


@dataclass(frozen=True)
class Case:
    """One case as the referral and casework services would tell of it."""

    case_id: UUID = field(default_factory=uuid4)
    person_id: UUID = field(default_factory=uuid4)
    reference: str = "7KQ2M9RJ"

    def submitted(self, **given: Any) -> Message:
        return referral.ReferralSubmitted(case_reference=self.reference, programme_id=PROGRAMME, **given)

    def missed(self, promise: str, due_at: datetime) -> Message:
        return MISSED[promise](promise=promise, due_at=due_at, missed_at=due_at, policy_version="1")


@dataclass
class Journals:
    """The journals of the services that told what was heard, as a rebuild reads them."""

    told: list[tuple[int, str, str, Any, bytes]] = field(default_factory=list)

    def keep(self, topic: str, key: str, headers: Any, value: bytes) -> None:
        self.told.append((len(self.told) + 1, topic, key, headers, value))

    async def read(
        self, topic: str, *, key: str = "", from_sequence: int = 0, from_position: int = 0
    ) -> AsyncIterator[tuple[int, str, Any, bytes]]:
        for position, of, held, headers, value in self.told:
            if of == topic and position > from_position and key in {"", held}:
                yield position, held, headers, value


@dataclass
class House:
    """The service with its loops held still: each turn is taken by the test."""

    works: Works[Work]
    gateway: Memory = field(default_factory=Memory)
    addresses: Addressed = field(default_factory=Addressed)
    seqs: dict[tuple[str, str], int] = field(default_factory=dict)
    journals: Journals = field(default_factory=Journals)

    @property
    def database(self) -> Database:
        return self.works.database

    async def clock(self, at: datetime) -> None:
        """Set the house's clock, forwards or, before anything has happened, backwards."""
        async with self.database.connection() as conn:
            await conn.execute("update clock set ahead = $1::timestamptz - clock_timestamp()", at)

    async def pass_time(self, ahead: timedelta) -> None:
        async with self.database.connection() as conn:
            await conn.execute("update clock set ahead = ahead + $1", ahead)

    async def now(self) -> datetime:
        [row] = await self.rows("select house_now() as at")
        return row["at"]

    async def hear(self, message: Message, case: Case, **given: Any) -> Any:
        """One message, through the streams of the inbox; returns its envelope."""
        envelope, topic, key = await self._enveloped(message, case, **given)
        self.journals.keep(topic, key, to_headers(envelope), message.SerializeToString())
        item = recorded(topic, key, to_headers(envelope), message.SerializeToString())
        async with self.works.batch() as work:
            await Streams(HEARS, f"{NODE}.{HEARS.group}", NODE).one_by_one(work, [item])
        return envelope

    async def hear_all(self, case: Case, *messages: Message, **given: Any) -> None:
        for message in messages:
            await self.hear(message, case, **given)

    async def _enveloped(
        self,
        message: Message,
        case: Case,
        *,
        actor: Actor = PRACTITIONER,
        aggregate_id: UUID | None = None,
        skip: int = 0,
        case_known: bool = True,
    ) -> tuple[Envelope, str, str]:
        kind = type(message)
        of_person = kind.DESCRIPTOR.GetOptions().Extensions[options.key] == options.KEY_PERSON
        case_id, aggregate = None if of_person or not case_known else case.case_id, aggregate_id or case.case_id
        topic = topic_of(kind, NODE)
        key = key_of(kind, case=case_id, person=case.person_id, aggregate=aggregate)
        seq = self.seqs[topic, key] = self.seqs.get((topic, key), 0) + 1 + skip
        at = await self.now()
        envelope = Envelope(
            event_id=uuid4(),
            type=kind.DESCRIPTOR.full_name,
            schema_version=1,
            reach=reach_of(kind),
            source_node=NODE,
            aggregate_type="thing",
            aggregate_id=aggregate,
            stream_sequence=seq,
            aggregate_version=seq,
            person_id=case.person_id,
            case_id=case_id,
            occurred_at=at,
            recorded_at=at,
            actor_role=actor.role.value,
            actor_ref=actor.id,
            correlation_id=uuid4(),
            causation_id=None,
            traceparent="",
            sensitivity="STANDARD",
            detail_ref="",
        )
        return envelope, topic, key

    async def do(self, command: Command, actor: Actor = SM, **arguments: Any) -> Any:
        return await self.works.do(command, call(actor), **arguments)

    async def ask(self, query: Query, actor: Actor = SM, **arguments: Any) -> Any:
        return await self.works.ask(query, call(actor), **arguments)

    async def send(self, *, gateway: Any = None, channels: Sequence[Channel] = tuple(Channel)) -> int:
        """Take one turn: claim, call, record."""
        sender = Sender(gateway or self.gateway, channels, self.addresses)
        return await OutsideLoop(self.works, sender).turn()

    async def fall_due(self) -> int:
        """Do everything that is due now."""
        loop, done = DeadlineLoop(self.works), 0
        while await loop.fire():
            done += 1
        return done

    async def rows(self, sql: str, *arguments: object) -> list[Any]:
        async with self.database.connection() as conn:
            return await conn.fetch(sql, *arguments)

    async def notices(self, **wanted: object) -> list[Any]:
        """The rows, in the order in which they were asked for, that hold these values."""
        found = await self.rows("select * from notice order by id")
        return [row for row in found if all(row[name] == value for name, value in wanted.items())]

    async def told(self, **wanted: object) -> list[tuple[str, str, str]]:
        """Whom, by which channel, by which template."""
        return [(row["recipient_ref"], row["channel"], row["template"]) for row in await self.notices(**wanted)]

    async def book(self) -> None:
        """The example house's contact book."""
        staff = {
            "SM": ("staff-sm-1", "staff-sm-2"),
            "EW": tuple(f"staff-ew-{n}" for n in range(1, 7)),
            "CP": ("staff-cp-1",),
            "IG": ("staff-ig-1",),
        }
        for role, refs in staff.items():
            for ref in refs:
                await self.do(
                    commands.set_staff_contact, **entry(staff_ref=ref, roles=(role,), email=f"{ref}@x.example")
                )
        await self.do(commands.set_team_contact, **entry(team_ref="triage", role="SM", email="triage@x.example"))


def entry(**given: Any) -> dict[str, Any]:
    fitting: dict[str, Any] = {"email": "", "sms": "", "has_left": False, "expected": None}
    if "staff_ref" in given:
        fitting["organisation"] = ""
    return fitting | given


def call(actor: Actor) -> Call:
    return Call(actor=actor, key=uuid4(), fingerprint=b"", correlation_id=uuid4())


async def a_house(database: Database, folder: Path) -> House:
    """On a Monday morning at ten, with its contact book."""
    works = Works(
        database, Work, settings=settings(folder, database.url), publications=PUBLICATIONS, deadlines=DEADLINES
    )
    house = House(works)
    await house.clock(MONDAY)
    await house.book()
    return house


def assigned(ref: str = "pp-abc", on: date = date(2026, 3, 2), kind: Any = referral.PractitionerAssigned) -> Message:
    return kind(practitioner_ref=ref, pdu_code="LDN", starts_on=on.isoformat())


def allocated(ref: str = "staff-ew-1") -> Message:
    return casework.WorkerAllocated(worker_ref=ref, role="EW", acceptance=3)


def reallocated(to: str, before: str) -> Message:
    return casework.WorkerReallocated(worker_ref=to, role="EW", previous_worker_ref=before, acceptance=3)
