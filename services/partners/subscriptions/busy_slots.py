"""When casework says that a partner without a house sees a man: houses that work with him may have to know the hour.

The command comes before the projection, like all of the gate's.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC
from typing import TYPE_CHECKING, Any
from uuid import UUID

from partners.commands import busy_slots
from partners.commands.busy_slots import Seen
from partners.domain.busy_slot import Hours
from partners.projections import known
from partners.subscriptions.gate import GATE
from throughcare.casework.v1 import events_pb2 as casework

if TYPE_CHECKING:
    from chassis.hearing import Heard
    from chassis.projection import Row
    from partners.storage import Work


def _seen(heard: Heard[Any]) -> Seen:
    of, message = heard.envelope, heard.message
    if of.person_id is None:
        raise LookupError("an appointment names nobody")
    return Seen(
        appointment_id=UUID(str(of.aggregate_id)),
        person_id=UUID(str(of.person_id)),
        case_id=of.case_id and UUID(str(of.case_id)),
        org_id=message.org_id,
        hours=Hours(
            starts_at=message.starts_at.ToDatetime(tzinfo=UTC),
            ends_at=message.ends_at.ToDatetime(tzinfo=UTC),
            off=isinstance(message, casework.ExternalAppointmentCancelled),
        ),
    )


@GATE.command(casework.ExternalAppointmentRecorded, casework.ExternalAppointmentCancelled)
async def appointment_told(work: Work, heard: Heard[Any]) -> None:
    """A partner without a house sees him then, or does not after all."""
    await busy_slots.tell_busy_slot.inside(work, _seen(heard))


@GATE.projection(casework.ExternalAppointmentRecorded, casework.ExternalAppointmentCancelled)
def appointment_known(heard: Heard[Any]) -> Iterable[Row]:
    """For a house that begins to work with him later."""
    seen = _seen(heard)
    yield known.appointed(
        seen.appointment_id,
        person_id=seen.person_id,
        case_id=seen.case_id,
        org_id=seen.org_id,
        starts_at=seen.hours.starts_at,
        ends_at=seen.hours.ends_at,
        stands=not seen.hours.off,
        seq=heard.seq,
    )
