"""A referral from its first line to triage: drafted, told and willing, sent, sent again."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from chassis.access import Role, by
from chassis.aggregate import Denied, Exists, Fault, Invalid
from chassis.calendar import end_of_day, local_date, working_days_due
from chassis.work import command
from referral.commands.duplicates import duplicates_of
from referral.commands.looking import (
    current_screening,
    for_judgement,
    known_as,
    programme_named,
    programme_of,
    today,
    whole_person,
)
from referral.commands.people import answer_equality, answers_for_equality, find_or_record
from referral.commands.practitioners import contact_of
from referral.domain import guards, identifiers, person_form
from referral.domain.answers import Answers, ethnicity_of, read_answers, read_gender
from referral.domain.codes import ReferralKind, ReferrerKind, ToldHow
from referral.domain.eligibility import Known, unmet
from referral.domain.fields import Reading
from referral.domain.policies import Priority
from referral.domain.priority import Band, base_band
from referral.domain.referral import Referral
from referral.domain.referral_facts import Clock
from referral.domain.referral_parts import Placing, Told

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from uuid import UUID

    from referral.domain.person import Details, Identifiers
    from referral.domain.programme import Programme
    from referral.storage import Work

_DRAFTERS = by("PP own, PW own, SM")
# Whom each role refers as: a practitioner, a partner, and a service manager for a man who came himself.
_REFERS_AS = {
    Role.PP: frozenset({ReferrerKind.PROBATION, ReferrerKind.PRISON}),
    Role.PW: frozenset({ReferrerKind.PARTNER, ReferrerKind.NHS_TRUST}),
    Role.SM: frozenset({ReferrerKind.SELF}),
}
L1_DAYS, L2_DAYS = 1, 5
_MOMENT = timedelta(microseconds=1)


def _may_refer_as(work: Work, kind: ReferrerKind) -> None:
    if kind not in _REFERS_AS.get(work.actor.role, frozenset()):
        raise Denied


async def _draft(work: Work, referral_id: UUID, expected: int | None) -> Referral:
    referral = await work.referrals.get(referral_id, expected)
    _may_refer_as(work, referral.referrer_kind)
    return referral


def case_reference() -> str:
    """A new reference; one that would read as an offence is drawn again."""
    while True:
        drawn = [secrets.randbelow(31) for _ in range(identifiers.REFERENCE_RANDOM)]
        if found := identifiers.draw_case_reference(drawn):
            return found


@command("referral.start", _DRAFTERS)
async def start_referral(
    work: Work,
    *,
    programme: str,
    kind: ReferralKind,
    referrer_kind: ReferrerKind,
    referrer_organisation: str,
    given_identifiers: Mapping[str, object],
    given_person: Mapping[str, object],
    given_answers: Mapping[str, object],
) -> dict[str, object]:
    """Start a draft; the person is found by his identifiers, or recorded."""
    _may_refer_as(work, referrer_kind)
    found = await programme_named(work, programme)
    reading = Reading({})
    known_by = person_form.read_identifiers(reading.part(given_identifiers, "identifiers"), today=today(work))
    details = person_form.read_details(reading.part(given_person, "person"), today=today(work))
    answers = _answers(work, reading, given_answers)
    reading.done()
    referral = await start(
        work,
        found,
        kind=kind,
        referrer_kind=referrer_kind,
        referrer_org=referrer_organisation or work.actor.organisation,
        known_by=known_by,
        details=details,
        answers=answers,
    )
    await _equality(work, referral.person_id, given_answers)
    return {
        "referral_id": str(referral.id),
        "case_id": str(referral.case_id),
        "person_id": str(referral.person_id),
        "case_reference": referral.case_reference,
        "version": referral.version + len(referral.news),
    }


async def start(
    work: Work,
    programme: Programme,
    *,
    kind: ReferralKind,
    referrer_kind: ReferrerKind,
    referrer_org: str,
    known_by: Identifiers,
    details: Details,
    answers: Answers,
) -> Referral:
    """Start a draft, whatever door it came through."""
    terms = programme.terms_on(today(work))
    if referrer_kind not in {ReferrerKind.PROBATION, *terms.referrer_kinds}:
        raise unmet("referrer_kind_not_allowed")
    if kind not in terms.kinds:
        raise Invalid(Fault("kind", "NOT_ALLOWED_FOR_PROGRAMME"))
    person = await find_or_record(work, known_by, details)
    referral = Referral(
        id=work.new_id(),
        case_id=work.new_id(),
        case_reference=case_reference(),
        person_id=person.id,
        programme_id=programme.id,
        kind=kind,
        referrer_kind=referrer_kind,
        referrer_org=referrer_org,
        started_by=work.actor.id,
        borough=answers.borough,
        answers=answers,
    ).start(at=work.now)
    await work.referrals.put(referral)
    return referral


def _answers(work: Work, reading: Reading, given: Mapping[str, object]) -> Answers:
    part = reading.part(given, "answers")
    part.read("ethnicity", ethnicity_of)
    read_gender(part)
    return read_answers(part, today=today(work))


async def _equality(work: Work, person_id: UUID, given: Mapping[str, object]) -> None:
    part = Reading(given)
    await answer_equality(
        work, person_id, ethnicity=part.read("ethnicity", ethnicity_of) or "", gender=read_gender(part)
    )


@command("referral.update_draft", _DRAFTERS)
async def update_draft(work: Work, referral_id: UUID, given_answers: Mapping[str, object], expected: int | None) -> int:
    """Change the answers of a draft."""
    referral = await _draft(work, referral_id, expected)
    reading = Reading({})
    answers = _answers(work, reading, given_answers)
    reading.done()
    value = referral.update(answers, at=work.now)
    await _equality(work, referral.person_id, given_answers)
    return await work.referrals.put(value)


@command("referral.record_told_and_willing", _DRAFTERS)
async def record_told_and_willing(
    work: Work,
    referral_id: UUID,
    *,
    told_on: date,
    told_how: ToldHow,
    willing: bool,
    expected: int | None,
) -> int:
    """The practitioner says that he told him, and whether he is willing."""
    referral = await _draft(work, referral_id, expected)
    told = Told(told_on=told_on, told_how=told_how, willing=willing, by_whom=work.actor.id)
    return await work.referrals.put(referral.record_told(told, at=work.now))


async def checked(work: Work, referral: Referral) -> guards.Checked:
    """Every guard of sending a referral, but the duplicate."""
    programme = await programme_of(work, referral)
    contact = await contact_of(work, referral.case_id)
    with for_judgement(work):
        person = await whole_person(work, referral.person_id)
    equality = await answers_for_equality(work, referral.person_id)
    known = Known(
        born=person.details.date_of_birth,
        gender=equality.gender if equality else None,
        borough=referral.answers.borough,
        rosh=referral.answers.rosh,
        referrer_kind=referral.referrer_kind,
        screening=await current_screening(work, referral.person_id),
    )
    case = guards.Case(
        referral=referral,
        person=person,
        contact=contact,
        known=known,
        rules=programme.rules_on(today(work)),
        phases=await work.phases.find(programme_id=programme.id),
    )
    return guards.check(case, on=today(work))


async def place(work: Work, referral: Referral) -> Placing:
    """Where he waits, by the rules of waiting in force today."""
    policy, version = (await programme_of(work, referral)).waiting_on(today(work))
    with for_judgement(work):
        person = await known_as(work, referral.person_id)
    return Placing(
        base=await _base(work, policy, person.id, person.details.date_of_birth),
        policy_version=version,
        step_days=policy.step_days,
    )


async def _base(work: Work, policy: Priority, person_id: UUID, born: date | None) -> Band:
    if not policy.focus:
        return Band.P3
    answered = await answers_for_equality(work, person_id)
    return base_band(
        ethnicity=answered.ethnicity if answered else "",
        born=born,
        submitted_on=today(work),
        include_w3_w5=policy.include_w3_w5,
    )


def clock(work: Work) -> Clock:
    """The promises of triage: acknowledged within one working day, decided within five."""
    return Clock(
        started_at=work.now,
        acknowledge_by=end_of_day(working_days_due(work.now, L1_DAYS)),
        due_at=end_of_day(working_days_due(work.now, L2_DAYS)),
    )


async def _sendable(work: Work, referral: Referral) -> tuple[guards.Checked, bool]:
    """The guards hold; whether a duplicate the caller may not know of is open. One he may know of refuses."""
    found = await checked(work, referral)
    found.refuse()
    others = await duplicates_of(work, referral)
    for reference, visible in others:
        if visible:
            raise Exists("duplicate_open", f"Another is open for him: {reference}.", reference=reference)
    return found, bool(others)


@command("referral.submit", _DRAFTERS)
async def submit_referral(work: Work, referral_id: UUID, expected: int | None) -> dict[str, object]:
    """Send a draft to triage."""
    referral = await _draft(work, referral_id, expected)
    found, duplicate = await _sendable(work, referral)
    return await send(work, referral, found, duplicate=duplicate)


async def send(work: Work, referral: Referral, found: guards.Checked, *, duplicate: bool) -> dict[str, object]:
    """Send it, its guards having been asked."""
    placing = await place(work, referral)
    value = referral.submit(found.verdict, placing, clock(work), duplicate=duplicate, at=work.now)
    return _sent(await work.referrals.put(value), value, found)


def _sent(version: int, value: Referral, found: guards.Checked) -> dict[str, object]:
    return {
        "version": version,
        "decision": found.verdict.decision.value,
        "rule_ids": [rule.value for rule in found.verdict.rule_ids],
        "warnings": list(found.verdict.warnings),
        "due_on": due_on(value),
    }


def due_on(referral: Referral) -> str:
    """The day by which triage is promised to decide."""
    # The promise runs to the end of a day: an instant just before it lies on that day.
    return "" if referral.due_at is None else local_date(referral.due_at - _MOMENT).isoformat()


@command("referral.reopen", by("PP own, PW own, SM"))
async def reopen_referral(work: Work, referral_id: UUID, note: str, expected: int | None) -> int:
    """Send an ended referral to triage again."""
    referral = await work.referrals.get(referral_id, expected)
    referral.must_be_reopenable(work.now)
    found, duplicate = await _sendable(work, referral)
    value = referral.reopen(
        found.verdict, await place(work, referral), clock(work), note=note, duplicate=duplicate, at=work.now
    )
    return await work.referrals.put(value)
