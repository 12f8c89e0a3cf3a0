"""By which of its references another house names a man: two that mean one are linked here while it says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chassis.access import by
from chassis.work import command
from partners.commands.handoffs import rest_received
from partners.commands.links import followed, linked
from partners.domain.leave import Leave
from partners.domain.link import Status

if TYPE_CHECKING:
    from partners.domain.link import SubjectLink
    from partners.storage import Work


@command("link.hear_subject", by("SYSTEM"))
async def hear_subject(work: Work, node: str, subject_ref: str, goes_by: str) -> None:
    """By which of its references his house names him now: both mean one man here, until it says otherwise."""
    link = await _parted(work, await linked(work, node, subject_ref))
    link = link.rename(goes_by, at=work.now)
    await work.links.put(link)
    if goes_by != subject_ref:
        other = await linked(work, node, goes_by)
        follows = link.status is not Status.LINKED
        first, second = (link, other) if follows else (other, link)
        await work.links.put(moved := (await _as_put(work, first)).follow(second.person_id, at=work.now))
        if not follows:
            await followed(work, moved)
    held = await work.leaves.first(source_node=node, subject_ref=subject_ref)
    await rest_received(work, held or Leave(id=work.new_id(), source_node=node, subject_ref=subject_ref))


async def _as_put(work: Work, link: SubjectLink) -> SubjectLink:
    """As it stands in this work."""
    return await work.links.first(id=link.id) or link


async def _parted(work: Work, link: SubjectLink) -> SubjectLink:
    """Without what an earlier word of his house has led to."""
    if not link.by_house and link.goes_by:
        other = await work.links.first(sender_node=link.sender_node, subject_ref=link.goes_by)
        if other is not None and other.by_house and other.person_id == link.person_id:
            await work.links.put(apart := other.part(at=work.now))
            await followed(work, apart)
    if link.by_house:
        await work.links.put(apart := link.part(at=work.now))
        await followed(work, apart)
    return await _as_put(work, link)
