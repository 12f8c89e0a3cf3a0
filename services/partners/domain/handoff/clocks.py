"""The clocks of a handoff (L7, L22, rules.md 3): pure, and the same on both sides from the same instants."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from chassis.calendar import end_of_day, local_date, working_days_due
from partners.domain.handoff.codes import Side
from partners.domain.handoff.states import Status, Stop, Timers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from partners.domain.handoff.aggregate import Handoff

ACKNOWLEDGED, DECIDED, STARTED, CLOSED, EXPIRES, INFORMED, PURGED = 2, 5, 10, 10, 5, 10, 2
KEPT_AFTER_DECLINE = timedelta(days=90)
S = Status


def after(start: datetime, days: int, stops: Iterable[Stop] = ()) -> datetime:
    """The end of the n-th working day after a start, moved by the times in which the clock stood still."""
    return end_of_day(working_days_due(start, days, _pauses(start, stops)))


def _pauses(start: datetime, stops: Iterable[Stop]) -> list[tuple[datetime, datetime]]:
    """The ended stops after the start, joined where they overlap: a day is not given twice."""
    joined: list[tuple[datetime, datetime]] = []
    ended = [(max(each.began, start), each.ended) for each in stops if each.ended is not None and each.ended > start]
    for began, until in sorted(ended):
        if joined and began <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], until))
        else:
            joined.append((began, until))
    return joined


def due_at(handoff: Handoff) -> datetime | None:
    """What is waited for next, and until when; None while nothing is."""
    if handoff.status is S.REVOKE_PENDING:
        return _from(handoff.revoke_requested_at, PURGED)
    if handoff.stage is S.ENTERED_IN_ERROR:
        return _from(handoff.ended_at, PURGED) if handoff.purged_at is None else None
    if handoff.status is S.ON_HOLD and handoff.stage is not S.OFFERED:
        return None
    if handoff.stage is S.COMPLETED and handoff.loop_closed_at is not None:
        return None
    waits: dict[Status, tuple[datetime | None, int, tuple[Stop, ...]]] = {
        S.OFFERED: (handoff.offered_at, ACKNOWLEDGED, ()),
        S.RECEIVED: (handoff.received_at, DECIDED, handoff.stops),
        S.INFO_REQUESTED: (handoff.asked_at, INFORMED, ()),
        S.ACCEPTED: (handoff.accepted_at, STARTED, handoff.stops),
        S.COMPLETED: (handoff.ended_at, CLOSED, ()),
    }
    return _from(*waits[handoff.stage]) if handoff.stage in waits else None


def _from(start: datetime | None, days: int, stops: Iterable[Stop] = ()) -> datetime | None:
    return None if start is None else after(start, days, stops)


def timers(handoff: Handoff) -> Timers:
    """What falls due for this side: it tells what is late for it alone, so nothing is told twice."""
    return _of_sender(handoff) if handoff.side is Side.SENDER else _of_receiver(handoff)


def _of_sender(handoff: Handoff) -> Timers:
    """The receiver cannot know of an offer, or of a request, that has not reached it: so the sender watches these."""
    in_error = handoff.stage is S.ENTERED_IN_ERROR and handoff.purged_at is None
    revoking, offered = in_error or handoff.status is S.REVOKE_PENDING, handoff.stage is S.OFFERED
    late = revoking or handoff.stage.value in handoff.late
    return Timers(
        l7=handoff.due_at if handoff.stage in (S.OFFERED, S.COMPLETED) and not late else None,
        l22=handoff.due_at if revoking and S.REVOKE_PENDING.value not in handoff.late else None,
        expiry=handoff.expires_at if offered and not revoking else None,
    )


def _of_receiver(handoff: Handoff) -> Timers:
    waiting = handoff.stage in (S.RECEIVED, S.ACCEPTED) and handoff.stage.value not in handoff.late
    declined = handoff.stage is S.DECLINED and handoff.purged_at is None and handoff.ended_at
    return Timers(
        l7=handoff.due_at if waiting else None,
        information=handoff.due_at if handoff.status is S.INFO_REQUESTED else None,
        purge=end_of_day(local_date(handoff.ended_at + KEPT_AFTER_DECLINE)) if declined and handoff.ended_at else None,
    )
