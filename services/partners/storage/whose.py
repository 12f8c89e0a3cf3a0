"""Whom a handoff that is to be offered is about, and whether the actor may offer something of him."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chassis.access import NOBODY, OneMan, Role, one_man
from chassis.aggregate import NotFound
from partners.storage.handoffs import WORKS_WITH
from partners.storage.known import KNOWN_HERE, PERSON_OF, lists_of

if TYPE_CHECKING:
    from uuid import UUID

    from partners.storage import Work

# Who offers only of his own caseload; the others of the house's.
_OWN_CASES = (Role.EW, Role.CP)


async def person_of(work: Work, case_id: UUID | None, person_id: UUID | None) -> UUID:
    """Whom it is about, by the record he goes on by: the man of a case that the actor may offer something of, or one
    known from a handoff."""
    if case_id is not None:
        found: UUID | None = await work.conn.fetchval(PERSON_OF, case_id)
        own = work.actor.role not in _OWN_CASES or await WORKS_WITH.value(work.conn, **work.asking, case_id=case_id)
    else:
        linked = await work.links.first(person_id=person_id) if person_id else None
        found = linked.person_id if linked else None
        own = work.actor.role not in _OWN_CASES
    man = await one_man(work.conn, found) if found and own else None
    if man is None or man.goes_by == NOBODY or await _hidden(work, man):
        raise NotFound
    return man.goes_by


async def is_his_house(work: Work, person_id: UUID) -> bool:
    """Whether his answers and the lists are kept in this house: it knows of a case of his. Of whom it knows through
    another house alone it can never say that nothing stands against telling a third."""
    records = (await one_man(work.conn, person_id)).records
    return bool(await work.conn.fetchval(KNOWN_HERE, list(records)))


async def _hidden(work: Work, man: OneMan) -> bool:
    """Whether the lists keep the actor from knowing of him, or what is told of him waits to be applied."""
    if work.actor.role is Role.SYSTEM:
        return False
    for each in man.records:
        if await work.blocked("referral", each):
            return True
    lists = await lists_of(work.conn, man.records)
    return lists.keep_out(work.actor.id, work.actor.organisation)
