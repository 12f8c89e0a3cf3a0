"""What is held about one person, open prompts, and the programmes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Boolean, Integer, Uuid, bindparam, cast, or_, select

from chassis.access import Role, by, of_him, visible_to
from chassis.calendar import local_date
from chassis.database import statement
from chassis.work import query
from referral.domain.screening import State
from referral.storage import CONSENT, CONSENTS, PROMPT, PROMPTS, SAME, SCREENING, SCREENINGS

if TYPE_CHECKING:
    from uuid import UUID

    from referral.storage import Work

_ANYBODY = by(", ".join(Role))


def _after(table: Any) -> Any:
    return or_(bindparam("first", type_=Boolean), table.c.id < bindparam("after_id", type_=Uuid))


def _of_one_person(table: Any, records: Any) -> Any:
    return statement(
        select(table.c.id)
        .where(visible_to(records), of_him(SAME, table.c.person_id, bindparam("person", type_=Uuid)), _after(table))
        .order_by(table.c.id.desc())
        .limit(bindparam("size", type_=Integer))
    )


_SCREENINGS_OF = _of_one_person(SCREENING, SCREENINGS)
_CONSENTS_OF = _of_one_person(CONSENT, CONSENTS)
_PROMPTS_OPEN = statement(
    select(PROMPT.c.id)
    .where(
        visible_to(PROMPTS),
        PROMPT.c.status == "OPEN",
        or_(
            cast(bindparam("person", type_=Uuid), Uuid).is_(None),
            of_him(SAME, PROMPT.c.person_id, bindparam("person", type_=Uuid)),
        ),
        or_(bindparam("first", type_=Boolean), PROMPT.c.id > bindparam("after_id", type_=Uuid)),
    )
    .order_by(PROMPT.c.id)
    .limit(bindparam("size", type_=Integer))
)


async def _ids(work: Work, of: Any, person_id: UUID | None, after: UUID | None, size: int) -> list[UUID]:
    rows = await of.all(work.conn, person=person_id, first=after is None, after_id=after, size=size, **work.asking)
    work.record = str(person_id or "")
    return [row["id"] for row in rows]


@query("screening.list", by("SM, CP, IG, PP own, EW own"))
async def list_screenings(work: Work, *, person_id: UUID, after: UUID | None, size: int) -> list[dict[str, Any]]:
    """Evidence of screening, the newest first; a worker sees only whether it is current."""
    ids = await _ids(work, _SCREENINGS_OF, person_id, after, size)
    found = [await work.screenings.get(each) for each in ids]
    hidden = work.actor.role is Role.EW
    return [
        {
            "screening_id": held.id,
            "source": held.source.value,
            "completed_on": held.completed_on.isoformat(),
            "result": "" if hidden else held.result.value,
            "is_current": held.state is State.CURRENT,
        }
        for held in found
    ]


@query("consent.list", by("SM, CP, IG, CO, PP own, PER own, EW own or proposed"))
async def list_consents(work: Work, *, person_id: UUID, after: UUID | None, size: int) -> list[dict[str, Any]]:
    """What he has agreed to, the newest first; a practitioner sees what names his own organisation."""
    ids = await _ids(work, _CONSENTS_OF, person_id, after, size)
    found = [await work.consents.get(each) for each in ids]
    if work.actor.role is Role.PP:
        found = [held for held in found if held.recipient == work.actor.organisation]
    return [
        {
            "consent_id": held.id,
            "version": held.version,
            "purpose": held.purpose.value,
            "programme_id": held.programme_id or "",
            "scope_codes": list(held.scope_codes),
            "recipient": held.recipient,
            "status": held.status.value,
            "review_on": held.review_on.isoformat() if held.review_on else "",
        }
        for held in found
    ]


@query("prompt.list", by("PP own, EW own, SM own, CP own, IG own"))
async def list_prompts(work: Work, *, person_id: UUID | None, after: UUID | None, size: int) -> list[dict[str, Any]]:
    """Open prompts of the kinds the caller sees, the oldest first."""
    ids = await _ids(work, _PROMPTS_OPEN, person_id, after, size)
    found = [await work.prompts.get(each) for each in ids]
    return [
        {
            "prompt_id": held.id,
            "version": held.version,
            "person_id": held.person_id,
            "kind": held.kind.value,
            "raised_at": held.raised_at,
            "event_type": held.event_type,
        }
        for held in found
    ]


@query("programme.list", _ANYBODY)
async def list_programmes(work: Work, *, code: str, after: UUID | None, size: int) -> dict[str, Any]:
    """The programmes with the phases of their roll-out, and the day of the house."""
    found = await (work.programmes.find(code=code) if code else work.programmes.find())
    kept = [programme for programme in found if after is None or programme.id > after][:size]
    phases = [await work.phases.find(programme_id=programme.id) for programme in kept]
    return {"programmes": list(zip(kept, phases, strict=True)), "today": local_date(work.now)}
