"""Plausible values of the notifications domain; one argument to differ."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from notifications.domain.codes import Channel, Kind, Urgency
from notifications.domain.lint import Pack, Reader, Smell, Term
from notifications.domain.notice import Notice
from notifications.domain.template import Template, Text
from notifications.domain.timing import Leaves, Policy, Step, To, Unit, Wait

MONDAY = datetime(2026, 3, 2, 10, tzinfo=UTC)
DAY = date(2026, 3, 2)
SECOND = timedelta(seconds=1)
FROM = date(2020, 4, 1)
PACK = Pack(
    version="1",
    terms=(
        Term(term="offender", smell=Smell.STIGMA, prefer="person on probation"),  # codespell:ignore
        Term(term="personality disorder", smell=Smell.DIAGNOSIS),
        Term(term="probation", smell=Smell.REVEALS_SERVICE),
    ),
)
SAFETY = Policy(
    urgency=Urgency.SAFETY,
    valid_from=FROM,
    version="1",
    leaves=Leaves.AT_ONCE,
    steps=(
        Step(to=To.BACKUP, wait=Wait(unit=Unit.MINUTES, amount=5)),
        Step(to=To.SM, wait=Wait(unit=Unit.MINUTES, amount=10)),
        Step(to=To.EVERY_SM, wait=Wait(unit=Unit.MINUTES, amount=15), every=15),
    ),
    use_by_hours=24,
    handed_within_minutes=1,
)
TODAY = Policy(
    urgency=Urgency.TODAY,
    valid_from=FROM,
    version="1",
    leaves=Leaves.OUTSIDE_QUIET_HOURS,
    steps=(
        Step(to=To.NEXT_CHANNEL, wait=Wait(unit=Unit.MINUTES, amount=120)),
        Step(to=To.SM, wait=Wait(unit=Unit.WORKING_HOURS, amount=4)),
        Step(to=To.SM, wait=Wait(unit=Unit.NEXT_WORKING_DAY_AT, amount=10)),
    ),
    use_by_hours=72,
    handed_within_minutes=15,
)


def a_notice(**given: Any) -> Notice:
    """A notice to a worker, asked for on a Monday morning, wanting an acknowledgement."""
    fitting: dict[str, Any] = {
        "id": uuid4(),
        "event_id": uuid4(),
        "fact": "referral.deadline_missed",
        "about": "L1",
        "subject_id": uuid4(),
        "case_id": uuid4(),
        "person_id": uuid4(),
        "recipient_kind": Kind.STAFF,
        "recipient_ref": "staff-ew-1",
        "recipient_role": "EW",
        "chain": "staff-ew-1",
        "template": "promise-missed",
        "channel": Channel.EMAIL,
        "channels": "E",
        "urgency": Urgency.TODAY,
        "ack_wanted": True,
        "anchor_at": MONDAY,
        "requested_at": MONDAY,
        "send_after": MONDAY,
        "use_by": MONDAY + timedelta(days=3),
    }
    return Notice(**fitting | given)


def a_sending_notice(**given: Any) -> Notice:
    """One whose channel is being called."""
    asked = a_notice(**given).request(at=MONDAY).schedule(at=MONDAY)
    return asked.render(1, at=MONDAY).claim(asked.id, at=MONDAY)


def a_template(*, body: str = "Case {reference}: {what}.", **given: Any) -> Template:
    """A draft in words nobody minds."""
    fitting: dict[str, Any] = {
        "id": uuid4(),
        "name": "promise-missed",
        "number": 2,
        "reader": Reader.STAFF,
        "texts": (Text(channel=Channel.EMAIL, subject="Case {reference}", body=body),),
        "drafted_by": "staff-sm-1",
    }
    return Template(**fitting | given)


def stored(value: Any) -> Any:
    """The value as the next work reads it: its news told."""
    return replace(value, version=value.version + len(value.news), news=())


def an_id(number: int) -> UUID:
    """An id that reads well."""
    return UUID(f"0195b3f0-0000-7000-8000-{number:012d}")
