"""The shared picture of one case as the partners service tells it, put into words for a terminal."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import UUID

from google.protobuf.json_format import MessageToDict

from house import wording
from house.clients import Refusal
from house.wording import PROMISES, Names, day, moment, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from chassis.access import Actor
    from house.clients import Clients


async def fetched(clients: Clients, who: Actor, reference: str) -> dict[str, Any]:
    """The picture as plain values, as far as this person may see it. Whoever is known by a handoff alone has no
    reference here: he is asked for by the id under which a board lists him."""
    asked: dict[str, Any] = {"case_reference": reference}
    with suppress(ValueError):
        asked = {"case_id": str(UUID(reference))}
    answer = await clients.call(who, "GetPicture", **asked)
    return {**plain(answer), "organisations": await names(clients, who)}


async def names(clients: Clients, who: Actor) -> dict[str, str]:
    """What organisations are called; whoever may not ask is shown their ids."""
    found: dict[str, str] = {}
    token = ""
    with suppress(Refusal):
        while True:
            answer = await clients.call(who, "ListOrganisations", page_size=200, page_token=token)
            found |= {each.org_id: each.name for each in answer.organisations}
            token = answer.next_page_token
            if not token:
                break
    return found


def plain(answer: Any) -> dict[str, Any]:
    """A message as plain values under the names of the contract."""
    held: dict[str, Any] = MessageToDict(answer, preserving_proto_field_name=True)
    return held


def in_words(found: dict[str, Any]) -> list[str]:
    """One sentence a line; nothing is told by colour."""
    case, called = found.get("picture", {}), Names(found.get("organisations"))
    return [
        *_heading(case),
        *_story(case),
        *_people(case),
        *_work(case),
        *_late(case),
        *_across(case, called),
        "",
        "How fresh this is",
        *(f"  {wording.fresh(source, called)}" for source in found.get("sources", [])),
        "What you may not see is not listed here.",
    ]


def _heading(case: Mapping[str, Any]) -> Iterator[str]:
    yield f"Case {case.get('case_reference') or case.get('case_id', '')}"
    yield f"  State: {words(case.get('state', 'UNKNOWN'))}"
    if kind := case.get("kind"):
        yield f"  Asked for: {words(kind)}"


def _story(case: Mapping[str, Any]) -> Iterator[str]:
    for member, text in (
        ("submitted_at", "Handed over" if case.get("state") == "SHARED" else "Submitted"),
        ("in_triage_since", "In triage since"),
        ("accepted_at", "Accepted"),
        ("ended_at", "Ended"),
    ):
        if member in case:
            yield f"  {text} {moment(case[member])}"
    if "decision_due_at" in case and "accepted_at" not in case and "ended_at" not in case:
        yield f"  A decision is due by {moment(case['decision_due_at'])}"
    if "taking_part" in case:
        part = case["taking_part"]
        agreed = "He has agreed to take part" if part.get("agreed") else "He has not agreed to take part"
        yield f"  {agreed}" + (f", to be asked again on {day(part['review_on'])}" if part.get("review_on") else "")
    if "screening" in case:
        screening = case["screening"]
        current = "current" if screening.get("current") else "not current"
        on = f", completed on {day(screening['completed_on'])}" if screening.get("completed_on") else ""
        yield f"  Screening: {current}{on}"


def _people(case: Mapping[str, Any]) -> Iterator[str]:
    if case.get("waits_for_worker"):
        due = f", due by {moment(case['allocation_due_at'])}" if "allocation_due_at" in case else ""
        yield f"  Waits for a worker{due}"
    if worker := case.get("worker"):
        since = f" since {moment(worker['since'])}" if "since" in worker else ""
        yield f"  Works with him: {worker.get('worker_ref', '')} ({worker.get('role', '')}){since}"
    if cover := case.get("worker_cover"):
        yield f"  Covered by {cover.get('ref', '')}{_span(cover)}"
    if ref := case.get("practitioner_ref"):
        yield f"  Probation practitioner: {ref}"
    if cover := case.get("practitioner_cover"):
        yield f"  Practitioner covered by {cover.get('ref', '')}{_span(cover)}"


def _work(case: Mapping[str, Any]) -> Iterator[str]:
    work = case.get("engagement")
    if not work:
        return
    for member, text in (("opened_at", "The work is open since"), ("last_tried_at", "Last tried to reach him")):
        if member in work:
            yield f"  {text} {moment(work[member])}"
    for member, text in (("next_review_on", "Next review"), ("planned_end_on", "Planned end")):
        if work.get(member):
            yield f"  {text}: {day(work[member])}"


def _late(case: Mapping[str, Any]) -> Iterator[str]:
    for late in missed_promises(case):
        yield f"  LATE: {late}"


def missed_promises(case: Mapping[str, Any]) -> Iterator[str]:
    """Promises of organisations that were not kept in time; never of a man."""
    for late in case.get("late", []):
        since = f" since {moment(late['since'])}" if "since" in late else ""
        yield f"{PROMISES.get(late.get('promise', ''), late.get('promise', ''))}{since}"
    for handoff in case.get("handoffs", []):
        if "late_since" in handoff:
            what = wording.services(handoff.get("aspect_codes", []))
            yield f"{PROMISES['L7']} ({what}) since {moment(handoff['late_since'])}"


def _across(case: Mapping[str, Any], called: Names) -> Iterator[str]:
    """What organisations do with him, part by part; a part without anything is not there."""
    for title, lines in (
        ("Who does what", [wording.delivery(each, called) for each in case.get("deliveries", [])]),
        ("What is next", [wording.contact(each, called) for each in case.get("contacts", [])]),
        ("Between organisations", [wording.handoff(each, called) for each in case.get("handoffs", [])]),
        ("What needs somebody", [*needs_somebody(case, called)]),
    ):
        if lines:
            yield from ("", title, *(f"  {line}" for line in lines))


def needs_somebody(case: Mapping[str, Any], called: Names) -> Iterator[str]:
    """Gaps and clashes."""
    yield from (wording.gap(each, called) for each in case.get("gaps", []))
    yield from (wording.clash(each, called) for each in case.get("clashes", []))


def _span(cover: Mapping[str, Any]) -> str:
    ends = f" to {day(cover['ends_on'])}" if cover.get("ends_on") else ""
    return f" from {day(cover['starts_on'])}{ends}" if cover.get("starts_on") else ""
