"""What becomes of the handoffs of the demonstration: who does what in which act, as plain data.

Dealt out with the paths of the people, so that a few people already show every course.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from typing import TYPE_CHECKING, Any, Final

from chassis.calendar import at_london, is_working_day
from house import staff

if TYPE_CHECKING:
    from house.demo.people import Person

TRUST, WOMEN, PENROSE = "north-london-nhs", "women-in-prison", "sig-penrose"
HERE, THERE = "here", "there"
CATEGORIES: Final = ("CONTACT_DETAILS", "APPOINTMENTS")
ENDS: Final = frozenset({"COMPLETED", "DECLINED", "REVOKED", "EXPIRED", "FAILED", "ENTERED_IN_ERROR"})
_ACCEPTED: Final = ("ACCEPTED", "WAITLISTED")


def _nothing(_: date) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True)
class Step:
    """What one side does in an act, once the handoff stands in one of the states `when` in its house.

    Steps that cross are done on both sides at once, whatever has been heard.
    """

    act: str
    side: str
    command: str
    when: tuple[str, ...]
    fields: Callable[[date], Mapping[str, Any]] = _nothing
    names_worker: bool = False
    crosses: bool = False
    reads: bool = False  # who works with him or her reads how to reach them, from where it is kept


@dataclass(frozen=True)
class Course:
    """One handoff from its offer on: to which house, what for, and what both sides do."""

    name: str
    to: str
    aspect: str
    kind: str
    worker: str
    steps: tuple[Step, ...] = ()
    offered: bool = True  # by a manager; otherwise the redirect of a referral has made it
    agreed_in: str = "begin"
    taken_back_in: str = ""
    agreed_anew_in: str = ""


def _accept(act: str = "answer") -> Step:
    return Step(act, THERE, "AcceptHandoff", ("RECEIVED", "WAITLISTED"), names_worker=True)


def _start(act: str = "support") -> Step:
    """First contact is made."""
    return Step(act, THERE, "StartHandoffWork", _ACCEPTED, lambda today: {"first_contact_on": today.isoformat()})


def _complete(act: str) -> Step:
    done = {"outcome": "DELIVERED", "delivered": "What was agreed has been done."}
    return Step(act, THERE, "CompleteHandoff", ("IN_PROGRESS",), lambda _: done)


def _meet(hour: int) -> Step:
    """The next contact is in the week after the story ends."""

    def when(today: date) -> dict[str, Any]:
        day = today + timedelta(days=6)
        while not is_working_day(day):
            day += timedelta(days=1)
        starts, ends = (at_london(day, time(at)).isoformat() for at in (hour, hour + 1))
        return {"step_code": "REGULAR_CONTACT", "starts_at": starts, "ends_at": ends}

    return Step("look_ahead", THERE, "PlanHandoffContact", ("ACCEPTED", "IN_PROGRESS"), when)


_HELD = (_accept(), replace(_start(), reads=True))
_CLINICIAN, (_WORKER, _OTHER) = staff.CLINICIAN, staff.WORKERS[:2]

CARRIED_OUT = Course("carried-out", TRUST, "PSYCHOLOGY", "SHARED_CARE", _CLINICIAN, (
    *_HELD, _complete("go_on"), Step("go_on", HERE, "ConfirmHandoffLoop", ("COMPLETED",)),
))  # fmt: skip
CLOSES_BY_ITSELF = Course(
    "closes-by-itself", TRUST, "PSYCHOLOGY", "SHARED_CARE", _CLINICIAN, (*_HELD, _complete("interrupt"))
)
GOES_ON = Course("goes-on", TRUST, "PSYCHOLOGY", "SHARED_CARE", _CLINICIAN, (*_HELD, _meet(14)))
GOES_ON_TOO = Course("goes-on-too", PENROSE, "SUPPORTED_HOUSING", "SHARED_CARE", _WORKER, (*_HELD, _meet(14)))
RESTS_A_WHILE = Course("rests-a-while", TRUST, "PSYCHOLOGY", "SHARED_CARE", _CLINICIAN, (
    *_HELD,
    Step("interrupt", THERE, "HoldHandoff", ("IN_PROGRESS",), lambda _: {"reason": "IN_CUSTODY"}),
    Step("go_on", THERE, "ResumeHandoff", ("ON_HOLD",)),
    _meet(11),
))  # fmt: skip
NO_ROOM = Course("no-room", PENROSE, "SUPPORTED_HOUSING", "REFERRAL_ON", _WORKER, (
    Step("answer", THERE, "DeclineHandoff", ("RECEIVED",), lambda _: {
        "reason": "NO_CAPACITY", "note": "Full until spring.",
    }),
))  # fmt: skip
ASKED_FIRST = Course("asked-first", PENROSE, "SUPPORTED_HOUSING", "TRANSFER", _OTHER, (
    Step("answer", THERE, "RequestHandoffInformation", ("RECEIVED",), lambda _: {
        "items": [{"text": "From when on is the room needed?"}],
    }),
    Step("answer", HERE, "SupplyHandoffInformation", ("INFO_REQUESTED",), lambda _: {
        "answer": "From the first of the month after next.",
    }),
    Step("support", THERE, "WaitlistHandoff", ("RECEIVED",)),
    _accept("interrupt"), _start("interrupt"), _meet(15),
))  # fmt: skip
CROSSES = Course("crosses", PENROSE, "SUPPORTED_HOUSING", "WARM_INTRODUCTION", _WORKER, (
    Step("answer", HERE, "RevokeHandoff", (), crosses=True),
    Step("answer", THERE, "AcceptHandoff", (), names_worker=True, crosses=True),
    _start(),
))  # fmt: skip
TAKEN_BACK = Course("taken-back", PENROSE, "SUPPORTED_HOUSING", "SHARED_CARE", _OTHER, _HELD, taken_back_in="interrupt")
AGREED_ANEW = Course(
    "agreed-anew", TRUST, "PSYCHOLOGY", "SHARED_CARE", _CLINICIAN, (*_HELD, _meet(10)),
    taken_back_in="interrupt", agreed_anew_in="go_on",
)  # fmt: skip
UNANSWERED = Course("unanswered", PENROSE, "SUPPORTED_HOUSING", "WARM_INTRODUCTION", _WORKER)
REDIRECTED = Course(
    "redirected", WOMEN, "WOMENS_SERVICE", "REFERRAL_ON", _WORKER, (*_HELD, _meet(13)),
    offered=False, agreed_in="decide",
)  # fmt: skip

# By the place of the path among `PATHS`.
_DEALT: Final[Mapping[int, tuple[Course, ...]]] = {
    0: (NO_ROOM,),
    1: (CARRIED_OUT, UNANSWERED),
    3: (RESTS_A_WHILE,),
    5: (ASKED_FIRST,),
    8: (GOES_ON, GOES_ON_TOO),
    9: (CROSSES, AGREED_ANEW),
    12: (CLOSES_BY_ITSELF,),
    13: (TAKEN_BACK,),
    14: (REDIRECTED,),
}


def courses_of(person: Person, partners: Iterable[str]) -> tuple[Course, ...]:
    """What is handed on of this person, to the houses that are there."""
    return tuple(course for course in _DEALT.get(person.slot, ()) if course.to in partners)
