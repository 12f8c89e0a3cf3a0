"""One referral, and the queue."""

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

from chassis.access import Role, by, let_see, of_him, visible_to
from chassis.aggregate import Fault, Invalid, NotFound
from chassis.calendar import local_date
from chassis.database import statement
from chassis.work import query
from referral.domain import identifiers as read_as
from referral.domain.codes import ReasonGroup
from referral.domain.detail import ANSWERED, let_of
from referral.domain.identifiers import Wrong
from referral.domain.places import quadrant_of
from referral.domain.referral_parts import WAITING, Status
from referral.queries.letting import let_by_him
from referral.storage import AGREEMENTS, CONTACT, ONWARD, ONWARD_STATE, PROGRAMME, REFERRAL, REFERRALS, SAME

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from uuid import UUID

    from referral.domain.answers import Answers
    from referral.domain.practitioner import PractitionerContact
    from referral.domain.referral import Referral
    from referral.storage import Work

_OF_ANSWERS = tuple(sorted(ANSWERED))
_REFERRAL_READERS = by("SM, CP, PP own, PW own, EW own or proposed")
# Towards a referrer the person's choice is told as circumstance, and nobody says who ended it (states.md 1).
_REFERRERS = frozenset({Role.PP, Role.PW})
_TRIAGERS = frozenset({Role.SM, Role.CP})

_ONWARD = statement(
    select(ONWARD_STATE.c.state)
    .select_from(ONWARD.join(ONWARD_STATE, ONWARD.c.handoff_id == ONWARD_STATE.c.handoff_id))
    .where(ONWARD.c.case_id == bindparam("case_id", type_=Uuid))
    .order_by(ONWARD.c.seq.desc())
    .limit(1)
)
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
        of_him(SAME, REFERRAL.c.person_id, bindparam("person", type_=Uuid)),
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
    for row in rows:
        await let_see(work, AGREEMENTS, row["person_id"], ())
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
    onward = await _ONWARD.value(work.conn, case_id=referral.case_id)
    opened = _opened(referral, contact, local_date(work.now))
    return {**row, **opened, "answers": await _let(work, referral), "onward_state": onward or ""}


async def _let(work: Work, referral: Referral) -> Answers:
    """The answers, of them for a guest those that his employer may know; of a draft, which he wrote, all of them."""
    if referral.status is Status.DRAFT:
        return referral.answers
    consents = await let_by_him(work, referral.person_id)
    return let_of(referral.answers, await let_see(work, AGREEMENTS, referral.person_id, _OF_ANSWERS, consents))


def _reference(text: str) -> str:
    try:
        return read_as.case_reference(text)
    except Wrong as wrong:
        raise Invalid(Fault("case_reference", wrong.code if text.strip() else "REQUIRED")) from None


def _opened(referral: Referral, contact: PractitionerContact | None, day: date) -> dict[str, Any]:
    """What only one referral by itself shows."""
    told = referral.told
    return {
        "willing": "" if told is None else "YES" if told.willing else "NO",
        "redirected_to": referral.redirected_to,
        "practitioner_name": contact.on(day).name if contact and contact.current else "",
    }
