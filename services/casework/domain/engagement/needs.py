"""What he needs help with: a service, opened and closed by date (S18). Who works on it, other services know."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from casework.domain.aspect import Aspect
from casework.domain.engagement import facts
from casework.domain.engagement.aggregate import OPEN, Engagement, refuse
from casework.domain.engagement.facts import Need
from casework.domain.term import too_far_back, wrong_day
from chassis.aggregate import Fault, Unmet
from chassis.calendar import local_date


def open_need(engagement: Engagement, aspect: Aspect, *, on: date | None, at: datetime) -> Engagement:
    """He needs this from a day on."""
    engagement.must_be(*OPEN)
    if _open(engagement, aspect) is not None:
        raise Unmet("need_open", "This need is recorded already.")
    day = on or local_date(at)
    closed = [need.closed_on for need in engagement.needs if need.aspect is aspect and need.closed_on]
    refuse(_wrong(day, at, earliest=max([engagement.started_on, *closed])))
    fact = facts.NeedRecorded(aspect=aspect, open=True, on=day, at=at)
    return engagement.telling(fact, needs=(*engagement.needs, Need(aspect=aspect, opened_on=day)))


def close_need(engagement: Engagement, aspect: Aspect, *, on: date | None, at: datetime) -> Engagement:
    """He needs it no more."""
    engagement.must_be(*OPEN)
    need = _open(engagement, aspect)
    if need is None:
        raise Unmet("need_not_open", "This need is not recorded, or it was closed before.")
    day = on or local_date(at)
    refuse(_wrong(day, at, earliest=need.opened_on))
    needs = tuple(replace(need, closed_on=day) if each is need else each for each in engagement.needs)
    return engagement.telling(facts.NeedRecorded(aspect=aspect, open=False, on=day, at=at), needs=needs)


def _open(engagement: Engagement, aspect: Aspect) -> Need | None:
    return next((need for need in engagement.needs if need.aspect is aspect and need.closed_on is None), None)


def _wrong(day: date, at: datetime, *, earliest: date) -> list[Fault]:
    today = local_date(at)
    return wrong_day("on", day, today=today, earliest=earliest) + too_far_back("on", day, today=today)
