"""Which aggregate lives in which table, and who stands in what relation to a record."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Date,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
    and_,
    cast,
    exists,
    func,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from chassis.access import ACTOR_ID, ACTOR_ROLE, NOW, Records, Role, access_lists, by
from chassis.repository import Repository
from chassis.work import Work as ChassisWork
from referral.domain.access_list import AccessList
from referral.domain.consent import Consent
from referral.domain.equality import EqualityAnswers
from referral.domain.person import Person
from referral.domain.practitioner import PractitionerContact
from referral.domain.programme import Programme
from referral.domain.prompt import SEEN_BY, Prompt
from referral.domain.referral import Referral
from referral.domain.rollout import RolloutPhase
from referral.domain.screening import ScreeningEvidence

metadata = MetaData()


def _instant(name: str) -> Column[Any]:
    return Column(name, DateTime(timezone=True))


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _aggregate(name: str, *columns: Column[Any] | Index) -> Table:
    return Table(
        name,
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("version", BigInteger, nullable=False),
        *columns,
    )


PROGRAMME = _aggregate("programme", Column("code", Text, nullable=False, unique=True), Column("policies", JSONB))
PHASE = _aggregate(
    "rollout_phase",
    Column("programme_id", Uuid, nullable=False),
    _text("quadrant"),
    Column("opens_on", Date, nullable=False),
    Column("open_prerequisites", JSONB, nullable=False),
    _text("state"),
    Index("rollout_phase_once", "programme_id", "quadrant", unique=True),
)
PERSON = _aggregate(
    "person",
    _text("state"),
    Column("deceased", Boolean, nullable=False),
    Column("merge_review", Boolean, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    *(Column(f"{kind}_hash", Text) for kind in ("crn", "prison_number", "pnc", "cro", "nhs_number")),
    *(
        Index(f"person_{kind}", f"{kind}_hash", postgresql_where=text(f"{kind}_hash is not null"))
        for kind in ("crn", "prison_number", "pnc", "cro", "nhs_number")
    ),
)
EQUALITY = _aggregate(
    "equality_answers",
    Column("person_id", Uuid, nullable=False, unique=True),
    Column("sealed", LargeBinary, nullable=False),
)
REFERRAL = _aggregate(
    "referral",
    Column("case_id", Uuid, nullable=False, unique=True),
    Column("case_reference", Text, nullable=False, unique=True),
    Column("person_id", Uuid, nullable=False),
    Column("programme_id", Uuid, nullable=False),
    _text("kind"),
    _text("referrer_kind"),
    _text("referrer_org"),
    _text("started_by"),
    _text("status"),
    _text("borough"),
    _instant("started_at"),
    _instant("submitted_at"),
    _instant("due_at"),
    Column("decision", Text),
    Column("rule_ids", JSONB, nullable=False),
    _text("policy_version"),
    Column("base_band", Text),
    Column("effective_band", Text),
    Column("step_days", Integer, nullable=False),
    _text("waiting_version"),
    Column("possible_duplicate", Boolean, nullable=False),
    _text("proposed_worker"),
    Column("acceptance", BigInteger, nullable=False),
    _instant("ended_at"),
    Column("reason_group", Text),
    Column("ended_by", Text),
    Column("sealed", LargeBinary, nullable=False),
    Index("referral_person", "person_id", "programme_id"),
    Index("referral_started_by", "started_by"),
    Index("referral_waiting", "programme_id", "status", "effective_band", "submitted_at"),
)
CONTACT = _aggregate(
    "practitioner_contact",
    Column("case_id", Uuid, nullable=False, unique=True),
    Column("person_id", Uuid, nullable=False),
    _text("practitioner_ref"),
    _text("cover_ref"),
    Column("cover_from", Date),
    Column("cover_to", Date),
    Column("sealed", LargeBinary, nullable=False),
    Index("practitioner_contact_ref", "practitioner_ref"),
)
CONSENT = _aggregate(
    "consent",
    Column("person_id", Uuid, nullable=False),
    _text("purpose"),
    Column("programme_id", Uuid),
    _text("recipient"),
    Column("scope_codes", JSONB, nullable=False),
    _text("status"),
    Column("number", BigInteger, nullable=False),
    Column("explained_how", Text),
    _text("language"),
    Column("copy_offered", Boolean, nullable=False),
    _text("taken_by"),
    _instant("asked_at"),
    Column("review_on", Date),
    Column("replaces", Uuid),
    Column("sealed", LargeBinary, nullable=False),
    Index("consent_person", "person_id", "purpose"),
)
SCREENING = _aggregate(
    "screening_evidence",
    Column("person_id", Uuid, nullable=False),
    _text("source"),
    Column("completed_on", Date, nullable=False),
    _text("state"),
    _instant("recorded_at"),
    Column("sealed", LargeBinary, nullable=False),
    Index("screening_evidence_person", "person_id", "state"),
)
PROMPT = _aggregate(
    "prompt",
    Column("person_id", Uuid, nullable=False),
    _text("kind"),
    Column("source_key", Text, nullable=False, unique=True),
    _text("event_type"),
    _text("status"),
    _instant("raised_at"),
    Index("prompt_person", "person_id", "status"),
)
LISTS = _aggregate(
    "limited_access",
    Column("person_id", Uuid, nullable=False, unique=True),
    Column("allow", JSONB, nullable=False),
    Column("deny", JSONB, nullable=False),
)
# What an import has taken: a hash of (source, external reference), for ever.
IMPORTED = Table("imported", metadata, Column("reference", Text, primary_key=True))

# Projections: what casework told.
CASE_WORKER = Table(
    "case_workers",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    _text("worker_ref"),
    _text("role"),
    Column("seq", BigInteger, nullable=False),
    Index("case_workers_worker", "worker_ref"),
)
CASE_COVER = Table(
    "case_cover",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    _text("worker_ref"),
    Column("starts_on", Date, nullable=False),
    Column("ends_on", Date),
    Column("seq", BigInteger, nullable=False),
    Index("case_cover_worker", "worker_ref"),
)
OPEN_WORK = Table(
    "open_work",
    metadata,
    Column("case_id", Uuid, primary_key=True),
    Column("open", Boolean, nullable=False),
    Column("worker_until", Date),
    Column("seq", BigInteger, nullable=False),
)
ACCESS_LIST = access_lists(metadata)

# Who sees prompts: the first two those of their own men.
_SEERS = ("PP", "EW", "SM", "CP", "IG")

_TODAY = cast(func.timezone("Europe/London", NOW), Date)


def _worked_by_actor(case: Column[Any]) -> ColumnElement[bool]:
    """His worker, or who covers for him today; until 28 days after the close."""
    worker, cover, work = CASE_WORKER.alias(), CASE_COVER.alias(), OPEN_WORK.alias()
    over = exists(select(1).where(work.c.case_id == case, work.c.worker_until < _TODAY))
    named = exists(select(1).where(worker.c.case_id == case, worker.c.worker_ref == ACTOR_ID))
    lasting = and_(cover.c.starts_on <= _TODAY, or_(cover.c.ends_on.is_(None), cover.c.ends_on >= _TODAY))
    covering = exists(select(1).where(cover.c.case_id == case, cover.c.worker_ref == ACTOR_ID, lasting))
    return and_(or_(named, covering), ~over)


def _practitioner_is_actor(case: Column[Any]) -> ColumnElement[bool]:
    """His practitioner (the reference is made from the verified e-mail), or who covers today."""
    contact = CONTACT.alias()
    covering = and_(contact.c.cover_ref == ACTOR_ID, contact.c.cover_from <= _TODAY, contact.c.cover_to >= _TODAY)
    return exists(select(1).where(contact.c.case_id == case, or_(contact.c.practitioner_ref == ACTOR_ID, covering)))


def _own(referral: Any) -> ColumnElement[bool]:
    """Own caseload: a practitioner's drafts and cases, a partner's referrals, a worker's men."""
    started = and_(
        referral.c.started_by == ACTOR_ID, or_(~ACTOR_ROLE.in_((Role.PP.value,)), referral.c.status == "DRAFT")
    )
    return or_(started, _practitioner_is_actor(referral.c.case_id), _worked_by_actor(referral.c.case_id))


def _of_person(person: Column[Any]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Own and proposed of what concerns a person: by any of his referrals; himself is his own."""
    referral = REFERRAL.alias()
    himself = and_(ACTOR_ROLE.in_((Role.PER.value,)), cast(person, Text) == ACTOR_ID)
    own = or_(himself, exists(select(1).where(referral.c.person_id == person, _own(referral))))
    proposed = exists(select(1).where(referral.c.person_id == person, referral.c.proposed_worker == ACTOR_ID))
    return own, proposed


def _about(person: Column[Any], reads: str) -> Records:
    own, proposed = _of_person(person)
    return Records(person=person, reads=by(reads), own=own, proposed=proposed, lists=ACCESS_LIST)


def _prompts() -> Records:
    """Each kind is seen by its roles; PP and EW see those of their own men."""
    own, _ = _of_person(PROMPT.c.person_id)
    ways = [
        and_(
            ACTOR_ROLE.in_((role,)), PROMPT.c.kind.in_(sorted(kind for kind, roles in SEEN_BY.items() if role in roles))
        )
        for role in ("PP", "EW", "SM", "CP", "IG")
    ]
    seen = or_(*(and_(way, own) for way in ways[:2]), *ways[2:])
    return Records(
        person=PROMPT.c.person_id,
        reads=by("PP own, EW own, SM own, CP own, IG own"),
        own=seen,
        lists=ACCESS_LIST,
    )


REFERRALS = Records(
    person=REFERRAL.c.person_id,
    reads=by("SM, CP, PP own, PW own, EW own or proposed"),
    own=_own(REFERRAL),
    proposed=REFERRAL.c.proposed_worker == ACTOR_ID,
    lists=ACCESS_LIST,
)
PEOPLE = _about(PERSON.c.id, "SM, CP, IG, PP own, PW own, EW own or proposed")
CONTACTS = _about(CONTACT.c.person_id, "SM, CP, IG, PP own, PW own, EW own or proposed")
SCREENINGS = _about(SCREENING.c.person_id, "SM, CP, IG, PP own, EW own")
CONSENTS = _about(CONSENT.c.person_id, "SM, CP, IG, CO, PP own, PER own, EW own or proposed")
PROMPTS = _prompts()
ACCESS = _about(LISTS.c.person_id, "SM, IG")
# Everybody, as far as the access lists let him: for what a rule must look at whoever asks.
EVERYBODY = {role: by(f"{role.value}")[role] for role in Role}
UNLISTED = Records(person=PERSON.c.id, reads=EVERYBODY, lists=ACCESS_LIST)

IDENTIFIERS = ("crn", "prison_number", "pnc", "cro", "nhs_number")


class Work(ChassisWork):
    """One unit of work of the referral service."""

    programmes = Repository(Programme, PROGRAMME, kind="programme")
    phases = Repository(RolloutPhase, PHASE, kind="rollout_phase")
    people = Repository(
        Person,
        PERSON,
        kind="person",
        records=PEOPLE,
        sealed=(*IDENTIFIERS, "details", "channels", "safe_contact"),
        hashed=IDENTIFIERS,
    )
    equality = Repository(EqualityAnswers, EQUALITY, kind="equality", sealed=("ethnicity", "gender"))
    referrals = Repository(Referral, REFERRAL, kind="referral", records=REFERRALS, sealed=("answers", "told", "ending"))
    contacts = Repository(
        PractitionerContact,
        CONTACT,
        kind="practitioner_contact",
        records=CONTACTS,
        sealed=("current", "cover", "history"),
    )
    consents = Repository(Consent, CONSENT, kind="consent", records=CONSENTS, sealed=("capacity_doubt",))
    screenings = Repository(
        ScreeningEvidence, SCREENING, kind="screening", records=SCREENINGS, sealed=("result", "override_reason")
    )
    prompts = Repository(Prompt, PROMPT, kind="prompt", records=PROMPTS)
    limits = Repository(AccessList, LISTS, kind="access_list", records=ACCESS)
