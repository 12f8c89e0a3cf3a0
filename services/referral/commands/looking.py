"""What several commands look at before they ask the domain."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from chassis.access import OneMan, Role, one_man, system
from chassis.aggregate import Denied, Fault, Invalid, NotFound
from chassis.calendar import local_date
from referral.domain.programme import Programme
from referral.domain.screening import State, current_of
from referral.storage import EVERYBODY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from uuid import UUID

    from referral.domain.person import Person
    from referral.domain.referral import Referral
    from referral.domain.screening import Held, ScreeningEvidence
    from referral.storage import Work


def today(work: Work) -> date:
    """The London day of this work."""
    return local_date(work.now)


@contextmanager
def for_judgement(work: Work) -> Iterator[None]:
    """Look at what a rule needs, whether or not the actor may read it himself; access lists still hold.

    What he acts on must have been got before: here nothing is refused for want of a relationship.
    """
    held, work.grants = work.grants, EVERYBODY
    try:
        yield
    finally:
        work.grants = held


@contextmanager
def as_the_house(work: Work) -> Iterator[None]:
    """What an adapter brings the house takes up itself: lists that hide a man from people do not hide him from it."""
    held, work.call = work.call, replace(work.call, actor=system(work.node))
    try:
        yield
    finally:
        work.call = held


async def man(work: Work, person_id: UUID) -> OneMan:
    """The record he goes on by, and all of his. A person that this work has made is joined to nobody."""
    if person_id in work.drawn:
        return OneMan(goes_by=person_id, records=(person_id,))
    return await one_man(work.conn, person_id)


async def known_as(work: Work, person_id: UUID) -> Person:
    """The record he goes on by; what is new goes there."""
    return await work.people.get((await man(work, person_id)).goes_by)


async def whole_person(work: Work, person_id: UUID) -> Person:
    """The record he goes on by, with the identifiers that it lacks from his others: to look at, not to put."""
    of = await man(work, person_id)
    person = await work.people.get(of.goes_by)
    return person.with_identifiers_of(await work.people.find(id=of.records) if len(of.records) > 1 else ())


async def programme_of(work: Work, referral: Referral) -> Programme:
    """The programme of a referral."""
    return await work.programmes.get(referral.programme_id)


async def programme_named(work: Work, code: str) -> Programme:
    """The programme with this code; refuses the field where there is none."""
    found = await work.programmes.first(code=code.strip().upper())
    if found is None:
        raise Invalid(Fault("programme", "UNKNOWN_CODE" if code.strip() else "REQUIRED"))
    return found


async def current_screening(work: Work, person_id: UUID) -> Held | ScreeningEvidence | None:
    """The evidence that counts, under whichever record of his."""
    of = await man(work, person_id)
    with for_judgement(work):
        return current_of(await work.screenings.find(person_id=of.records, state=State.CURRENT))


async def must_triage(work: Work, referral: Referral) -> None:
    """A clinician triages the clinical programmes only."""
    if work.actor.role is Role.CP:
        programme = await programme_of(work, referral)
        if programme.code not in work.settings.clinical_programmes:
            raise Denied


async def referral_of_case(work: Work, case_id: UUID) -> Referral:
    """The referral behind a case."""
    found = await work.referrals.first(case_id=case_id)
    if found is None:
        raise NotFound
    return found
