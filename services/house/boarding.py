"""The board: every open case of a house for one viewer, what needs somebody first; put into words for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from house import picture, wording
from house.wording import Names, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from chassis.access import Actor
    from house.clients import Clients

OPEN: Final = ("SUBMITTED", "IN_TRIAGE", "ACCEPTED", "OPENED", "ENGAGING", "ACTIVE", "PAUSED", "ENDING", "SHARED")
_PAGE: Final = 200


async def fetched(clients: Clients, who: Actor, states: Sequence[str] = OPEN) -> dict[str, Any]:
    """The pictures in these states that this person may see, with counts of all and how fresh each source is."""
    pictures: list[dict[str, Any]] = []
    token = ""
    while True:
        answer = await clients.call(who, "ListPictures", states=list(states), page_size=_PAGE, page_token=token)
        page = picture.plain(answer)
        pictures += page.get("pictures", [])
        token = page.get("next_page_token", "")
        if not token:
            break
    return {
        "pictures": sorted(pictures, key=lambda each: not waits_for_somebody(each)),
        "counts": {each["state"]: int(each["cases"]) for each in page.get("counts", [])},
        "sources": page.get("sources", []),
        "organisations": await picture.names(clients, who),
    }


def in_words(found: Mapping[str, Any], *, organisation: str) -> list[str]:
    """What needs somebody, then what goes on, then how fresh that is; nothing is told by colour."""
    called, pictures = Names(found.get("organisations")), found.get("pictures", [])
    needing = [each for each in pictures if waits_for_somebody(each)]
    going_on = [each for each in pictures if not waits_for_somebody(each)]
    return [
        f"The board of {called.of(organisation)}",
        _first_sentence(len(pictures), len(needing)),
        *_counted(found.get("counts", {})),
        *_part("Needs somebody now", needing, called),
        *_part("Goes on", going_on, called),
        "",
        "How fresh this is",
        *(f"  {wording.fresh(source, called)}" for source in found.get("sources", [])),
        "What you may not see is not listed here.",
    ]


def waits_for_somebody(case: Mapping[str, Any]) -> bool:
    """Whether anything waits for somebody: nobody on a need now, two at one hour, a promise late."""
    missing = any(not gap.get("after") for gap in case.get("gaps", []))
    return missing or bool(case.get("clashes")) or any(picture.missed_promises(case))


def _first_sentence(cases: int, needing: int) -> str:
    people = {0: "Nobody is on it", 1: "One person is on it"}.get(cases, f"{cases} people are on it")
    return f"{people}. {f'{needing} of them need somebody now' if needing else 'Nothing needs anybody now'}."


def _counted(counts: Mapping[str, int]) -> Iterator[str]:
    if counts:
        yield f"By state: {', '.join(f'{number} {words(state)}' for state, number in counts.items())}"


def _part(title: str, pictures: Sequence[Mapping[str, Any]], called: Names) -> Iterator[str]:
    if not pictures:
        return
    yield from ("", title)
    for case in pictures:
        yield f"  {case.get('case_reference') or case.get('case_id', '')}  {words(case.get('state', ''))}"
        yield from (f"    {line}" for line in _lines(case, called))


def _lines(case: Mapping[str, Any], called: Names) -> Iterator[str]:
    """One case: what needs somebody, what is late, what is covered, what waits, what is next."""
    yield from picture.needs_somebody(case, called)
    yield from (f"Late: {late}" for late in picture.missed_promises(case))
    covered = [f"{wording.service(d['aspect_code'])} by {called.of(d['org_id'])}" for d in case.get("deliveries", [])]
    if covered:
        yield f"Covered: {'; '.join(covered)}"
    elif case.get("waits_for_worker"):
        yield "Waits for a worker"
    for handoff in case.get("handoffs", []):
        if handoff.get("state") not in {"ACCEPTED", "IN_PROGRESS"}:
            yield f"Between organisations: {wording.handoff(handoff, called)}"
    for contact in case.get("contacts", [])[:1]:
        yield f"Next: {wording.contact(contact, called)}"
