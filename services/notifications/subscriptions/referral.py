"""Facts of a referral and of who is responsible for the man."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from chassis.calendar import local_date
from chassis.hearing import Heard
from chassis.projection import Row
from notifications import commands, projections
from notifications.domain import words
from notifications.storage import Work
from notifications.subscriptions.group import HEARS, case_of, day_of, ended_by, fact_of, kept_by, person_of
from throughcare.referral.v1 import events_pb2 as referral


@HEARS.projection(referral.ReferralSubmitted, referral.ReferralReopened)
def case_opened(heard: Heard[Any]) -> Iterable[Row]:
    """What the case is called, whom it is about, and who referred him."""
    of, message = heard.envelope, heard.message
    yield from projections.case_opened(
        case_id=case_of(heard),
        person_id=person_of(heard),
        reference=message.case_reference,
        programme_id=message.programme_id,
        seq=heard.seq,
    )
    yield from projections.case_person(
        case_id=case_of(heard),
        kind="REFERRER",
        ref=of.actor_ref,
        role=of.actor_role,
        organisation=message.referrer_org,
        starts_on=local_date(of.occurred_at),
        seq=heard.seq,
    )
    yield from ended_by(heard, ended=False)


@HEARS.command(referral.ReferralSubmitted)
async def tell_of_submitted(work: Work, heard: Heard[referral.ReferralSubmitted]) -> None:
    """Triage hears of it."""
    given = {"reference": words.reference(heard.message.case_reference)}
    await commands.request_notices.inside(work, fact_of("referral.submitted", heard, filling=given))


@HEARS.command(referral.ReferralReopened)
async def tell_of_reopened(work: Work, heard: Heard[referral.ReferralReopened]) -> None:
    """Triage hears of it, as of a new one."""
    given = {"reference": words.reference(heard.message.case_reference)}
    await commands.request_notices.inside(work, fact_of("referral.reopened", heard, filling=given))


@HEARS.projection(referral.ReferralTriageStarted)
def triage_kept(heard: Heard[referral.ReferralTriageStarted]) -> Iterable[Row]:
    """It was acknowledged."""
    return kept_by("referral.triage_started", heard, case_of(heard))


@HEARS.command(referral.ReferralTriageStarted)
async def tell_of_triage(work: Work, heard: Heard[referral.ReferralTriageStarted]) -> None:
    """The referrer hears; what was told of its arrival is answered."""
    await commands.request_notices.inside(work, fact_of("referral.triage_started", heard))


@HEARS.projection(referral.ReferralAccepted)
def acceptance_kept(heard: Heard[referral.ReferralAccepted]) -> Iterable[Row]:
    """It was decided."""
    return kept_by("referral.accepted", heard, case_of(heard))


@HEARS.command(referral.ReferralAccepted)
async def tell_of_accepted(work: Work, heard: Heard[referral.ReferralAccepted]) -> None:
    """The referrer hears."""
    await commands.request_notices.inside(work, fact_of("referral.accepted", heard, what="it is accepted"))


@HEARS.projection(referral.ReferralDeclined)
def declined_ends(heard: Heard[referral.ReferralDeclined]) -> Iterable[Row]:
    """The case ends."""
    yield from ended_by(heard, ended=True)
    yield from kept_by("referral.declined", heard, case_of(heard))


@HEARS.command(referral.ReferralDeclined)
async def tell_of_declined(work: Work, heard: Heard[referral.ReferralDeclined]) -> None:
    """The referrer hears, by the group of the reason alone."""
    what = f"it is declined, {words.group(heard.message.reason_group)}"
    await commands.request_notices.inside(work, fact_of("referral.declined", heard, what=what))


@HEARS.projection(referral.ReferralRedirected)
def redirected_ends(heard: Heard[referral.ReferralRedirected]) -> Iterable[Row]:
    """The case ends here."""
    yield from ended_by(heard, ended=True)
    yield from kept_by("referral.redirected", heard, case_of(heard))


@HEARS.command(referral.ReferralRedirected)
async def tell_of_redirected(work: Work, heard: Heard[referral.ReferralRedirected]) -> None:
    """The referrer hears, by the group of the reason alone; where the way leads on is not said."""
    what = f"another service is asked, {words.group(heard.message.reason_group)}"
    await commands.request_notices.inside(work, fact_of("referral.redirected", heard, what=what))


@HEARS.projection(referral.ReferralWithdrawn)
def withdrawn_ends(heard: Heard[referral.ReferralWithdrawn]) -> Iterable[Row]:
    """The case ends."""
    yield from ended_by(heard, ended=True)
    yield from kept_by("referral.withdrawn", heard, case_of(heard))


@HEARS.command(referral.ReferralWithdrawn)
async def tell_of_withdrawn(work: Work, heard: Heard[referral.ReferralWithdrawn]) -> None:
    """Who works on it hears, by the group of the reason; nobody is told who withdrew."""
    what = words.group(heard.message.reason_group)
    await commands.request_notices.inside(work, fact_of("referral.withdrawn", heard, what=what))


@HEARS.command(referral.ReferralExpiring)
async def tell_of_expiring(work: Work, heard: Heard[referral.ReferralExpiring]) -> None:
    """Who started it hears."""
    ends = day_of(heard.message.expires_on)
    fact = fact_of("referral.expiring", heard, what="it will end", due_on=words.written(ends) if ends else "")
    await commands.request_notices.inside(work, fact)


@HEARS.command(referral.ReferralExpired)
async def tell_of_expired(work: Work, heard: Heard[referral.ReferralExpired]) -> None:
    """Who started it hears."""
    on = words.written(heard.envelope.occurred_at)
    await commands.request_notices.inside(work, fact_of("referral.expired", heard, what="it has ended", due_on=on))


def _practitioner(heard: Heard[Any], kind: str) -> Iterable[Row]:
    return projections.case_person(
        case_id=case_of(heard),
        kind=kind,
        ref=heard.message.practitioner_ref,
        role="PP",
        starts_on=date.fromisoformat(heard.message.starts_on),
        ends_on=day_of(heard.message.ends_on),
        seq=heard.seq,
    )


@HEARS.projection(referral.PractitionerAssigned, referral.PractitionerChanged)
def practitioner(heard: Heard[Any]) -> Iterable[Row]:
    """Who his practitioner is."""
    return _practitioner(heard, "PRACTITIONER")


@HEARS.projection(referral.PractitionerCoverSet)
def practitioner_cover(heard: Heard[referral.PractitionerCoverSet]) -> Iterable[Row]:
    """Who covers for his practitioner on dated days."""
    return _practitioner(heard, "PRACTITIONER_COVER")


_PRACTITIONERS: dict[type[Any], tuple[str, str]] = {
    referral.PractitionerAssigned: ("practitioner.assigned", "a practitioner is named"),
    referral.PractitionerChanged: ("practitioner.changed", "another practitioner is named"),
    referral.PractitionerCoverSet: ("practitioner.cover_set", "a practitioner covers"),
}


@HEARS.command(referral.PractitionerAssigned, referral.PractitionerChanged, referral.PractitionerCoverSet)
async def tell_of_practitioner(work: Work, heard: Heard[Any]) -> None:
    """The new practitioner and the worker hear; open notices move."""
    name, what = _PRACTITIONERS[type(heard.message)]
    fact = fact_of(name, heard, what=what, practitioner=heard.message.practitioner_ref)
    await commands.request_notices.inside(work, fact)
