"""Values that tests of the referral service start from; all of it made up."""

import os
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from referral.domain import policies
from referral.domain.answers import Answers
from referral.domain.codes import Gender, ReferralKind, ReferrerKind, Rosh, ToldHow
from referral.domain.eligibility import Known, Rules, judge
from referral.domain.policies import Policy, PolicyKind
from referral.domain.practitioner import Practitioner, PractitionerContact
from referral.domain.priority import Band
from referral.domain.programme import Programme
from referral.domain.referral import Referral
from referral.domain.referral_facts import Clock
from referral.domain.referral_parts import Placing, Told
from referral.domain.screening import Held, Result, Source

NOW = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)  # a Monday, 10:00 in London
TODAY = NOW.date()
SCREENED_IN = Held(source=Source.OASYS_EVENT, completed_on=date(2026, 5, 1), result=Result.SCREENED_IN)


def shared_data() -> Path:
    """The folder of real input data; the test is skipped where there is none."""
    given = os.environ.get("THROUGHCARE_DATA")
    folder = Path(given) if given else Path(__file__).parents[3] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no shared data: set THROUGHCARE_DATA to its folder")
    return folder


def settled(value):
    """The value as it is read back: its news told."""
    return replace(value, version=value.version + len(value.news), news=())


def a_referral(**changes: object) -> Referral:
    given = {
        "id": uuid4(),
        "case_id": uuid4(),
        "case_reference": "7KQ2-M9RJ",
        "person_id": uuid4(),
        "programme_id": uuid4(),
        "kind": ReferralKind.PERSON_SUPPORT,
        "referrer_kind": ReferrerKind.PROBATION,
        "referrer_org": "probation",
        "started_by": "pp-1",
    }
    return settled(Referral(**{**given, **changes}).start(at=NOW))


def told(*, willing: bool = True, on: date = TODAY) -> Told:
    return Told(told_on=on, told_how=ToldHow.FACE_TO_FACE, willing=willing, by_whom="pp-1")


def known(**changes: object) -> Known:
    given = {
        "born": date(1990, 1, 10),
        "gender": Gender.MALE,
        "borough": "E09000007",
        "rosh": Rosh.HIGH,
        "referrer_kind": ReferrerKind.PROBATION,
        "screening": SCREENED_IN,
    }
    return Known(**{**given, **changes})


def rules(**changes: object) -> Rules:
    return Rules(**{"policy_version": "EERSS-E1", "gender_criterion": True, **changes})


PASSED = judge(known(), rules(), on=TODAY)
PLACING = Placing(base=Band.P3, policy_version="EERSS-P1", step_days=30)
CLOCK = Clock(started_at=NOW, acknowledge_by=NOW + timedelta(days=1), due_at=NOW + timedelta(days=7))


def a_policy(content: policies.Content, *, start: date, end: date | None = None, by: str = "staff-sm-1") -> Policy:
    return Policy(id=uuid4(), valid_from=start, valid_to=end, content=content, drafted_by=by)


def published(programme: Programme, content: policies.Content, *, start: date, end: date | None = None) -> Programme:
    policy = a_policy(content, start=start, end=end)
    drafted = programme.draft(policy, at=NOW)
    return settled(drafted.publish(policy.id, PolicyKind(content.kind), by="staff-sm-2", at=NOW))


def a_programme(**terms: object) -> Programme:
    given = policies.Terms(**{"name": "Engagement service", **terms})
    return published(Programme(id=uuid4(), code="EERSS"), given, start=date(2020, 4, 1))


def a_practitioner(name: str = "Alex Moore") -> Practitioner:
    return Practitioner(ref="pp-" + name.lower().replace(" ", "-"), name=name, email="alex.moore@justice.gov.uk")


def a_contact(case_id: UUID, person_id: UUID) -> PractitionerContact:
    value = PractitionerContact(id=uuid4(), case_id=case_id, person_id=person_id)
    return settled(value.assign(a_practitioner(), starts_on=TODAY, at=NOW))


def some_answers(**changes: object) -> Answers:
    return Answers(**{"borough": "E09000007", "rosh": Rosh.HIGH, **changes})
