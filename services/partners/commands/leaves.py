"""What partners let us know of men of theirs: applied here at once and answered; what is not current fails closed."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from chassis.access import Confidentiality, by
from chassis.aggregate import Unmet
from chassis.work import command
from partners.commands.handoffs import names_of, rest_received
from partners.domain.leave import LONGEST_SILENCE, Leave
from partners.storage import Work

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date, datetime

HOUSE = by("SYSTEM")
_LEAVES = UUID("0b3c1f8e-3c55-4f9e-8d8a-7f3f0f0f4c11")
_HEAR_WORD = """
insert into word_heard as held (source_node, consent_changes, list_changes, at, seq) values ($1, $2, $3, $4, $5)
on conflict (source_node) do update set consent_changes = excluded.consent_changes,
    list_changes = excluded.list_changes, at = excluded.at, seq = excluded.seq
where held.seq < excluded.seq
"""
_CURRENT = """
select heard.at, heard.consent_changes <= coalesce(sum(leave.consent_changes), 0)
    and heard.list_changes <= coalesce(sum(leave.list_changes), 0) as whole
from word_heard as heard left join leave using (source_node)
where heard.source_node = $1 group by heard.source_node
"""


async def _leave(work: Work, node: str, subject_ref: str) -> Leave:
    found = await work.leaves.first(source_node=node, subject_ref=subject_ref)
    return found or Leave(id=uuid5(_LEAVES, f"{node}/{subject_ref}"), source_node=node, subject_ref=subject_ref)


@command("leave.hear_consent", HOUSE)
async def hear_consent(
    work: Work, node: str, subject_ref: str, *, version: int, categories: tuple[str, ...], review_on: date | None
) -> None:
    """His newest answer about us holds here from now on, and his house is told so."""
    leave = await _leave(work, node, subject_ref)
    heard = leave.hear_consent(version, categories, review_on=review_on, at=work.now)
    await work.leaves.put(heard)
    await rest_received(work, heard)


@command("leave.hear_lists", HOUSE)
async def hear_lists(work: Work, node: str, subject_ref: str, version: int, *, excluded: bool) -> None:
    """The lists of who may know of him hold here from now on, and his house is told so."""
    leave = await _leave(work, node, subject_ref)
    heard = leave.hear_lists(version, excluded=excluded, at=work.now)
    await work.leaves.put(heard)
    await rest_received(work, heard)


@command("leave.hear_word", HOUSE)
async def hear_word(work: Work, node: str, *, consent_changes: int, list_changes: int, at: datetime, seq: int) -> None:
    """How many changes that house has told us."""
    await work.conn.execute(_HEAR_WORD, node, consent_changes, list_changes, at, seq)


async def may_ask(work: Work, node: str, subject_ref: str, *, basis: str, categories: Collection[str] = ()) -> None:
    """Whether detail of a partner's man may be asked for now; Unmet with the reason where it may not.

    His house judges again when it is asked. This is the wall on our side, for the time in which it cannot be heard.
    """
    own = await _leave(work, node, subject_ref)
    now = await _leave(work, node, (await names_of(work, node, subject_ref))[0])
    leave = now if now.consent_version else own
    if own.excluded or now.excluded:
        raise Unmet("listed", "There is nothing here that you may see. Check the reference.")
    agreed = basis == Confidentiality.AGREED
    nothing_of_these = bool(categories) and not set(categories) & set(leave.categories)
    if agreed and leave.consent_version and (leave.withdrawn or nothing_of_these):
        raise Unmet("consent_missing", "He does not agree, or no longer, that this is known here.")
    current = await work.conn.fetchrow(_CURRENT, node)
    if current is None or not current["whole"] or current["at"] < work.now - LONGEST_SILENCE:
        raise Unmet("feed_stale", "The house this comes from is not heard. What it last agreed to is not known.")
