"""Whom a handoff that is to be offered is about, and whether the actor may offer something of him."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chassis.access import Role
from chassis.aggregate import NotFound
from partners.storage.handoffs import WORKS_WITH
from partners.storage.known import KNOWN_HERE, LISTED, PERSON_OF

if TYPE_CHECKING:
    from uuid import UUID

    from partners.storage import Work

# Who offers only of his own caseload; the others of the house's.
_OWN_CASES = (Role.EW, Role.CP)


async def person_of(work: Work, case_id: UUID | None, person_id: UUID | None) -> UUID:
    """Whom it is about: the man of a case that the actor may offer something of, or one known from a handoff."""
    if case_id is not None:
        found: UUID | None = await work.conn.fetchval(PERSON_OF, case_id)
        own = work.actor.role not in _OWN_CASES or await WORKS_WITH.value(work.conn, **work.asking, case_id=case_id)
    else:
        linked = await work.links.first(person_id=person_id) if person_id else None
        found = linked.person_id if linked else None
        own = work.actor.role not in _OWN_CASES
    if found is None or not own or await _hidden(work, found):
        raise NotFound
    return found


async def is_his_house(work: Work, person_id: UUID) -> bool:
    """Whether his answers and the lists are kept in this house: it knows of a case of his. Of whom it knows through
    another house alone it can never say that nothing stands against telling a third."""
    return bool(await work.conn.fetchval(KNOWN_HERE, person_id))


async def _hidden(work: Work, person_id: UUID) -> bool:
    """Whether the lists keep the actor from knowing of him, or what is told of him waits to be applied."""
    if work.actor.role is Role.SYSTEM:
        return False
    if await work.blocked("referral", person_id):
        return True
    named = {work.actor.id, work.actor.organisation}
    for row in await LISTED.all(work.conn, person_id=person_id):
        entries = set(row["entries"])
        if (row["list"] == "DENY" and entries & named) or (row["list"] == "ALLOW" and entries and not entries & named):
            return True
    return False
