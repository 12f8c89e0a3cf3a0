"""The shared picture of one case as the partners service tells it, put into words for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from google.protobuf.json_format import MessageToDict

from house.plainly import day as _day
from house.plainly import moment as _moment
from house.plainly import words as _words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from chassis.access import Actor
    from house.clients import Clients

_PROMISES: Final = {
    "L1": "a decision on the referral",
    "L2": "an answer to the referrer",
    "L3": "a first contact with him",
    "L4": "the start of the work",
    "L18": "naming a worker",
    "L20": "asking him again whether he agrees",
    "L21": "a review",
}


async def fetched(clients: Clients, who: Actor, reference: str) -> dict[str, Any]:
    """The picture as plain values, as far as this person may see it."""
    answer = await clients.call(who, "GetPicture", case_reference=reference)
    found: dict[str, Any] = MessageToDict(answer, preserving_proto_field_name=True)
    return found


def in_words(found: dict[str, Any]) -> list[str]:
    """One sentence a line; nothing is told by colour."""
    case = found.get("picture", {})
    return [*_heading(case), *_story(case), *_people(case), *_work(case), *_late(case), "", *_freshness(found)]


def _heading(case: dict[str, Any]) -> Iterator[str]:
    yield f"Case {case.get('case_reference', '')}"
    yield f"  State: {_words(case.get('state', 'UNKNOWN'))}"
    if kind := case.get("kind"):
        yield f"  Asked for: {_words(kind)}"


def _story(case: dict[str, Any]) -> Iterator[str]:
    for member, text in (
        ("submitted_at", "Submitted"),
        ("in_triage_since", "In triage since"),
        ("accepted_at", "Accepted"),
        ("ended_at", "Ended"),
    ):
        if member in case:
            yield f"  {text} {_moment(case[member])}"
    if "decision_due_at" in case and "accepted_at" not in case and "ended_at" not in case:
        yield f"  A decision is due by {_moment(case['decision_due_at'])}"
    if "taking_part" in case:
        part = case["taking_part"]
        agreed = "He has agreed to take part" if part.get("agreed") else "He has not agreed to take part"
        yield f"  {agreed}" + (f", to be asked again on {_day(part['review_on'])}" if part.get("review_on") else "")
    if "screening" in case:
        screening = case["screening"]
        current = "current" if screening.get("current") else "not current"
        on = f", completed on {_day(screening['completed_on'])}" if screening.get("completed_on") else ""
        yield f"  Screening: {current}{on}"


def _people(case: dict[str, Any]) -> Iterator[str]:
    if case.get("waits_for_worker"):
        due = f", due by {_moment(case['allocation_due_at'])}" if "allocation_due_at" in case else ""
        yield f"  Waits for a worker{due}"
    if worker := case.get("worker"):
        since = f" since {_moment(worker['since'])}" if "since" in worker else ""
        yield f"  Works with him: {worker.get('worker_ref', '')} ({worker.get('role', '')}){since}"
    if cover := case.get("worker_cover"):
        yield f"  Covered by {cover.get('ref', '')}{_span(cover)}"
    if ref := case.get("practitioner_ref"):
        yield f"  Probation practitioner: {ref}"
    if cover := case.get("practitioner_cover"):
        yield f"  Practitioner covered by {cover.get('ref', '')}{_span(cover)}"


def _work(case: dict[str, Any]) -> Iterator[str]:
    work = case.get("engagement")
    if not work:
        return
    for member, text in (("opened_at", "The work is open since"), ("last_tried_at", "Last tried to reach him")):
        if member in work:
            yield f"  {text} {_moment(work[member])}"
    for member, text in (("next_review_on", "Next review"), ("planned_end_on", "Planned end")):
        if work.get(member):
            yield f"  {text}: {_day(work[member])}"


def _late(case: dict[str, Any]) -> Iterator[str]:
    for late in case.get("late", []):
        promise = late.get("promise", "")
        since = f" since {_moment(late['since'])}" if "since" in late else ""
        yield f"  LATE: {_PROMISES.get(promise, promise)}{since}"


def _freshness(found: dict[str, Any]) -> Iterator[str]:
    yield "How fresh this is"
    for source in found.get("sources", []):
        heard = f"last heard {_moment(source['last_heard_at'])}" if "last_heard_at" in source else "nothing heard yet"
        fresh = (
            f"complete as of {_moment(source['fresh_as_of'])}" if "fresh_as_of" in source else "completeness unknown"
        )
        yield f"  {source.get('service', ''):<14} {heard}, {fresh}"


def _span(cover: dict[str, Any]) -> str:
    ends = f" to {_day(cover['ends_on'])}" if cover.get("ends_on") else ""
    return f" from {_day(cover['starts_on'])}{ends}" if cover.get("starts_on") else ""
