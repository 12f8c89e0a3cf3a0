"""What is told of hours at which a man is seen for other work: to the other house the hour alone, in this one that it
was heard."""

from __future__ import annotations

from typing import Any

from chassis.shares import Basis, Share
from partners.domain.busy_slot import Heard, Hours, Told
from partners.publications.list import PUBLICATIONS
from throughcare.partners.v1 import events_pb2 as told
from throughcare.partners.v1 import shares_pb2 as shared


def _filled(message: Any, hours: Hours) -> Any:
    message.starts_at.FromDatetime(hours.starts_at)
    message.ends_at.FromDatetime(hours.ends_at)
    return message


@PUBLICATIONS.tells(Told)
def slot_told(fact: Told) -> Share:
    """external_appointment.recorded and cancelled, as another house may know them."""
    message = _filled(shared.SharedBusySlot(handoff_id=str(fact.handoff_id), off=fact.hours.off), fact.hours)
    grounds = fact.grounds
    basis = Basis(
        regime=grounds.regime,
        lawful_basis=grounds.lawful_basis,
        confidentiality_basis=grounds.confidentiality_basis,
        isa_id=grounds.isa_id,
    )
    return Share(to=fact.to, message=message, subject_ref=fact.subject_ref, basis=basis)


@PUBLICATIONS.tells(Heard)
def slot_heard(fact: Heard) -> told.BusySlotHeard:
    """busy_slot.heard."""
    message = told.BusySlotHeard(
        handoff_id=str(fact.handoff_id), side=fact.side, partner=fact.partner, off=fact.hours.off
    )
    return _filled(message, fact.hours)  # type: ignore[no-any-return]
