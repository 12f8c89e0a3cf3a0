"""What is asked of sharing agreements: each party sees its own, and nobody those of others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Text, Uuid, any_, bindparam, func, or_, select
from sqlalchemy.dialects.postgresql import JSONB

from chassis.access import ACTOR_ORGANISATION, by
from chassis.aggregate import NotFound
from chassis.database import statement
from chassis.work import query
from partners.storage import Work, sharing_agreement

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from partners.domain.agreement.aggregate import SharingAgreement
    from partners.domain.agreement.codes import Status

READERS = by("SM, PA, IG, OPS")


def _of_a_party() -> ColumnElement[bool]:
    """The employer of who asks is bound by it."""
    named = func.jsonb_build_array(func.jsonb_build_object("org_id", ACTOR_ORGANISATION))
    return sharing_agreement.c.terms["parties"].op("@>", is_comparison=True)(named.cast(JSONB))


_AFTER = bindparam("after", type_=Uuid)
_STATES = bindparam("states", type_=ARRAY(Text))
GET = statement(
    select(sharing_agreement).where(sharing_agreement.c.id == bindparam("isa_id", type_=Uuid), _of_a_party())
)
LIST = statement(
    select(sharing_agreement)
    .where(
        _of_a_party(),
        or_(func.cardinality(_STATES) == 0, sharing_agreement.c.status == any_(_STATES)),
        or_(_AFTER.is_(None), sharing_agreement.c.id < _AFTER),
    )
    .order_by(sharing_agreement.c.id.desc())
    .limit(bindparam("most", type_=BigInteger))
)


@query("isa.get", READERS)
async def get_isa(work: Work, isa_id: UUID) -> SharingAgreement:
    """One agreement with all its terms."""
    row = await GET.one(work.conn, isa_id=isa_id, **work.asking)
    if row is None:
        raise NotFound
    work.record = str(isa_id)
    return Work.agreements.value(row, work.keys, None)


@query("isa.list", READERS)
async def list_isas(
    work: Work, states: Sequence[Status] = (), after: UUID | None = None, most: int = 50
) -> tuple[SharingAgreement, ...]:
    """Agreements, newest first, those before `after`."""
    wanted = [state.value for state in states]
    rows = await LIST.all(work.conn, states=wanted, after=after, most=most, **work.asking)
    return tuple(Work.agreements.value(row, work.keys, None) for row in rows)
