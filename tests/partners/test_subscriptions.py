"""What the picture hears, message by message, and what it must never keep of it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from google.protobuf.descriptor import FieldDescriptor

from chassis import projection
from chassis.envelope import Envelope, key_of, to_headers, topic_of
from chassis.hearing import Heard
from chassis.streams import Streams, recorded
from partners.projections.picture.shapes import State
from partners.projections.picture.tables import metadata
from partners.subscriptions import PICTURE
from tests.partners.histories import case_of, person_of
from throughcare.casework.v1 import events_pb2 as casework
from throughcare.options.v1 import options_pb2 as options
from throughcare.partners.v1 import events_pb2 as partners
from throughcare.referral.v1 import events_pb2 as referral

if TYPE_CHECKING:
    from collections.abc import Iterable

    from google.protobuf.message import Message

    from chassis.database import Connection
    from chassis.work import Works

MIGRATIONS = "partners.migrations"
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
# Every row of "who hears what" whose hearer is the picture, with the fields of it that may stand in a picture.
MAY_STAND: dict[type[Message], str] = {
    referral.ReferralSubmitted: "case_reference programme_id kind due_at",
    referral.ReferralTriageStarted: "",
    referral.ReferralAccepted: "",
    referral.ReferralDeclined: "",
    referral.ReferralRedirected: "",
    referral.ReferralWithdrawn: "",
    referral.ReferralReopened: "case_reference programme_id kind due_at",
    referral.ConsentGranted: "programme_id review_on replaces",
    referral.ConsentDeclined: "programme_id replaces",
    referral.ConsentWithdrawn: "programme_id replaces",
    referral.ConsentExpired: "programme_id replaces",
    referral.ScreeningRecorded: "completed_on is_current",
    referral.ScreeningSuperseded: "completed_on is_current",
    referral.ReferralDeadlineMissed: "promise due_at",
    referral.ConsentDeadlineMissed: "promise due_at",
    referral.PractitionerAssigned: "practitioner_ref starts_on",
    referral.PractitionerChanged: "practitioner_ref starts_on",
    referral.PractitionerCoverSet: "practitioner_ref starts_on ends_on",
    referral.AccessListChanged: "list entries version",
    referral.PersonMerged: "from_person_id to_person_id version",
    referral.PersonUnmerged: "from_person_id version",
    casework.AllocationRequested: "due_at",
    casework.AllocationProposed: "due_at",
    casework.AllocationEnded: "",
    casework.AllocationDeadlineMissed: "promise due_at",
    casework.WorkerAllocated: "worker_ref role",
    casework.WorkerReallocated: "worker_ref role",
    casework.WorkerCoverSet: "worker_ref role starts_on ends_on",
    casework.EngagementOpened: "planned_end_on review_due_on",
    casework.EngagementContactAttempted: "",
    casework.EngagementActivated: "planned_end_on review_due_on",
    casework.EngagementPaused: "planned_end_on review_due_on",
    casework.EngagementResumed: "planned_end_on review_due_on",
    casework.EngagementExtended: "planned_end_on review_due_on",
    casework.EngagementEndingStarted: "planned_end_on review_due_on",
    casework.EngagementClosed: "",
    casework.EngagementReopened: "planned_end_on review_due_on",
    casework.EngagementDeadlineMissed: "promise due_at",
    casework.NeedRecorded: "aspect_code effective_on",
    casework.ExternalAppointmentRecorded: "org_id aspect_code starts_at ends_at",
    casework.ExternalAppointmentCancelled: "org_id aspect_code starts_at ends_at",
    partners.HandoffOffered: "handoff_id side partner kind aspect_codes due_at",
    partners.HandoffReceived: "handoff_id side partner kind aspect_codes due_at",
    partners.HandoffInformationRequested: "handoff_id side partner due_at",
    partners.HandoffInformationSupplied: "handoff_id side partner due_at",
    partners.HandoffInformationLapsed: "handoff_id side partner due_at",
    partners.HandoffAccepted: "handoff_id side partner due_at",
    partners.HandoffWaitlisted: "handoff_id side partner",
    partners.HandoffStarted: "handoff_id side partner",
    partners.HandoffContactPlanned: "handoff_id side partner aspect_code step_code starts_at ends_at",
    partners.HandoffOnHold: "handoff_id side partner reason_group",
    partners.HandoffResumed: "handoff_id side partner",
    partners.HandoffCompleted: "handoff_id side partner due_at",
    partners.HandoffDeclined: "handoff_id side partner",
    partners.HandoffRevoked: "handoff_id side partner",
    partners.HandoffExpired: "handoff_id side partner",
    partners.HandoffFailed: "handoff_id side partner",
    partners.HandoffLoopClosed: "handoff_id side partner",
    partners.HandoffRevokeRequested: "handoff_id side partner due_at",
    partners.HandoffPurgeConfirmed: "handoff_id side partner",
    partners.HandoffCorrected: "handoff_id side partner kind aspect_codes",
    partners.HandoffEnteredInError: "handoff_id side partner",
    partners.BusySlotHeard: "handoff_id partner starts_at ends_at off",
    partners.HandoffDeadlineMissed: "handoff_id promise due_at",
    partners.NodeRegistered: "node_id org_id",
    partners.NodeHeartbeatMissed: "last_heard_at",
    partners.NodeSuspended: "",
    partners.NodeResumed: "",
    partners.SubjectLinkConfirmed: "previous_person_id",
    partners.SubjectLinkUndone: "person_id",
}


class Marks:
    """Messages whose every field holds a value found nowhere else."""

    def __init__(self) -> None:
        self.drawn = 0
        self.of: dict[tuple[str, str], str] = {}

    def value(self, message: str, field: FieldDescriptor) -> Any:
        """A value for one field, remembered as the text it would leave."""
        self.drawn += 1
        kind = field.GetOptions().Extensions[options.kind]
        if field.message_type is not None:
            at = AT + timedelta(days=1000 + self.drawn, microseconds=self.drawn)
            self.of[message, field.name] = at.date().isoformat()
            return at
        if field.type == FieldDescriptor.TYPE_BOOL:
            return True
        if field.type == FieldDescriptor.TYPE_INT64:
            self.of[message, field.name] = str(7_000_000 + self.drawn)
            return 7_000_000 + self.drawn
        if field.name in {"handoff_id", "side", "from_person_id", "to_person_id"}:
            self.of[message, field.name] = "SENDER" if field.name == "side" else str(uuid4())
            return self.of[message, field.name]
        if kind == options.KIND_DATE:
            day = date(2100, 1, 1) + timedelta(days=self.drawn)
            self.of[message, field.name] = day.isoformat()
            return day.isoformat()
        self.of[message, field.name] = f"mark{self.drawn}x"
        return f"mark{self.drawn}x"

    def message(self, kind: type[Message]) -> Message:
        """One message, marked."""
        built = kind()
        for field in kind.DESCRIPTOR.fields:
            value = self.value(kind.DESCRIPTOR.name, field)
            if field.is_repeated:
                getattr(built, field.name).append(value)
            elif field.message_type is not None:
                getattr(built, field.name).FromDatetime(value)
            else:
                setattr(built, field.name, value)
        if "purpose" in kind.DESCRIPTOR.fields_by_name:
            built.purpose = "PARTICIPATE"  # the one purpose that leaves anything
            del self.of[kind.DESCRIPTOR.name, "purpose"]
        return built


def enveloped(message: Message, seq: int, number: int = 0) -> tuple[Envelope, str, str]:
    """The envelope of a message about one case, with its topic and key."""
    kind, case, person = type(message), case_of(number), person_of(number)
    of_person = kind.DESCRIPTOR.GetOptions().Extensions[options.key] == options.KEY_PERSON
    envelope = Envelope(
        event_id=uuid4(),
        type=kind.DESCRIPTOR.full_name,
        schema_version=1,
        reach="NODE",
        source_node="together",
        aggregate_type="thing",
        aggregate_id=case,
        stream_sequence=seq,
        aggregate_version=seq,
        person_id=person,
        case_id=None if of_person else case,
        occurred_at=AT + timedelta(hours=seq),
        recorded_at=AT + timedelta(hours=seq, seconds=1),
        actor_role="SM",
        actor_ref="marked-actor",
        correlation_id=uuid4(),
        causation_id=None,
        traceparent="",
        sensitivity="STANDARD",
        detail_ref="marked-detail",
    )
    key = key_of(kind, case=envelope.case_id, person=person, aggregate=case)
    return envelope, topic_of(kind, "together"), key


def test_the_picture_hears_what_it_should_and_nothing_else() -> None:
    # Agreements are about organisations: nothing of a person can stand in them.
    agreements = {
        partners.IsaActivated,
        partners.IsaSuspended,
        partners.IsaResumed,
        partners.IsaExpired,
        partners.IsaEnded,
    }
    assert {subscription.kind for subscription in PICTURE.subscriptions} == set(MAY_STAND) | agreements


def test_it_gives_no_command() -> None:
    assert all(subscription.projects for subscription in PICTURE.subscriptions)


def left(message: Message) -> list[projection.Row]:
    """The rows a message leaves."""
    envelope, topic, key = enveloped(message, 1)
    (subscription,) = PICTURE.of(type(message))
    return list(subscription.handler(Heard(message, envelope, topic, key)))


async def kept(conn: Connection) -> str:
    """Everything in every column of every table of the picture, as text."""
    found = []
    for table in metadata.sorted_tables:
        rows = await conn.fetch(f"select held::text from {projection.live(table)} as held")
        found += [row[0] for row in rows]
    return "\n".join(found)


@pytest.mark.parametrize("kind", MAY_STAND, ids=lambda kind: kind.DESCRIPTOR.name)
async def test_only_what_may_stand_in_a_picture_is_kept(kind: type[Message], works: Works[Any]) -> None:
    marks = Marks()
    message = marks.message(kind)

    async with works.database.transaction() as conn:
        await projection.write(conn, left(message))
        text = await kept(conn)

    stands = {field for (_, field), mark in marks.of.items() if mark in text}
    allowed = set(MAY_STAND[kind].split()) - {
        f.name for f in kind.DESCRIPTOR.fields if f.type == FieldDescriptor.TYPE_BOOL
    }
    assert stands == allowed
    assert "marked" not in text


@pytest.mark.parametrize("purpose", ["ASSESS", "SHARE", "CONTACT", "EVALUATE"])
@pytest.mark.parametrize("kind", [referral.ConsentGranted, referral.ConsentWithdrawn])
async def test_other_purposes_leave_no_trace_of_what_was_asked(
    kind: type[Message], purpose: str, works: Works[Any]
) -> None:
    marks = Marks()
    message: Any = marks.message(kind)
    message.purpose, message.replaces = purpose, ""

    async with works.database.transaction() as conn:
        before = (await kept(conn)).splitlines()
        await projection.write(conn, left(message))
        text = "\n".join(line for line in (await kept(conn)).splitlines() if line not in before)

    assert purpose not in text
    assert not re.search(r"mark\d", text)
    assert "taking_part" not in text


def bytes_of(messages: Iterable[Message]) -> list[Any]:
    """The same messages as they come from a bus, numbered stream by stream."""
    seqs: dict[tuple[str, str], int] = {}
    items = []
    for message in messages:
        envelope, topic, key = enveloped(message, 1)
        seqs[topic, key] = seqs.get((topic, key), 0) + 1
        envelope = replace(
            envelope,
            stream_sequence=seqs[topic, key],
            occurred_at=AT + timedelta(hours=len(items)),
            recorded_at=AT + timedelta(hours=len(items)),
        )
        items.append(recorded(topic, key, to_headers(envelope), message.SerializeToString()))
    return items


async def test_messages_heard_as_bytes_become_the_picture(works: Works[Any]) -> None:
    due = {"planned_end_on": "2027-03-02", "review_due_on": "2026-06-02"}
    submitted = referral.ReferralSubmitted(case_reference="7KQ2-M9RJ", programme_id="p", kind="PERSON_SUPPORT")
    submitted.due_at.FromDatetime(AT + timedelta(days=7))
    agreed = referral.ConsentGranted(purpose="PARTICIPATE", programme_id="p", review_on="2026-09-02")
    items = bytes_of(
        [
            submitted,
            referral.ScreeningRecorded(completed_on="2026-01-02", is_current=True, result="SCREENED_IN"),
            agreed,
            referral.ReferralTriageStarted(),
            referral.ReferralAccepted(),
            casework.WorkerAllocated(worker_ref="staff-ew-1", role="EW"),
            casework.EngagementOpened(**due),
            casework.EngagementContactAttempted(channel="PHONE", ordinal=1),
            casework.EngagementActivated(**due),
            casework.EngagementPaused(**due),
            casework.EngagementResumed(**due),
            casework.EngagementEndingStarted(**due, outcome_group="ENDED_EARLY"),
            casework.EngagementClosed(outcome_group="ENDED_EARLY"),
        ]
    )
    streams = Streams(PICTURE, "together.picture", "together")

    async def hear(*heard: Any) -> None:
        async with works.batch() as work:
            await streams.together(work, heard)

    await hear(*items[:7])
    await hear(*items[3:])  # a restart: some of it comes again

    from partners.projections.picture import queries
    from tests.partners.people import MANAGER, asks

    picture, sources = await works.ask(queries.get_picture, asks(MANAGER), case_id=case_of(0))
    assert picture.state is State.CLOSED
    assert picture.ended_at == AT + timedelta(hours=12)
    assert picture.taking_part is not None
    assert picture.screening is not None
    assert [source.last_heard_at for source in sources] == [AT + timedelta(hours=4), AT + timedelta(hours=12)]
