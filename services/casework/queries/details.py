"""What the work holds of a person, for a service of the house that has judged who may know it.

Appointments alone so far. Goals are answered once care plans are kept here: until then the category is not, and
nothing stands in its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from casework.domain.external_appointment import AppointmentStatus, ExternalAppointment
from chassis.access import Category, by, one_man
from chassis.aggregate import NotFound
from chassis.work import query

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from casework.storage import Work

HELD: Final = frozenset({Category.APPOINTMENTS})


@query("detail.get", by("SYSTEM"))
async def get_detail(
    work: Work, *, person_id: UUID, case_id: UUID | None, categories: Sequence[Category]
) -> tuple[list[ExternalAppointment], tuple[Category, ...]]:
    """What is still to come for him, the next first, and which categories that answers.

    Nobody the service has worked with: NotFound, as for anybody who does not exist.
    """
    his = {"person_id": (await one_man(work.conn, person_id)).records}
    of = his if case_id is None else {**his, "case_id": case_id}
    if await work.engagements.first(**of) is None:
        raise NotFound
    work.record = str(person_id)
    held = tuple(sorted(HELD & set(categories)))
    if not held:
        return [], held
    stand = await work.appointments.find(**of, status=AppointmentStatus.SCHEDULED)
    coming = [each for each in stand if each.ends_at > work.now]
    return sorted(coming, key=lambda each: (each.starts_at, each.id)), held


@query("contact.get", by("SYSTEM"))
async def get_contact(work: Work) -> None:
    """Addresses are not kept here; a service of the house that asks here has the wrong owner."""
    raise NotFound


@query("name.list", by("SYSTEM"))
async def list_names(work: Work) -> None:
    """Neither are names."""
    raise NotFound
