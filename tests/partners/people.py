"""Who asks, in tests of partners."""

from __future__ import annotations

from uuid import uuid4

from chassis.access import Actor, Call, Purpose, Role

MANAGER = Actor(id="staff-sm-1", role=Role.SM, organisation="together", purpose=Purpose.REFERRAL_TRIAGE)
WORKER = Actor(id="staff-ew-1", role=Role.EW, organisation="together", purpose=Purpose.DELIVER_SUPPORT)
OTHER_WORKER = Actor(id="staff-ew-2", role=Role.EW, organisation="together", purpose=Purpose.DELIVER_SUPPORT)
CLINICIAN = Actor(id="staff-cp-1", role=Role.CP, organisation="together", purpose=Purpose.CLINICAL_CARE)
GUARDIAN = Actor(id="staff-ig-1", role=Role.IG, organisation="together", purpose=Purpose.AUDIT)
PRACTITIONER = Actor(id="pp-a", role=Role.PP, organisation="probation", purpose=Purpose.RISK_MANAGEMENT)
OTHER_PRACTITIONER = Actor(id="pp-b", role=Role.PP, organisation="probation", purpose=Purpose.RISK_MANAGEMENT)
COORDINATOR = Actor(id="staff-co-1", role=Role.CO, organisation="together", purpose=Purpose.WORKFORCE)


def asks(actor: Actor) -> Call:
    """One request of this person."""
    return Call(actor=actor, correlation_id=uuid4(), key=uuid4())
