"""What is known of a person, by sharing category (rules.md 11): each field belongs to exactly one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import date
from typing import TYPE_CHECKING

from referral.domain.codes import Category

if TYPE_CHECKING:
    from referral.domain.answers import Answers
    from referral.domain.person import Person

Value = str | int | bool | date | tuple[object, ...] | None


def _contact(person: Person) -> Mapping[str, Value]:
    of, reached, safe = person.details, person.channels, person.safe_contact
    agreed: dict[str, Value] = {} if safe is None else {
        "allowed_channels": safe.channels,
        "allowed_days": safe.days,
        "from_hour": safe.from_hour,
        "to_hour": safe.to_hour,
        "voicemail": safe.voicemail,
        "unnamed": safe.unnamed,
    }  # fmt: skip
    # After a death nobody is to be reached.
    channels: dict[str, Value] = {} if person.deceased else {
        "phone": reached.phone,
        "email": reached.email,
        "letter_address": reached.letter_address,
        **agreed,
    }  # fmt: skip
    return {
        "preferred_name": person.name,
        "given_names": of.given_names,
        "family_name": of.family_name,
        "pronouns": of.pronouns,
        "pronouns_other": of.pronouns_other,
        "date_of_birth": of.date_of_birth,
        "crn": person.crn,
        "prison_number": person.prison_number,
        "nhs_number": person.nhs_number,
        "address": of.address,
        "postcode": of.postcode,
        "borough": of.borough,
        "language": of.language,
        "interpreter": of.interpreter,
        "communication_needs": of.communication_needs,
        **channels,
    }


def _risk(answers: Answers, _: date) -> Mapping[str, Value]:
    return {
        "rosh": answers.rosh,
        "rosh_assessed_on": answers.rosh_assessed_on,
        "mappa": answers.mappa,
        "risk_to_staff": answers.risk_to_staff,
        "lone_working": answers.lone_working,
        "risk_summary": answers.risk_summary,
    }


def _licence(answers: Answers, _: date) -> Mapping[str, Value]:
    return {
        "licence_type": answers.licence_type,
        "licence_start_on": answers.licence_start_on,
        "licence_end_on": answers.licence_end_on,
        "condition_codes": answers.condition_codes,
    }


def _months_left(end: date | None, today: date) -> int | None:
    """Whole months, so that a placement of twelve fits where twelve are left."""
    if end is None or end < today:
        return None
    months = (end.year - today.year) * 12 + end.month - today.month
    return months - (end.day < today.day)


def _housing(answers: Answers, today: date) -> Mapping[str, Value]:
    return {"licence_months_left": _months_left(answers.licence_end_on, today)}


def _words(answers: Answers, _: date) -> Mapping[str, Value]:
    return {"own_words": answers.own_words}


_OF_ANSWERS: Mapping[Category, Callable[[Answers, date], Mapping[str, Value]]] = {
    Category.RISK_SUMMARY: _risk,
    Category.LICENCE_STATUS: _licence,
    Category.HOUSING_NEEDS: _housing,
    Category.OWN_WORDS: _words,
}
HELD = frozenset({Category.CONTACT_DETAILS, *_OF_ANSWERS})


# Every answer belongs to one category, whoever looks at it here; those that no other house reads included.
_OF_EACH: Mapping[Category, tuple[str, ...]] = {
    Category.CONTACT_DETAILS: ("borough",),
    Category.RISK_SUMMARY: ("rosh", "rosh_assessed_on", "mappa", "risk_to_staff", "lone_working", "risk_summary"),
    Category.LICENCE_STATUS: (
        "sentence_type",
        "licence_type",
        "licence_start_on",
        "licence_end_on",
        "condition_codes",
    ),
    Category.RECALL_STATUS: ("prison", "expected_release_on", "recalls_last_year"),
    Category.PLAN_GOALS: ("needs",),
    Category.OWN_WORDS: ("own_words",),
}
ANSWERED = frozenset(_OF_EACH)


def let_of(answers: Answers, categories: Collection[str]) -> Answers:
    """The answers of these categories alone; of the others as if nothing had been answered."""
    let = {name for category, names in _OF_EACH.items() if category in categories for name in names}
    return type(answers)(**{name: getattr(answers, name) for name in let})


def detail_of(
    person: Person, answers: Answers | None, categories: Collection[Category], *, today: date
) -> dict[str, Value]:
    """The fields of these categories that have a value; what is not known is absent, as is what was not asked for."""
    found: dict[str, Value] = {}
    if Category.CONTACT_DETAILS in categories:
        found |= _contact(person)
    for category, held in _OF_ANSWERS.items():
        if answers is not None and category in categories:
            found |= held(answers, today)
    return {name: value for name, value in found.items() if not (value is None or value is False or value in ("", ()))}
