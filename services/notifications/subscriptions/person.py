"""Facts of a person: what he agreed to, how he is reached safely, who may know of him, and prompts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from chassis.hearing import Heard
from chassis.projection import Row
from notifications import commands, projections
from notifications.domain import words
from notifications.storage import Work
from notifications.subscriptions.group import HEARS, day_of, fact_of, kept_by, person_of
from throughcare.referral.v1 import events_pb2 as referral

_CONSENTS: dict[type[Any], tuple[str, str]] = {
    referral.ConsentGranted: ("consent.granted", "GRANTED"),
    referral.ConsentDeclined: ("consent.declined", "DECLINED"),
    referral.ConsentWithdrawn: ("consent.withdrawn", "WITHDRAWN"),
    referral.ConsentExpired: ("consent.expired", "EXPIRED"),
    referral.ConsentExpiring: ("consent.expiring", ""),
}


@HEARS.projection(referral.ConsentGranted, referral.ConsentDeclined, referral.ConsentWithdrawn, referral.ConsentExpired)
def consent(heard: Heard[Any]) -> Iterable[Row]:
    """By which channels he agreed to be written to; and that he was asked again."""
    name, state = _CONSENTS[type(heard.message)]
    if heard.message.purpose == "CONTACT":
        yield from projections.contact_consent(
            person_id=person_of(heard),
            scope_codes=heard.message.scope_codes,
            state=state,
            version=heard.message.version,
            seq=heard.seq,
        )
    yield from kept_by(name, heard, person_of(heard))


@HEARS.command(referral.ConsentGranted, referral.ConsentDeclined, referral.ConsentWithdrawn, referral.ConsentExpiring)
async def tell_of_consent(work: Work, heard: Heard[Any]) -> None:
    """Who works with him hears, in each of his open cases that it touches; the practitioner never."""
    name, _ = _CONSENTS[type(heard.message)]
    review = day_of(heard.message.review_on)
    fact = fact_of(
        name,
        heard,
        due_on=words.written(review) if review else "",
        programme_id=heard.message.programme_id,
        only_with_a_case=True,
    )
    await commands.request_notices.inside(work, fact)


@HEARS.projection(referral.PersonSafeContactSet)
def safe_contact(heard: Heard[referral.PersonSafeContactSet]) -> Iterable[Row]:
    """How he can be reached safely."""
    message = heard.message
    return projections.safe_contact(
        person_id=person_of(heard),
        channels=message.channels,
        days=message.days,
        from_hour=message.from_hour,
        to_hour=message.to_hour,
        voicemail=message.voicemail,
        unnamed=message.unnamed,
        version=message.version,
        seq=heard.seq,
    )


@HEARS.projection(referral.PersonDetailsChanged)
def person_flags(heard: Heard[referral.PersonDetailsChanged]) -> Iterable[Row]:
    """Whether he has died."""
    return projections.person_flags(
        person_id=person_of(heard), deceased=heard.message.deceased, version=heard.message.version, seq=heard.seq
    )


@HEARS.command(referral.PersonDetailsChanged)
async def stop_for_death(work: Work, heard: Heard[referral.PersonDetailsChanged]) -> None:
    """A death stops all notices at once."""
    if heard.message.deceased:
        await commands.stop_notices.inside(work, person_of(heard))


@HEARS.projection(referral.PersonMerged)
def merged(heard: Heard[referral.PersonMerged]) -> Iterable[Row]:
    """Two records are of one man; what is told of the first concerns the second."""
    message = heard.message
    return projections.merged(
        old_id=UUID(message.from_person_id), into_id=UUID(message.to_person_id), version=message.version
    )


@HEARS.command(referral.PersonMerged)
async def stop_joined(work: Work, heard: Heard[referral.PersonMerged]) -> None:
    """Where he has died, nothing more leaves under either record."""
    await commands.stop_joined.inside(work, UUID(heard.message.to_person_id))


@HEARS.projection(referral.PersonUnmerged)
def unmerged(heard: Heard[referral.PersonUnmerged]) -> Iterable[Row]:
    """They are of two men after all."""
    message = heard.message
    return projections.merged(old_id=UUID(message.from_person_id), into_id=None, version=message.version)


@HEARS.command(referral.PromptRaised)
async def tell_of_prompt(work: Work, heard: Heard[referral.PromptRaised]) -> None:
    """Who sees its kind hears."""
    kind = heard.message.kind
    await commands.request_notices.inside(work, fact_of("prompt.raised", heard, about=kind, what=words.prompt(kind)))


@HEARS.command(referral.PromptDone, referral.PromptDismissed)
async def answer_with_prompt(work: Work, heard: Heard[Any]) -> None:
    """What was open of it is answered."""
    name = "prompt.done" if isinstance(heard.message, referral.PromptDone) else "prompt.dismissed"
    await commands.request_notices.inside(work, fact_of(name, heard))


@HEARS.projection(referral.AccessListChanged)
def access_list(heard: Heard[referral.AccessListChanged]) -> Iterable[Row]:
    """Who may or may not know of him."""
    return projections.access_list(
        person_id=person_of(heard),
        listed=heard.message.list,
        entries=heard.message.entries,
        version=heard.message.version,
        seq=heard.seq,
    )
