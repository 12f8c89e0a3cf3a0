"""What is asked of links: whom a partner's reference means here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chassis.access import NOBODY, by, one_man
from chassis.aggregate import Fault, Invalid
from chassis.work import command
from partners.domain.link import SubjectLink
from partners.storage.known import KNOWN_HERE

if TYPE_CHECKING:
    from uuid import UUID

    from partners.storage import Work

LINKERS = by("PW own, SM, PA")


@command("link.link", LINKERS)
async def link_subject(work: Work, link_id: UUID, *, person_id: UUID, expected: int | None) -> int:
    """Say that it means somebody known here, by the record he goes on by: a man of a case, or of another link."""
    link = await work.links.get(link_id, expected)
    man = await one_man(work.conn, person_id)
    others = await work.links.find(person_id=man.records)
    known = others or await work.conn.fetchval(KNOWN_HERE, list(man.records))
    if not known or man.goes_by == NOBODY:
        raise Invalid(Fault("person_id", "UNKNOWN_CODE"))
    version = await work.links.put(value := link.link(man.goes_by, at=work.now))
    await followed(work, value)
    return version


@command("link.unlink", LINKERS)
async def unlink_subject(work: Work, link_id: UUID, *, expected: int | None) -> int:
    """Take that back."""
    link = await work.links.get(link_id, expected)
    version = await work.links.put(value := link.unlink(at=work.now))
    await followed(work, value)
    return version


async def followed(work: Work, link: SubjectLink) -> None:
    """Other references by which his house does not name him any more mean whom this one means."""
    for other in await work.links.find(sender_node=link.sender_node, goes_by=link.subject_ref):
        value = other.follow(link.person_id, at=work.now)
        if link.person_id == other.minted_id:
            value = other.part(at=work.now)
        await work.links.put(value)


async def linked(work: Work, sender_node: str, subject_ref: str) -> SubjectLink:
    """Whom a reference means; one that is not known gets a person of its own. For commands that hear of him."""
    found = await work.links.first(sender_node=sender_node, subject_ref=subject_ref)
    if found is not None:
        return found
    made = SubjectLink.note(
        work.new_id(),
        sender_node=sender_node,
        subject_ref=subject_ref,
        own_org=work.settings.node_organisation,
        minted_id=work.new_id(),
        at=work.now,
    )
    await work.links.put(made)
    return made
