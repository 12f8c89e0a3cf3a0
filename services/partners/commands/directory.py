"""A file of another directory, taken in: whole or not at all, and again without effect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from chassis.access import by
from chassis.work import command
from partners.domain.listing import Entry, Listing, source_of
from partners.gateways.open_referral import Fault, ReadRecord
from partners.storage import Work


class Outcome(StrEnum):
    """What became of a record."""

    NEW = "NEW"
    CHANGED = "CHANGED"
    UNCHANGED = "UNCHANGED"
    REPEATED = "REPEATED"
    OURS = "OURS"
    SKIPPED = "SKIPPED"
    REFUSED = "REFUSED"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What became of one record, and what is wrong with it."""

    source_id: str
    outcome: Outcome
    faults: tuple[Fault, ...] = ()


@command("directory.import", by("SM, PA"))
async def import_directory(work: Work, source: str, read: Sequence[ReadRecord | None]) -> tuple[Answer, ...]:
    """Take every sound record in one work: what is held already stays, and our own offers are not imported."""
    source_of(source)
    work.record = source
    ids = tuple({each.entry.source_id for each in read if each and each.entry})
    ours = {offer.id for offer in await work.offers.find(id=ids)}
    held = {listing.source_id: listing for listing in await work.listings.find(source=source, source_id=ids)}
    answers, seen = [], dict[UUID, Entry]()
    for each in read:
        entry = each.entry if each else None
        if each is None or entry is None or entry.source_id in ours or entry.source_id in seen:
            answers.append(_not_taken(each, seen))
            continue
        seen[entry.source_id] = entry
        answers.append(await _taken(work, source, entry, held.get(entry.source_id)))
    return tuple(answers)


def _not_taken(each: ReadRecord | None, seen: dict[UUID, Entry]) -> Answer:
    """Of one id, the first record of a file counts."""
    if each is None:
        return Answer(source_id="", outcome=Outcome.SKIPPED)
    if each.entry is None:
        return Answer(source_id=each.source_id, outcome=Outcome.REFUSED, faults=each.faults)
    first = seen.get(each.entry.source_id)
    if first is None:
        return Answer(source_id=each.source_id, outcome=Outcome.OURS)
    differs = () if first == each.entry else (Fault(path="id", code="CONFLICTS_WITH(id)"),)
    return Answer(source_id=each.source_id, outcome=Outcome.REPEATED, faults=differs)


async def _taken(work: Work, source: str, entry: Entry, held: Listing | None) -> Answer:
    if held is None:
        await work.listings.put(Listing.take(work.new_id(), source=source, entry=entry, at=work.now))
        return Answer(source_id=str(entry.source_id), outcome=Outcome.NEW)
    changed = held.take_again(entry, at=work.now)
    await work.listings.put(changed)
    outcome = Outcome.UNCHANGED if changed is held else Outcome.CHANGED
    return Answer(source_id=str(entry.source_id), outcome=outcome)
