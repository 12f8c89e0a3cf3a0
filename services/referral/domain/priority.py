"""Who waits in which band: pure judgement. A band orders the queue; it never decides eligibility (S6)."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from referral.domain.codes import ETHNICITIES
from referral.domain.person import age_on

if TYPE_CHECKING:
    from datetime import date

YOUNG_BEFORE, STEP_DAYS = 30, 30


class Band(StrEnum):
    """P1 waits at the front."""

    P1 = "P1"
    P2 = "P2"
    P3 = "P3"


_ORDER = (Band.P3, Band.P2, Band.P1)


def in_focus_group(ethnicity: str, *, include_w3_w5: bool) -> bool:
    """Whether the ethnicity stated is in the focus set; one not stated never is."""
    focus = ethnicity in ETHNICITIES and ethnicity[0] in "MABO"
    return focus or (include_w3_w5 and ethnicity in {"W3", "W5"})


def base_band(*, ethnicity: str, born: date | None, submitted_on: date, include_w3_w5: bool) -> Band:
    """P1 for both criteria, P2 for one, P3 for none; fixed on the day of submission."""
    young = born is not None and age_on(born, submitted_on) < YOUNG_BEFORE
    return _ORDER[young + in_focus_group(ethnicity, include_w3_w5=include_w3_w5)]


def effective_band(base: Band, *, submitted_on: date, on: date, step_days: int = STEP_DAYS) -> Band:
    """Waiting lifts the band one step for each 30 full days, never above P1, so that nobody starves."""
    steps = max(0, (on - submitted_on).days) // step_days
    return _ORDER[min(len(_ORDER) - 1, _ORDER.index(base) + steps)]
