"""What is asked of organisations. Names and successors are resolved as of a day; the picture answers for itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, Text, bindparam, or_, select

from chassis.access import by
from chassis.aggregate import NotFound
from chassis.calendar import local_date
from chassis.database import statement
from chassis.work import query
from partners.domain.organisation import Name, Organisation, Sector, Status
from partners.storage import STANDING_FOR, Work, organisation

if TYPE_CHECKING:
    from asyncpg import Record

# No person is concerned: everybody who works here or signs in as a guest may know whom we work with.
READERS = by("PP, SPO, PPU, APS, EW, PS, VOL, CO, SM, CP, PW, PA, CG, CH, TR, CMR, EV, IG, OPS")

_AFTER = bindparam("after", type_=Text)
GET = statement(select(organisation).where(organisation.c.org_id == bindparam("org_id", type_=Text)))
LIST = statement(
    select(organisation)
    .where(or_(_AFTER.is_(None), organisation.c.org_id > _AFTER))
    .order_by(organisation.c.org_id)
    .limit(bindparam("most", type_=BigInteger))
)


@dataclass(frozen=True, kw_only=True)
class OrganisationSeen:
    """An organisation as of a day; `successor_id` is who stands for it then: itself, or the last of its successors."""

    org_id: str
    name: str
    sector: Sector
    status: Status
    successor_id: str
    names: tuple[Name, ...]
    version: int


def _seen(held: Organisation, on: date, successor_id: str) -> OrganisationSeen:
    return OrganisationSeen(
        org_id=held.org_id,
        name=held.name_on(on),
        sector=held.sector,
        status=held.status_on(on),
        successor_id=successor_id,
        names=held.names,
        version=held.version,
    )


async def _resolved(work: Work, rows: Iterable[Record], on: date | None) -> tuple[OrganisationSeen, ...]:
    day = on or local_date(work.now)
    held = [Work.organisations.value(row, work.keys, None) for row in rows]
    standing = await STANDING_FOR.all(work.conn, org_ids=[each.org_id for each in held], on=day)
    by_id = {row["start"]: row["org_id"] for row in standing}
    return tuple(_seen(each, day, by_id[each.org_id]) for each in held)


@query("organisation.get", READERS)
async def get_organisation(work: Work, org_id: str, on: date | None = None) -> OrganisationSeen:
    """One organisation as of a day; today where none is given."""
    found = await _resolved(work, await GET.all(work.conn, org_id=org_id), on)
    if not found:
        raise NotFound
    work.record = org_id
    return found[0]


@query("organisation.list", READERS)
async def list_organisations(
    work: Work, on: date | None = None, after: str | None = None, most: int = 50
) -> tuple[OrganisationSeen, ...]:
    """Organisations by id, those after `after`."""
    return await _resolved(work, await LIST.all(work.conn, after=after, most=most), on)
