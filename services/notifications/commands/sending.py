"""Claim, call, record: what is to be sent is claimed and committed before its channel is called, and what the channel
said is recorded afterwards. A crash between the two leaves a claim, and in time an unknown, never a second letter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from chassis import telemetry
from chassis.access import by
from chassis.work import command
from notifications.domain.audience import Recipient
from notifications.domain.codes import Channel, Failure, Kind, Suppression, Urgency
from notifications.domain.letter import Answer, Letter, Outcome, Part
from notifications.domain.notice import Notice, Status
from notifications.domain.template import Status as TemplateStatus
from notifications.domain.template import Template, fill
from notifications.storage import LOCK_NOTICES, Work

if TYPE_CHECKING:
    from uuid import UUID

Templates = Mapping[tuple[str, int], Template]
HOUSE = by("SYSTEM")
MOST = 16
# Not before its time, while it is of use, with an approved template, and while nothing of the person is held.
_DUE = """
select id, urgency, recipient_kind, recipient_ref from notice
where channel = any($1) and status in ('SCHEDULED', 'RENDERED', 'TEMPORARY_FAILURE')
    and send_after <= $2 and use_by > $2
    and exists (select 1 from template where name = notice.template and template.status = 'APPROVED')
    and not exists (select 1 from parked where parked.key = notice.person_id::text)
    and not exists (select 1 from same_person join parked on parked.key = other_id::text
        where same_person.person_id = notice.person_id)
order by array_position(array['SAFETY', 'TODAY', 'ROUTINE', 'DIGEST'], urgency), send_after, id
limit $3 for update skip locked
"""
_DIGEST = """
select id from notice
where channel = any($1) and status in ('SCHEDULED', 'RENDERED', 'TEMPORARY_FAILURE')
    and send_after <= $2 and use_by > $2
    and urgency = 'DIGEST' and recipient_ref = any($3)
    and exists (select 1 from template where name = notice.template and template.status = 'APPROVED')
    and not exists (select 1 from parked where parked.key = notice.person_id::text)
    and not exists (select 1 from same_person join parked on parked.key = other_id::text
        where same_person.person_id = notice.person_id)
order by id limit 500 for update skip locked
"""
_LAPSED = """
select id from notice where channel = any($1) and status = 'SENDING' and lease_until <= $2
order by id limit $3 for update skip locked
"""
_UNKNOWN = "select channel, count(*) as n from notice where status = 'UNKNOWN' and channel = any($1) group by channel"


@command("notice.claim", HOUSE)
async def claim_notices(work: Work, channels: Sequence[Channel], tells: frozenset[Channel]) -> list[Letter]:
    """What these channels are to be called for now. `tells` are those that can say what became of a reference."""
    names = [channel.value for channel in channels]
    letters = await _lapsed(work, names, tells)
    ids = await _due(work, names)
    notices = await work.notices.find(id=tuple(ids)) if ids else []
    templates = await _templates(work, notices)
    rendered = [await _rendered(work, notice, templates) for notice in notices]
    for letter_of in _together([each for each in rendered if each is not None]):
        letters += await _claimed(work, letter_of, templates)
    await _count_unknown(work, names)
    return letters


@command("notice.record", HOUSE)
async def record_answer(work: Work, letter: Letter, outcome: Outcome) -> None:
    """What a channel answered. An answer to an attempt that is over changes nothing and stands in the audit."""
    if outcome.answer is Answer.SILENCE:
        return
    await work.conn.fetch(LOCK_NOTICES, [part.notice_id for part in letter.parts])
    for part in letter.parts:
        notice = await work.notices.get(part.notice_id)
        if notice.status is not Status.SENDING or notice.attempts != part.attempt:
            work.audit("notice.record", record=part.notice_id, outcome=f"late:{outcome.answer.value}")
            continue
        await work.notices.put(_answered(notice, outcome, work))
    telemetry.count("notices", len(letter.parts), channel=letter.channel, outcome=outcome.answer)


def _answered(notice: Notice, outcome: Outcome, work: Work) -> Notice:
    reason = outcome.reason or Failure.REFUSED
    match outcome.answer:
        case Answer.DELIVERED:
            return notice.send(at=work.now).deliver(at=work.now)
        case Answer.NOT_NOW:
            return notice.fail_for_now(reason, at=work.now)
        case Answer.NEVER:
            return notice.fail_for_good(reason, at=work.now)
        case Answer.BROKEN:
            return notice.fail_technically(reason, at=work.now)
        case _:
            return notice.send(at=work.now)


async def _lapsed(work: Work, channels: list[str], tells: frozenset[Channel]) -> list[Letter]:
    """Claims whose answer never came: lost, or asked after where their channel can tell."""
    rows = await work.conn.fetch(_LAPSED, channels, work.now, MOST)
    letters = []
    for notice in await work.notices.find(id=tuple(row["id"] for row in rows)) if rows else []:
        if notice.channel in tells:
            await work.notices.put(notice.ask(at=work.now))
            letters.append(_asking(notice))
        else:
            await work.notices.put(notice.lose(at=work.now))
            telemetry.count("notices", channel=notice.channel, outcome="UNKNOWN")
    return letters


def _asking(notice: Notice) -> Letter:
    return Letter(
        reference=notice.letter or notice.id,
        channel=notice.channel,
        kind=notice.recipient_kind,
        ref=notice.recipient_ref,
        case_id=notice.case_id,
        subject="",
        body="",
        parts=(Part(notice_id=notice.id, attempt=notice.attempts),),
        asks=True,
    )


async def _due(work: Work, channels: list[str]) -> list[UUID]:
    rows = await work.conn.fetch(_DUE, channels, work.now, MOST)
    ids = {row["id"] for row in rows}
    digests = [row["recipient_ref"] for row in rows if row["urgency"] == Urgency.DIGEST]
    if digests:
        ids |= {row["id"] for row in await work.conn.fetch(_DIGEST, channels, work.now, digests)}
    return sorted(ids)


async def _templates(work: Work, notices: Iterable[Notice]) -> Templates:
    """Every version of the templates of these notices, by name and number; the approved one also as number 0."""
    names = tuple({notice.template for notice in notices})
    held = await work.templates.find(name=names) if names else []
    found = {(template.name, template.number): template for template in held}
    return found | {(each.name, 0): each for each in held if each.status is TemplateStatus.APPROVED}


async def _rendered(work: Work, notice: Notice, templates: Templates) -> Notice | None:
    """Judged again; then with the approved version of its template. None where it is suppressed."""
    if (reason := await _judged(work, notice)) is not None:
        await work.notices.put(notice.suppress(reason, at=work.now))
        return None
    if notice.status is Status.SCHEDULED:
        return notice.render(templates[notice.template, 0].number, at=work.now)
    return notice


async def _judged(work: Work, notice: Notice) -> Suppression | None:
    """What has changed since it was asked for."""
    around = await work.around(notice.case_id, notice.person_id)
    recipient = Recipient(
        kind=notice.recipient_kind,
        ref=notice.recipient_ref,
        role=notice.recipient_role,
        organisation=notice.recipient_organisation,
    )
    if around.deceased:
        return Suppression.DECEASED
    if around.circle.lists.hide_from(recipient):
        return Suppression.CASE_RESTRICTED
    return Suppression.RECIPIENT_LEFT if around.circle.has_left(recipient) else None


def _together(notices: list[Notice]) -> list[list[Notice]]:
    """Notices that leave as one letter: each by itself, but the digests of one recipient and channel."""

    def intent(notice: Notice) -> tuple[str, ...]:
        if notice.urgency is not Urgency.DIGEST:
            return (str(notice.id),)
        return (notice.recipient_kind, notice.recipient_ref, notice.channel)

    return [list(group) for _, group in groupby(sorted(notices, key=intent), key=intent)]


async def _claimed(work: Work, notices: list[Notice], templates: Templates) -> list[Letter]:
    """Taken and committed with this work; what has no text or no address fails without a call."""
    address, failure = await _address(work, notices[0])
    reference, ready, texts = notices[0].id, [], []
    for notice in notices:
        claimed = notice.claim(reference, at=work.now)
        text = templates[notice.template, notice.template_version].says(notice.channel)
        if text is None:
            claimed = claimed.fail_technically(Failure.MISCONFIGURED, at=work.now)
        elif failure is not None:
            claimed = claimed.fail_for_good(failure, at=work.now)
        else:
            ready.append(claimed)
            texts.append(fill(text, dict(notice.filling)))
        await work.notices.put(claimed)
    if not ready:
        return []
    first = ready[0]
    return [
        Letter(
            reference=reference,
            channel=first.channel,
            kind=first.recipient_kind,
            ref=first.recipient_ref,
            case_id=first.case_id,
            subject=texts[0].subject if len(texts) == 1 else f"{len(texts)} things to look at",
            body="\n".join(text.body for text in texts),
            address=address,
            parts=tuple(Part(notice_id=each.id, attempt=each.attempts) for each in ready),
        )
    ]


async def _address(work: Work, notice: Notice) -> tuple[str, Failure | None]:
    """The address in the book; who is not of the house is asked for when his channel is called."""
    if notice.recipient_kind in {Kind.PRACTITIONER, Kind.PERSON}:
        return "", None
    if notice.channel is Channel.PAGE:
        return notice.recipient_ref, None
    contact = await work.contacts.first(kind=notice.recipient_kind.value, ref=notice.recipient_ref)
    address = contact.address(notice.channel) if contact else ""
    return address, None if address else Failure.NO_ADDRESS


async def _count_unknown(work: Work, channels: list[str]) -> None:
    counts: dict[str, Any] = {row["channel"]: row["n"] for row in await work.conn.fetch(_UNKNOWN, channels)}
    for channel in channels:
        telemetry.gauge("unknown_notices", counts.get(channel, 0), channel=channel)
