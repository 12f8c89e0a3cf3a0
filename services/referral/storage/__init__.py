"""Which aggregate lives in which table, whose key seals it, and who may see it."""

from __future__ import annotations

from chassis.repository import Repository
from chassis.work import Work as ChassisWork
from referral.domain.access_list import AccessList
from referral.domain.consent import Consent
from referral.domain.equality import EqualityAnswers
from referral.domain.feeds import Feeds
from referral.domain.merge import Merge
from referral.domain.person import Person
from referral.domain.practitioner import PractitionerContact
from referral.domain.programme import Programme
from referral.domain.prompt import Prompt
from referral.domain.referral import Referral
from referral.domain.rollout import RolloutPhase
from referral.domain.screening import ScreeningEvidence
from referral.storage.relations import (
    ACCESS,
    CONSENTS,
    CONTACTS,
    EVERYBODY,
    MERGES,
    MERGES_FROM,
    PEOPLE,
    PROMPTS,
    REFERRALS,
    SCREENINGS,
    UNLISTED,
)
from referral.storage.tables import (
    ACCESS_LIST,
    AGREEMENTS,
    CASE_COVER,
    CASE_WORKER,
    CONSENT,
    CONTACT,
    EQUALITY,
    FEEDS,
    LISTS,
    MERGE,
    MERGED,
    OFFER,
    ONWARD,
    ONWARD_STATE,
    OPEN_WORK,
    PERSON,
    PHASE,
    PROGRAMME,
    PROMPT,
    REFERRAL,
    SAME,
    SCREENING,
    metadata,
)

__all__ = [
    "ACCESS_LIST",
    "AGREEMENTS",
    "CASE_COVER",
    "CASE_WORKER",
    "CONSENT",
    "CONSENTS",
    "CONTACT",
    "EVERYBODY",
    "IDENTIFIERS",
    "MERGE",
    "MERGED",
    "MERGES",
    "MERGES_FROM",
    "OFFER",
    "ONWARD",
    "ONWARD_STATE",
    "OPEN_WORK",
    "PEOPLE",
    "PERSON",
    "PROGRAMME",
    "PROMPT",
    "PROMPTS",
    "REFERRAL",
    "REFERRALS",
    "SAME",
    "SCREENING",
    "SCREENINGS",
    "UNLISTED",
    "Work",
    "metadata",
]

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
        sealed=(*IDENTIFIERS, "details", "channels", "safe_contact", "narrowings"),
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
    merges = Repository(Merge, MERGE, kind="person_merge", records=MERGES)
    feeds = Repository(Feeds, FEEDS, kind="feeds")
