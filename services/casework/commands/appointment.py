"""What may be asked about appointments with partners without a house (S34)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from casework.domain.aspect import Aspect
from casework.domain.engagement.aggregate import OPEN
from casework.domain.external_appointment import AppointmentStatus, ExternalAppointment
from casework.storage import Work, known
from chassis.access import by
from chassis.aggregate import Exists
from chassis.work import command

KNOW_IT = by("EW own, PP own")


@command("external_appointment.record", KNOW_IT)
async def record_external_appointment(
    work: Work, *, engagement_id: UUID, org_id: str, aspect: Aspect, starts_at: datetime, ends_at: datetime
) -> dict[str, str | int]:
    """A partner without a house sees him then."""
    engagement = await work.engagements.get(engagement_id)
    engagement.must_be(*OPEN)
    appointment = ExternalAppointment.record(
        id=work.new_id(),
        case_id=engagement.case_id,
        person_id=engagement.person_id,
        org_id=org_id,
        aspect=aspect,
        starts_at=starts_at,
        ends_at=ends_at,
        at=work.now,
    )
    await known.lock_engagement(work, engagement_id)
    same = {"case_id": engagement.case_id, "org_id": org_id, "starts_at": starts_at}
    held = await work.appointments.first(status=AppointmentStatus.SCHEDULED, **same)
    if held is not None:
        raise Exists("appointment_exists", "This appointment is recorded already.", reference=str(held.id))
    version = await work.appointments.put(appointment)
    return {"appointment_id": str(appointment.id), "version": version}


@command("external_appointment.cancel", KNOW_IT)
async def cancel_external_appointment(work: Work, *, appointment_id: UUID, expected: int) -> int:
    """It is off."""
    appointment = await work.appointments.get(appointment_id, expected)
    return await work.appointments.put(appointment.cancel(at=work.now))
