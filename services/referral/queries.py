"""Every question of the service's screens and callers; filtered by who asks, in the statement itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Boolean,
    DateTime,
    Integer,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    cast,
    func,
    literal,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import ARRAY

from chassis.access import Role, by, visible_to
from chassis.aggregate import Exhausted, Fault, Invalid, NotFound
from chassis.calendar import local_date
from chassis.database import statement
from chassis.work import query
from referral.domain import identifiers as read_as
from referral.domain.codes import Channel, ReasonGroup
from referral.domain.identifiers import Wrong
from referral.domain.person_form import normalised
from referral.domain.places import quadrant_of
from referral.domain.referral_parts import WAITING
from referral.domain.screening import State
from referral.storage import (
    CONSENT,
    CONSENTS,
    CONTACT,
    IDENTIFIERS,
    PEOPLE,
    PERSON,
    PROGRAMME,
    PROMPT,
    PROMPTS,
    REFERRAL,
    REFERRALS,
    SCREENING,
    SCREENINGS,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from uuid import UUID

    from referral.domain.practitioner import PractitionerContact
    from referral.domain.referral import Referral
    from referral.storage import Work

_REFERRAL_READERS = by("SM, CP, PP own, PW own, EW own or proposed")
_PERSON_READERS = by("SM, CP, IG, PP own, PW own, EW own or proposed")
# Towards a referrer the person's choice is told as circumstance, and nobody says who ended it (states.md 1).
_REFERRERS = frozenset({Role.PP, Role.PW})
_TRIAGERS = frozenset({Role.SM, Role.CP})
_ANYBODY = by(", ".join(Role))

_BAND = func.coalesce(REFERRAL.c.effective_band, literal("P9"))
_SINCE = func.coalesce(REFERRAL.c.submitted_at, REFERRAL.c.started_at)
_ahead = REFERRAL.alias("ahead")
_PLACE = (
    select(func.count() + 1)
    .where(
        _ahead.c.programme_id == REFERRAL.c.programme_id,
        _ahead.c.status.in_([status.value for status in WAITING]),
        tuple_(_ahead.c.effective_band, _ahead.c.submitted_at, _ahead.c.id)
        < tuple_(REFERRAL.c.effective_band, REFERRAL.c.submitted_at, REFERRAL.c.id),
    )
    .scalar_subquery()
)
_FILTER = and_(
    visible_to(REFERRALS),
    or_(
        func.cardinality(bindparam("statuses", type_=ARRAY(Text))) == 0,
        REFERRAL.c.status == any_(bindparam("statuses", type_=ARRAY(Text))),
    ),
    or_(bindparam("programme", type_=Text) == "", PROGRAMME.c.code == bindparam("programme", type_=Text)),
    or_(
        cast(bindparam("person", type_=Uuid), Uuid).is_(None),
        REFERRAL.c.person_id == bindparam("person", type_=Uuid),
    ),
)
_FROM = REFERRAL.join(PROGRAMME, PROGRAMME.c.id == REFERRAL.c.programme_id).outerjoin(
    CONTACT, CONTACT.c.case_id == REFERRAL.c.case_id
)
_LIST = statement(
    select(
        *(column for column in REFERRAL.c if column.name != "sealed"),
        PROGRAMME.c.code.label("programme"),
        CONTACT.c.practitioner_ref,
        CONTACT.c.version.label("contact_version"),
        _PLACE.label("place"),
        _BAND.label("band_order"),
        _SINCE.label("since"),
    )
    .select_from(_FROM)
    .where(
        _FILTER,
        or_(
            bindparam("first", type_=Boolean),
            tuple_(_BAND, _SINCE, REFERRAL.c.id)
            > tuple_(
                bindparam("after_band", type_=Text),
                bindparam("after_since", type_=DateTime(timezone=True)),
                bindparam("after_id", type_=Uuid),
            ),
        ),
    )
    .order_by(_BAND, _SINCE, REFERRAL.c.id)
    .limit(bindparam("size", type_=Integer))
)
_COUNT = statement(select(func.count()).select_from(_FROM).where(_FILTER))
_ONE = statement(
    select(REFERRAL.c.id).where(visible_to(REFERRALS), REFERRAL.c.case_reference == bindparam("reference", type_=Text))
)
_FIND = {
    kind: statement(
        select(PERSON.c.id)
        .where(visible_to(PEOPLE), PERSON.c[f"{kind}_hash"] == bindparam("hashed", type_=Text))
        .order_by(PERSON.c.id)
    )
    for kind in IDENTIFIERS
}


def _listed(row: Any, role: Role) -> dict[str, Any]:
    """A referral as a list shows it."""
    group = row["reason_group"] or ""
    if role in _REFERRERS and group == ReasonGroup.PERSON_CHOICE:
        group = ReasonGroup.CIRCUMSTANCE.value
    quadrant = quadrant_of(row["borough"])
    waiting = row["status"] in {status.value for status in WAITING}
    return {
        **{name: row[name] for name in _SAME},
        "referral_id": row["id"],
        "quadrant": quadrant.value if quadrant else "",
        "due_on": _due_on(row["due_at"]),
        "reason_group": group,
        "possible_duplicate": row["possible_duplicate"] and role in _TRIAGERS,
        "place_in_queue": row["place"] if waiting else 0,
        "practitioner_ref": row["practitioner_ref"] or "",
        "contact_version": row["contact_version"] or 0,
        "decision": row["decision"] or "",
        "rule_ids": list(row["rule_ids"]),
    }


_SAME = (
    "version",
    "case_id",
    "case_reference",
    "person_id",
    "programme_id",
    "programme",
    "kind",
    "status",
    "referrer_kind",
    "referrer_org",
    "borough",
    "started_at",
    "submitted_at",
    "ended_at",
    "proposed_worker",
    "acceptance",
)


def _due_on(due_at: datetime | None) -> str:
    # The promise runs to the end of a day: an instant just before it lies on that day.
    return "" if due_at is None else local_date(due_at - timedelta(microseconds=1)).isoformat()


@query("referral.list", _REFERRAL_READERS)
async def list_referrals(
    work: Work,
    *,
    statuses: Sequence[str],
    programme: str,
    person_id: UUID | None,
    after: tuple[Any, ...] | None,
    size: int,
) -> dict[str, Any]:
    """Referrals in the order of the queue, one more than a page, and how many there are in all."""
    band, since, last = after or (None, None, None)
    filtered = {"statuses": list(statuses), "programme": programme, "person": person_id, **work.asking}
    rows = await _LIST.all(
        work.conn,
        **filtered,
        first=after is None,
        after_band=band,
        after_since=since,
        after_id=last,
        size=size,
    )
    found = [{**_listed(row, work.actor.role), "order": (row["band_order"], row["since"], row["id"])} for row in rows]
    return {"referrals": found, "total": await _COUNT.value(work.conn, **filtered)}


@query("referral.get", _REFERRAL_READERS)
async def get_referral(work: Work, *, referral_id: UUID | None, case_reference: str) -> dict[str, Any]:
    """One referral with its answers."""
    if referral_id is None:
        referral_id = await _ONE.value(work.conn, reference=_reference(case_reference), **work.asking)
    if referral_id is None:
        raise NotFound
    referral = await work.referrals.get(referral_id)
    work.record = str(referral.id)
    listed = await list_referrals.inside(
        work,
        statuses=(),
        programme="",
        person_id=referral.person_id,
        after=None,
        size=1_000,
    )
    row = next(held for held in listed["referrals"] if held["referral_id"] == referral.id)
    contact = await work.contacts.first(case_id=referral.case_id)
    return {**row, **_opened(referral, contact, local_date(work.now))}


def _reference(text: str) -> str:
    try:
        return read_as.case_reference(text)
    except Wrong as wrong:
        raise Invalid(Fault("case_reference", wrong.code if text.strip() else "REQUIRED")) from None


def _opened(referral: Referral, contact: PractitionerContact | None, day: date) -> dict[str, Any]:
    """What only one referral by itself shows."""
    told = referral.told
    return {
        "answers": referral.answers,
        "willing": "" if told is None else "YES" if told.willing else "NO",
        "practitioner_name": contact.on(day).name if contact and contact.current else "",
    }


@query("person.find", _PERSON_READERS)
async def find_person(work: Work, *, kind: str, value: str) -> str:
    """The person with this identifier, or empty: none, or none the caller may know of. 30 searches in 10 minutes."""
    stored = normalised(kind, value, today=local_date(work.now))
    await work.conn.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", f"person.find:{work.actor.id}")
    searched = await work.conn.fetchval(
        "select count(*) from audit where actor_ref = $1 and action = 'person.find' and outcome = 'read' and at > $2",
        work.actor.id,
        work.now - timedelta(minutes=10),
    )
    if searched >= work.settings.searches_in_ten_minutes:
        raise Exhausted("too_many_searches", "Wait ten minutes before you search again.", retry_after=600)
    hashed = work.keys.ring.fingerprint(kind, stored)
    found = await _FIND[kind].value(work.conn, hashed=hashed, **work.asking)
    work.record = str(found or "")
    return str(found or "")


@query("person.get", _PERSON_READERS)
async def get_person(work: Work, *, person_id: UUID) -> dict[str, Any]:
    """Who he is and how to reach him; a partner sees no identifiers."""
    person = await work.people.get(person_id)
    work.record = str(person.id)
    lists = await work.limits.first(person_id=person.id) if work.actor.role in {Role.SM, Role.IG} else None
    return {
        "person": person,
        "identifiers": {} if work.actor.role is Role.PW else person.identifiers.given(),
        "access_list_version": lists.version if lists else 0,
    }


def _after(table: Any) -> Any:
    return or_(bindparam("first", type_=Boolean), table.c.id < bindparam("after_id", type_=Uuid))


def _of_one_person(table: Any, records: Any) -> Any:
    return statement(
        select(table.c.id)
        .where(visible_to(records), table.c.person_id == bindparam("person", type_=Uuid), _after(table))
        .order_by(table.c.id.desc())
        .limit(bindparam("size", type_=Integer))
    )


_SCREENINGS_OF = _of_one_person(SCREENING, SCREENINGS)
_CONSENTS_OF = _of_one_person(CONSENT, CONSENTS)
_PROMPTS_OPEN = statement(
    select(PROMPT.c.id)
    .where(
        visible_to(PROMPTS),
        PROMPT.c.status == "OPEN",
        or_(
            cast(bindparam("person", type_=Uuid), Uuid).is_(None),
            PROMPT.c.person_id == bindparam("person", type_=Uuid),
        ),
        or_(bindparam("first", type_=Boolean), PROMPT.c.id > bindparam("after_id", type_=Uuid)),
    )
    .order_by(PROMPT.c.id)
    .limit(bindparam("size", type_=Integer))
)


async def _ids(work: Work, of: Any, person_id: UUID | None, after: UUID | None, size: int) -> list[UUID]:
    rows = await of.all(work.conn, person=person_id, first=after is None, after_id=after, size=size, **work.asking)
    work.record = str(person_id or "")
    return [row["id"] for row in rows]


@query("screening.list", by("SM, CP, IG, PP own, EW own"))
async def list_screenings(work: Work, *, person_id: UUID, after: UUID | None, size: int) -> list[dict[str, Any]]:
    """Evidence of screening, the newest first; a worker sees only whether it is current."""
    ids = await _ids(work, _SCREENINGS_OF, person_id, after, size)
    found = [await work.screenings.get(each) for each in ids]
    hidden = work.actor.role is Role.EW
    return [
        {
            "screening_id": held.id,
            "source": held.source.value,
            "completed_on": held.completed_on.isoformat(),
            "result": "" if hidden else held.result.value,
            "is_current": held.state is State.CURRENT,
        }
        for held in found
    ]


@query("consent.list", by("SM, CP, IG, CO, PP own, PER own, EW own or proposed"))
async def list_consents(work: Work, *, person_id: UUID, after: UUID | None, size: int) -> list[dict[str, Any]]:
    """What he has agreed to, the newest first; a practitioner sees what names his own organisation."""
    ids = await _ids(work, _CONSENTS_OF, person_id, after, size)
    found = [await work.consents.get(each) for each in ids]
    if work.actor.role is Role.PP:
        found = [held for held in found if held.recipient == work.actor.organisation]
    return [
        {
            "consent_id": held.id,
            "version": held.version,
            "purpose": held.purpose.value,
            "programme_id": held.programme_id or "",
            "scope_codes": list(held.scope_codes),
            "recipient": held.recipient,
            "status": held.status.value,
            "review_on": held.review_on.isoformat() if held.review_on else "",
        }
        for held in found
    ]


@query("prompt.list", by("PP own, EW own, SM own, CP own, IG own"))
async def list_prompts(work: Work, *, person_id: UUID | None, after: UUID | None, size: int) -> list[dict[str, Any]]:
    """Open prompts of the kinds the caller sees, the oldest first."""
    ids = await _ids(work, _PROMPTS_OPEN, person_id, after, size)
    found = [await work.prompts.get(each) for each in ids]
    return [
        {
            "prompt_id": held.id,
            "version": held.version,
            "person_id": held.person_id,
            "kind": held.kind.value,
            "raised_at": held.raised_at,
            "event_type": held.event_type,
        }
        for held in found
    ]


@query("programme.list", _ANYBODY)
async def list_programmes(work: Work, *, code: str, after: UUID | None, size: int) -> dict[str, Any]:
    """The programmes with the phases of their roll-out, and the day of the house."""
    found = await (work.programmes.find(code=code) if code else work.programmes.find())
    kept = [programme for programme in found if after is None or programme.id > after][:size]
    phases = [await work.phases.find(programme_id=programme.id) for programme in kept]
    return {"programmes": list(zip(kept, phases, strict=True)), "today": local_date(work.now)}


@query("contact.get", by("SYSTEM"))
async def get_contact(work: Work, *, case_id: UUID, recipient: str, channel: Channel) -> dict[str, str]:
    """How the person of a case, or its practitioner, is reached by a channel now; judged at each reading."""
    referral = await work.referrals.first(case_id=case_id)
    if referral is None:
        raise NotFound
    work.record = str(case_id)
    if recipient == "PERSON":
        person = await work.people.get(referral.person_id)
        return {"address": person.address_for(channel), "preferred_name": person.name}
    if recipient != "PRACTITIONER":
        raise Invalid(Fault("recipient", "UNKNOWN_CODE"))
    contact = await work.contacts.first(case_id=case_id)
    who = contact.on(local_date(work.now)) if contact else None
    address = {Channel.EMAIL: who.email, Channel.SMS: who.phone, Channel.PHONE: who.phone}.get(channel) if who else ""
    if who is None or not address:
        raise NotFound
    return {"address": address, "preferred_name": who.name}
