"""One row of a referral file, in one work: from the draft as far as its guards let it (rules.md 13)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from chassis.access import by
from chassis.aggregate import Fault, Invalid
from chassis.work import command
from referral.commands import drafts
from referral.commands.duplicates import duplicates_of
from referral.commands.looking import today
from referral.commands.people import answer_equality
from referral.commands.practitioners import contact_of, name_practitioner
from referral.commands.screenings import take_evidence
from referral.domain import import_row
from referral.domain.import_row import Context, Row
from referral.domain.referral_parts import Told

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from referral.domain.programme import Programme
    from referral.domain.referral import Referral
    from referral.storage import Work

_TAKE = "insert into imported (reference) values ($1) on conflict do nothing returning true"


@command("referral.import_row", by("SM"))
async def import_referrals(
    work: Work,
    values: Sequence[str],
    *,
    drafts_only: bool,
) -> dict[str, object]:
    """Take one row: SUBMITTED, DRAFT with what is missing, or SEEN_BEFORE; a refused row keeps nothing."""
    named = import_row.named(values)
    if named is None:
        raise Invalid(Fault("line", "INVALID_FORMAT"))
    reference = import_row.reference_of(named)
    if reference is not None and not await _first_time(work, reference):
        return {"outcome": "SEEN_BEFORE", "codes": []}
    programmes = {programme.code: programme for programme in await work.programmes.find()}
    read = import_row.read_row(named, _context(work, programmes))
    if read.row is None:
        raise Invalid(*read.faults)
    referral = await _drafted(work, programmes[read.row.programme], read.row)
    codes = await _sent(work, referral, read.row, drafts_only=drafts_only)
    return {"outcome": "DRAFT" if codes is not None else "SUBMITTED", "codes": list(codes or ())}


async def _first_time(work: Work, reference: tuple[str, str]) -> bool:
    """Remember the row by a hash of its reference alone, for ever; false where it was taken before."""
    digest = work.keys.ring.fingerprint("external_reference", "\x1f".join(reference))
    return await work.conn.fetchval(_TAKE, digest) is not None


def _context(work: Work, programmes: Iterable[str]) -> Context:
    return Context(
        programmes=frozenset(programmes),
        today=today(work),
        email_domains=work.settings.domains_on(today(work)),
        house_key=work.settings.shared_key,
    )


async def _drafted(work: Work, programme: Programme, row: Row) -> Referral:
    """The draft with all that the row holds."""
    referral = await drafts.start(
        work,
        programme,
        kind=row.kind,
        referrer_kind=row.referrer_kind,
        referrer_org=row.referrer_organisation or work.actor.organisation,
        known_by=row.identifiers,
        details=row.details,
        answers=row.answers,
    )
    await answer_equality(work, referral.person_id, ethnicity=row.ethnicity, gender=row.gender)
    if row.screening is not None:
        held = row.screening
        await take_evidence(
            work,
            referral.person_id,
            source=held.source,
            completed_on=held.completed_on,
            result=held.result,
            reason=held.override_reason,
        )
    if row.practitioner is not None:
        await name_practitioner(work, referral, row.practitioner, today(work))
    return await _told(work, row, replace(referral, version=referral.version + len(referral.news), news=()))


async def _told(work: Work, row: Row, referral: Referral) -> Referral:
    if row.told_on is None or row.told_how is None:
        return referral
    contact = await contact_of(work, referral.case_id)
    by_whom = contact.practitioner_ref if contact else work.actor.id
    told = Told(told_on=row.told_on, told_how=row.told_how, willing=row.willing, by_whom=by_whom)
    value = referral.record_told(told, at=work.now)
    await work.referrals.put(value)
    return replace(value, version=value.version + len(value.news), news=())


async def _sent(work: Work, referral: Referral, row: Row, *, drafts_only: bool) -> tuple[str, ...] | None:
    """Send it where every guard holds; else what is missing."""
    found = await drafts.checked(work, referral)
    missing: list[Fault | str] = [*row.missing, *found.codes]
    if await duplicates_of(work, referral):
        missing.append("duplicate_open")
    if missing or drafts_only:
        return import_row.codes_of(missing)
    await drafts.send(work, referral, found, duplicate=False)
    return None
