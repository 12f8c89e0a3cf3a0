"""What the service remembers of what others told: who works with him, what work is open, where a redirect led."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from chassis.calendar import local_date
from chassis.projection import Row
from referral.storage import AGREEMENTS, CASE_COVER, CASE_WORKER, OFFER, ONWARD, ONWARD_STATE, OPEN_WORK

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime
    from uuid import UUID

# A worker loses access 28 days after the close.
ACCESS_DAYS = 28


def case_worker(case_id: UUID, *, worker_ref: str, role: str, seq: int) -> Row:
    """Who works with him now."""
    return Row(CASE_WORKER, {"case_id": case_id, "worker_ref": worker_ref, "role": role, "seq": seq})


def case_cover(case_id: UUID, *, worker_ref: str, starts_on: date, ends_on: date | None, seq: int) -> Row:
    """Who covers for dated days."""
    return Row(
        CASE_COVER,
        {"case_id": case_id, "worker_ref": worker_ref, "starts_on": starts_on, "ends_on": ends_on, "seq": seq},
    )


def work_open(case_id: UUID, *, seq: int) -> Row:
    """Work is open: no second referral to the same programme."""
    return Row(OPEN_WORK, {"case_id": case_id, "open": True, "worker_until": None, "seq": seq})


def work_closed(case_id: UUID, *, closed_at: datetime, seq: int) -> Row:
    """Work has closed: he may be referred again, and his worker's access ends."""
    until = local_date(closed_at) + timedelta(days=ACCESS_DAYS)
    return Row(OPEN_WORK, {"case_id": case_id, "open": False, "worker_until": until, "seq": seq})


def offer(offer_id: UUID, *, state: str, seq: int) -> Row:
    """Where an offer of another organisation stands."""
    return Row(OFFER, {"offer_id": offer_id, "state": state, "seq": seq})


def onward(handoff_id: UUID, *, case_id: UUID, seq: int) -> Row:
    """The redirect of a case was offered there."""
    return Row(ONWARD, {"handoff_id": handoff_id, "case_id": case_id, "seq": seq})


def onward_state(handoff_id: UUID, *, state: str, seq: int) -> Row:
    """What became of it."""
    return Row(ONWARD_STATE, {"handoff_id": handoff_id, "state": state, "seq": seq})


def agreement_signed(
    isa_id: str,
    *,
    parties: Iterable[str],
    recipients: Iterable[str],
    valid_from: date,
    valid_to: date,
    covers: Mapping[str, Any],
    seq: int,
) -> Row:
    """Between whom a sharing agreement is, from when to when, and what it covers."""
    between = {"parties": parties, "recipients": recipients}
    return Row(*AGREEMENTS.signed(isa_id, **between, valid_from=valid_from, valid_to=valid_to, covers=covers, seq=seq))


def agreement_stands(isa_id: str, *, in_force: bool, since: datetime, seq: int) -> Row:
    """Whether it is in force."""
    return Row(*AGREEMENTS.stands(isa_id, in_force=in_force, since=since, seq=seq))
