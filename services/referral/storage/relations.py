"""Who stands in what relation to a record: whose caseload a man belongs to, and which roles may know of him."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, ColumnElement, Date, Text, and_, cast, exists, func, or_, select

from chassis.access import ACTOR_ID, ACTOR_ROLE, NOW, Records, Role, by, others_in
from referral.domain.prompt import SEEN_BY
from referral.storage.tables import (
    ACCESS_LIST,
    AGREEMENTS,
    CASE_COVER,
    CASE_WORKER,
    CONSENT,
    CONTACT,
    LISTS,
    MERGE,
    OPEN_WORK,
    PERSON,
    PROMPT,
    REFERRAL,
    SAME,
    SCREENING,
)

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
    """Own and proposed of what concerns a person: by any of his referrals, under whichever record; himself is his
    own."""
    referral, same = REFERRAL.alias(), SAME.alias()
    other = select(same.c.person_id).where(cast(same.c.other_id, Text) == ACTOR_ID)
    himself = and_(ACTOR_ROLE.in_((Role.PER.value,)), or_(cast(person, Text) == ACTOR_ID, person.in_(other)))
    proposed = referral.c.proposed_worker == ACTOR_ID
    return or_(himself, _referred(person, _own(referral), referral)), _referred(person, proposed, referral)


def _referred(person: Column[Any], how: ColumnElement[bool], referral: Any) -> ColumnElement[bool]:
    """A referral of him, under this record or another one of his, is such a one."""
    his = exists(select(1).where(referral.c.person_id == person, how))
    return or_(his, person.in_(others_in(SAME.alias(), referral, referral.c.person_id, how)))


def _about(person: Column[Any], reads: str) -> Records:
    own, proposed = _of_person(person)
    return Records(
        person=person,
        reads=by(reads),
        own=own,
        proposed=proposed,
        lists=ACCESS_LIST,
        agreements=AGREEMENTS,
        same=SAME,
    )


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
        agreements=AGREEMENTS,
        same=SAME,
    )


REFERRALS = Records(
    person=REFERRAL.c.person_id,
    reads=by("SM, CP, PP own, PW own, EW own or proposed"),
    own=_own(REFERRAL),
    proposed=REFERRAL.c.proposed_worker == ACTOR_ID,
    lists=ACCESS_LIST,
    agreements=AGREEMENTS,
    same=SAME,
)
PEOPLE = _about(PERSON.c.id, "SM, CP, IG, PP own, PW own, EW own or proposed")
CONTACTS = _about(CONTACT.c.person_id, "SM, CP, IG, PP own, PW own, EW own or proposed")
SCREENINGS = _about(SCREENING.c.person_id, "SM, CP, IG, PP own, EW own")
CONSENTS = _about(CONSENT.c.person_id, "SM, CP, IG, CO, PP own, PER own, EW own or proposed")
PROMPTS = _prompts()
ACCESS = _about(LISTS.c.person_id, "SM, IG")
# Everybody, as far as the access lists let him: for what a rule must look at whoever asks.
EVERYBODY = {role: by(f"{role.value}")[role] for role in Role}
UNLISTED = Records(person=PERSON.c.id, reads=EVERYBODY, lists=ACCESS_LIST, same=SAME)
# Known to those who may know of both.
MERGES = Records(person=MERGE.c.to_person_id, reads=by("SM"), lists=ACCESS_LIST, same=SAME)
MERGES_FROM = Records(person=MERGE.c.from_person_id, reads=by("SM"), lists=ACCESS_LIST, same=SAME)
