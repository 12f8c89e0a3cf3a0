"""How far his answers and the lists reach: applied here at once (T0), told to the nodes that hold him, answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from chassis import parking
from chassis.access import Consent, by, one_man
from chassis.aggregate import Unmet
from chassis.work import command
from partners.commands.basis import lose_by_list, lose_consent
from partners.commands.handoffs import MENDED_BY_ASKING, Change, rest_as_known
from partners.domain.word import Word
from partners.storage import Work
from partners.storage.known import ANSWERS, lists_of
from partners.storage.nodes import node_of

if TYPE_CHECKING:
    from datetime import date, datetime

    from partners.domain.holding import Holding

HOUSE = by("SYSTEM")
_WORDS = UUID("5b0c9e0e-6f7f-4b43-9e5c-6a4b7f0f5a52")
_CHANGES = """
select node_id, sum(consent_changes)::bigint as consents, sum(list_changes)::bigint as lists from holding
group by node_id order by node_id
"""


@command("consent.apply", HOUSE)
async def apply_consent(
    work: Work, person_id: UUID, recipient: str, *, version: int, categories: tuple[str, ...], review_on: date | None
) -> None:
    """Hold to his newest answer about a recipient, from this commit on; without categories he does not agree. An answer
    under a record that was joined to another is told to who holds that record, and decides nothing."""
    man = await one_man(work.conn, person_id)
    node = await node_of(work.conn, recipient)
    telling: dict[str, Any] = {"version": version, "categories": categories, "review_on": review_on}
    if man.goes_by != person_id:
        await _tell_consent(work, person_id, node, **telling)
        return
    before = await agreed(work, person_id, recipient)
    for each in man.records if before - set(categories) else ():
        await lose_consent(work, each, node)
    answer = Consent(
        recipient=recipient,
        categories=frozenset(categories),
        version=version,
        granted=bool(categories),
        review_on=review_on,
    )
    await rest_as_known(work, recipient=recipient, records=man.records, change=Change(consent=answer))
    await _tell_consent(work, person_id, node, **telling)
    for waits_for in MENDED_BY_ASKING if categories else ():
        await parking.drive(work.conn, f"{work.node}.gate", waits_for, at=work.now)


async def _tell_consent(
    work: Work, person_id: UUID, node: str | None, *, version: int, categories: tuple[str, ...], review_on: date | None
) -> None:
    holding = await work.holdings.first(person_id=person_id, node_id=node) if node else None
    if holding is not None:
        await work.holdings.put(holding.tell_consent(version, categories, review_on=review_on, at=work.now))


async def agreed(work: Work, person_id: UUID, recipient: str) -> set[str]:
    """The categories he had agreed to until now, under this record."""
    return {
        category
        for row in await ANSWERS.all(work.conn, person_id=person_id)
        if (row["purpose"], row["about"], row["state"]) == ("SHARE", recipient, "GRANTED")
        for category in row["scope_codes"]
    }


@command("access_list.apply", HOUSE)
async def apply_access_list(work: Work, person_id: UUID, which: str, entries: tuple[str, ...], version: int) -> None:
    """Hold to a changed list, from this commit on; it bounds every record of his. Who holds this one is told."""
    records = (await one_man(work.conn, person_id)).records
    lists = await lists_of(work.conn, records, changed=(person_id, which, entries))
    for holding in await work.holdings.find(person_id=records):
        excluded = lists.keep_out(holding.org_id)
        if excluded:
            await lose_by_list(work, holding.person_id, holding.org_id, holding.node_id)
        await rest_as_known(work, recipient=holding.org_id, records=records, change=Change(lists=lists))
        if holding.person_id == person_id:
            await work.holdings.put(holding.tell_lists(version, excluded=excluded, at=work.now))


async def _of(work: Work, node: str, subject_ref: str) -> Holding:
    """The holding of which a node speaks; it may speak of those it was told of, and of nobody else."""
    found = await work.holdings.first(node_id=node, subject_ref=subject_ref)
    if found is None:
        raise Unmet("never_told", "It speaks of somebody of whom it was never told.")
    return found


@command("consent.hear_applied", HOUSE)
async def hear_consent_applied(work: Work, node: str, subject_ref: str, *, version: int, applied_at: datetime) -> None:
    """A node answers that it holds to a version of his answer."""
    holding = await _of(work, node, subject_ref)
    await work.holdings.put(holding.hear_consent_applied(version, applied_at=applied_at, at=work.now))


@command("access_list.hear_applied", HOUSE)
async def hear_lists_applied(work: Work, node: str, subject_ref: str, *, version: int, applied_at: datetime) -> None:
    """A node answers that it holds to a version of the lists."""
    holding = await _of(work, node, subject_ref)
    await work.holdings.put(holding.hear_lists_applied(version, applied_at=applied_at, at=work.now))


@command("feed.give_word", HOUSE)
async def give_word(work: Work) -> None:
    """Tell each node that holds somebody how many changes it was told, so that it sees whether it misses one."""
    if not await work.conn.fetchval("select pg_try_advisory_xact_lock(7034, 15)"):
        return  # another process of this house is giving it
    for row in await work.conn.fetch(_CHANGES):
        node = row["node_id"]
        word = await work.words.first(node_id=node) or Word(id=uuid5(_WORDS, node), node_id=node, given_at=work.now)
        await work.words.put(word.give(consent_changes=row["consents"], list_changes=row["lists"], at=work.now))
