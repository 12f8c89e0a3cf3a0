"""Two records of one man, or two men after all: what rests on an answer or a list is judged anew at that moment (T0).

Called with the reference between the records written down. What one record was let be known and the man is not any more
stops as if he had taken it back; what waits to be offered or rests is judged by all lists and by the answers of the
record he goes on by.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chassis.access import NOBODY, by, one_man
from chassis.work import command
from partners.commands.basis import lose_by_list, lose_consent
from partners.commands.busy_slots import tell_joined
from partners.commands.handoffs import rest_as_known
from partners.commands.reach import agreed
from partners.domain.holding import Holding
from partners.storage.known import ANSWERS, lists_of, lock_to_end
from partners.storage.nodes import node_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from chassis.access import OneMan
    from partners.storage import Work

HOUSE = by("SYSTEM")
_RECIPIENTS = """
select about as org_id from consent_known where person_id = any($1) and purpose = 'SHARE'
union select partner_org from handoff where person_id = any($1)
union select org_id from holding where person_id = any($1)
order by org_id
"""


@command("person.apply_merge", HOUSE)
async def apply_merge(work: Work, person_id: UUID) -> None:
    """They are of one man from this commit on."""
    man = await one_man(work.conn, person_id)
    for recipient in await _recipients(work, man.records):
        now = await agreed(work, man.goes_by, recipient)
        lost = [each for each in man.records if await agreed(work, each, recipient) - now]
        await _judge_anew(work, man, recipient, lost)
    await _tell_nodes(work, man)
    await tell_joined(work, man.goes_by)


@command("person.apply_unmerge", HOUSE)
async def apply_unmerge(work: Work, from_person_id: UUID, to_person_id: UUID) -> None:
    """They are of two men from this commit on: what was let be known of either by the other's answer stops."""
    men = [await one_man(work.conn, each) for each in (from_person_id, to_person_id)]
    records = [each for man in men for each in man.records]
    for recipient in await _recipients(work, records):
        before = set().union(*[await agreed(work, each, recipient) for each in records])
        for man in men:
            now = await agreed(work, man.goes_by, recipient)
            await _judge_anew(work, man, recipient, man.records if before - now else ())
    for man in men:
        await _tell_nodes(work, man)


async def _recipients(work: Work, records: Iterable[UUID]) -> list[str]:
    """Whom anything of him is, or may be, let be known to; no verdict about him begins before this commit."""
    for each in sorted(records):
        await lock_to_end(work.conn, each)
    return [row["org_id"] for row in await work.conn.fetch(_RECIPIENTS, list(records))]


async def _judge_anew(work: Work, man: OneMan, recipient: str, lost: Iterable[UUID]) -> None:
    node = await node_of(work.conn, recipient)
    for each in lost:
        await lose_consent(work, each, node)
    if (await lists_of(work.conn, man.records)).keep_out(recipient):
        for holding in await work.holdings.find(person_id=man.records, org_id=recipient):
            await lose_by_list(work, holding.person_id, recipient, holding.node_id)
    await rest_as_known(work, recipient=recipient, records=man.records)


async def _tell_nodes(work: Work, man: OneMan) -> None:
    """A node that holds one of his records is told by which of its references he goes; one that the lists keep out is
    told nothing."""
    lists = await lists_of(work.conn, man.records)
    for held in await work.holdings.find(person_id=man.records) if man.goes_by != NOBODY else ():
        if lists.keep_out(held.org_id):
            continue
        goes_by = work.works.names.subject_ref(held.node_id, man.goes_by)
        if goes_by != held.subject_ref:
            await _hold(work, man.goes_by, held)
        await work.holdings.put(held.tell_subject(goes_by, at=work.now))


async def _hold(work: Work, person_id: UUID, other: Holding) -> None:
    """The node holds him by this record too from now on, and is told how he answers under it."""
    if await work.holdings.first(person_id=person_id, node_id=other.node_id):
        return
    reference = work.works.names.subject_ref(other.node_id, person_id)
    where = {"node_id": other.node_id, "org_id": other.org_id, "subject_ref": reference}
    begun = Holding.begin(work.new_id(), person_id=person_id, **where, at=work.now)
    for row in await ANSWERS.all(work.conn, person_id=person_id):
        if (row["purpose"], row["about"]) == ("SHARE", other.org_id):
            agreed_to = tuple(row["scope_codes"]) if row["state"] == "GRANTED" else ()
            version, review_on = row["consent_version"], row["review_on"]
            begun = begun.tell_consent(version, agreed_to, review_on=review_on, at=work.now)
    await work.holdings.put(begun)
