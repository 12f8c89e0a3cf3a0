"""People who turned out to be one man: asked by one service manager, done by the same command of another (S63).

Rows never move. The record that was joined refers to the one he goes on by; what either was asked, and both agreed to,
goes on; every other agreement ends in the same work as if he had taken it back, and he is asked anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chassis.access import by, joined_to, merged_row
from chassis.aggregate import Exists, Fault, Invalid
from chassis.projection import Row
from chassis.work import command
from referral.commands.consents import end_by_merge, end_what_another_agreed_to
from referral.commands.looking import for_judgement
from referral.commands.people import suggest
from referral.domain.consent import ended_by_merge
from referral.domain.merge import Later, Merge, MergeReason, Status, UnmergeReason, ending_of
from referral.domain.prompt import Done, PromptKind
from referral.domain.prompt import Status as PromptStatus
from referral.storage import MERGED

if TYPE_CHECKING:
    from uuid import UUID

    from referral.domain.consent import Consent
    from referral.domain.person import Person
    from referral.storage import Work

_MANAGERS = by("SM")
# One at a time in a house: two that cross must not make each the record of the other.
_ALONE = "select pg_advisory_xact_lock(hashtextextended('person.merge', 0))"
_LATER = """
select 'referral' as kind, id from referral where person_id = $1 and started_at > $2
union all select 'consent', id from consent where person_id = $1 and asked_at > $2
union all select 'screening', id from screening_evidence where person_id = $1 and recorded_at > $2
order by id
"""


@command("person.merge", _MANAGERS)
async def merge_people(
    work: Work,
    merge_id: UUID | None,
    *,
    from_person_id: UUID | None,
    to_person_id: UUID | None,
    reason: MergeReason | None,
    expected: int | None,
) -> dict[str, object]:
    """Ask that two records be held to be one man, or agree to what another service manager asked."""
    await work.conn.execute(_ALONE)
    if merge_id is not None:
        return await _merged(work, await work.merges.get(merge_id, expected))
    if from_person_id is None or to_person_id is None or reason is None:
        raise Invalid(Fault("from_person_id", "REQUIRED"))
    asked = Merge(id=work.new_id(), from_person_id=from_person_id, to_person_id=to_person_id, reason=reason)
    value = asked.ask(by=work.actor.id, at=work.now)
    old, into = await _both(work, value)
    for person in (old, into):
        person.must_be_known()
    waiting = await work.merges.first(from_person_id=old.id, to_person_id=into.id, status=Status.ASKED)
    if waiting is not None:
        raise Exists("merge_waiting", "This waits for a second person already.", reference=str(waiting.id))
    ends = [ending_of(held) for held in await _ending(work, value)]
    return {**_answer(await work.merges.put(value), value), "ends": ends}


@command("person.unmerge", _MANAGERS)
async def unmerge(work: Work, merge_id: UUID, reason: UnmergeReason | None, expected: int | None) -> dict[str, object]:
    """Ask that they be held to be two again, or agree to what another service manager asked."""
    await work.conn.execute(_ALONE)
    merge = await work.merges.get(merge_id, expected)
    old, into = await _both(work, merge)
    if merge.status is not Status.UNMERGE_ASKED:
        if reason is None:
            raise Invalid(Fault("reason", "REQUIRED"))
        value = merge.ask_unmerge(reason, by=work.actor.id, at=work.now)
        return _answer(await work.merges.put(value), value)
    return await _unmerged(work, merge, old, into)


async def _both(work: Work, merge: Merge) -> tuple[Person, Person]:
    """Both records, as far as the actor may know of both."""
    return await work.people.get(merge.from_person_id), await work.people.get(merge.to_person_id)


async def _merged(work: Work, merge: Merge) -> dict[str, object]:
    merge.must_wait_for(work.actor.id, Status.ASKED)
    old, into = await _both(work, merge)
    joined, kept = old.join(into.id, at=work.now), into.take_in(old, at=work.now)
    version = joined.version + len(joined.news)
    value = merge.merge(by=work.actor.id, record_version=version, at=work.now)
    ends = await _ending(work, merge)
    for held in ends:
        await end_by_merge(work, held)
    for person in (joined, kept):
        await work.people.put(person)
    await _close_reviews(work, merge)
    work.remember([Row(MERGED, merged_row(old_id=old.id, into_id=into.id, version=version))])
    return {**_answer(await work.merges.put(value), value), "ends": [ending_of(held) for held in ends]}


async def _unmerged(work: Work, merge: Merge, old: Person, into: Person) -> dict[str, object]:
    merge.must_wait_for(work.actor.id, Status.UNMERGE_ASKED)
    alone = old.stand_alone(at=work.now)
    version = alone.version + len(alone.news)
    rows = await work.conn.fetch(_LATER, into.id, merge.merged_at)
    later = tuple(Later(kind=row["kind"], record_id=row["id"]) for row in rows)
    value = merge.unmerge(by=work.actor.id, record_version=version, to_sort=later, at=work.now)
    away = await joined_to(work.conn, old.id)
    await end_what_another_agreed_to(work, old.id)
    await work.people.put(alone)
    with for_judgement(work):
        bounded: Person | None = into
        while bounded is not None:
            await work.people.put(bounded.let_go(away, at=work.now))
            above = bounded.merged_into
            bounded = await work.people.get(above) if above else None
    await suggest(work, into.id, PromptKind.UNMERGED, f"unmerge:{merge.id}")
    work.remember([Row(MERGED, merged_row(old_id=old.id, into_id=None, version=version))])
    return _answer(await work.merges.put(value), value)


async def _ending(work: Work, merge: Merge) -> list[Consent]:
    with for_judgement(work):
        old = await work.consents.find(person_id=merge.from_person_id)
        kept = await work.consents.find(person_id=merge.to_person_id)
    return ended_by_merge(old, kept)


async def _close_reviews(work: Work, merge: Merge) -> None:
    """What asked somebody to look at either has been looked at."""
    found = await work.prompts.find(
        person_id=(merge.from_person_id, merge.to_person_id),
        kind=PromptKind.MERGE_SUGGESTED,
        status=PromptStatus.OPEN,
    )
    for prompt in found:
        await work.prompts.put(prompt.complete(Done.PEOPLE_MERGED, at=work.now))


def _answer(version: int, merge: Merge) -> dict[str, object]:
    return {"merge_id": str(merge.id), "version": version, "status": merge.status.value}
