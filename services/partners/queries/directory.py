"""What the directory answers: search over everything it holds, and our offers for export."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from chassis.work import query
from partners.domain.directory import Candidate, Found, Wanted, rank, search
from partners.domain.offer import Status
from partners.queries.offers import LIST
from partners.storage import READERS, Work
from partners.storage.directory import candidates, everything

if TYPE_CHECKING:
    from datetime import datetime

Place = tuple[object, ...]
_EXPORTED = [Status.PUBLISHED.value, Status.PAUSED.value, Status.RETIRED.value]


@query("directory.search", READERS)
async def search_offers(
    work: Work, wanted: Wanted, after: Place | None = None, most: int = 50
) -> tuple[list[tuple[Place, Found]], datetime]:
    """What is found after that place, the best first, each with its place; and the time of the house."""
    found = search(wanted, await everything(work), at=work.now)
    placed: list[tuple[Place, Found]] = [(rank(each, work.now), each) for each in found]
    return [each for each in placed if after is None or each[0] > after][:most], work.now


@query("directory.export", READERS)
async def export_directory(work: Work, after: UUID | None = None, most: int = 50) -> list[Candidate]:
    """Our own offers, oldest first; a draft leaves the house for nobody, what a service no longer is is said once more.

    Names of organisations are those of today, under the id that was said.
    """
    rows = await LIST.all(work.conn, states=_EXPORTED, after=after, most=most)
    return await candidates(work, rows)
