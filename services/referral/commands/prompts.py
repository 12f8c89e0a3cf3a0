"""What outside events suggest, and what people did about it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from chassis import telemetry
from chassis.access import by
from chassis.aggregate import Fault, Invalid
from chassis.work import command
from referral.commands.looking import as_the_house
from referral.commands.people import holders, link_unheld, suggest
from referral.commands.screenings import import_screening
from referral.domain.person import Identifiers, Person
from referral.domain.prompt import Dismissal, Done, PromptKind
from referral.gateways import hmpps

if TYPE_CHECKING:
    from uuid import UUID

    from referral.gateways.hmpps import External
    from referral.storage import Work

_SEERS = by("PP own, EW own, SM own, CP own, IG own")
_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")


class NothingOfOurs(Exception):  # noqa: N818 - an answer, and no refusal
    """A message of a type or about a person that nobody here knows. It undoes the whole work, so that nothing is
    kept, neither a key nor an audit entry: whether somebody is known elsewhere is none of our business, and the
    message may come again."""

    def __init__(self, event_type: str) -> None:
        super().__init__()
        self.event_type = event_type


@command("prompt.raise", by("SYSTEM, ADAPTER"))
async def raise_prompt(work: Work, person_id: UUID, kind: PromptKind, source_key: str) -> dict[str, object]:
    """Put before people what an outside event suggests; one for each source."""
    if not _KEY.fullmatch(source_key):
        raise Invalid(Fault("source_key", "INVALID_FORMAT"))
    with as_the_house(work):
        person = await work.people.get(person_id)
        prompt_id = await suggest(work, person.id, kind, source_key)
    return {"prompt_id": prompt_id, "version": 1 if prompt_id else 0}


@command("prompt.complete", _SEERS)
async def complete_prompt(work: Work, prompt_id: UUID, done: Done, expected: int | None) -> int:
    """Say what was done."""
    prompt = await work.prompts.get(prompt_id, expected)
    return await work.prompts.put(prompt.complete(done, at=work.now))


@command("prompt.dismiss", _SEERS)
async def dismiss_prompt(work: Work, prompt_id: UUID, reason: Dismissal, expected: int | None) -> int:
    """Say why it needs nothing."""
    prompt = await work.prompts.get(prompt_id, expected)
    return await work.prompts.put(prompt.dismiss(reason, at=work.now))


@command("external_event.receive", by("SYSTEM, ADAPTER"))
async def receive_external_event(work: Work, source: str, message: bytes) -> dict[str, object]:
    """Take one message of another system. Raises `NothingOfOurs` for an unknown type and an unknown person alike."""
    if source != "HMPPS":
        raise Invalid(Fault("source", "UNKNOWN_CODE"))
    external = hmpps.read(message)
    if external.type_differs:
        telemetry.count("external_events", outcome="type_differs")
    with as_the_house(work):
        taken = await _taken(work, external)
    telemetry.count("external_events", outcome="taken" if taken else "ignored")
    if not taken:
        raise NothingOfOurs(external.event_type)
    return {"outcome": "TAKEN", "event_type": external.event_type}


async def _taken(work: Work, external: External) -> bool:
    effect = hmpps.effect_of(external)
    if effect is None:
        return False
    person = await _person(work, external.identifiers)
    if person is None:
        return False
    if effect.screening is not None:
        result, completed_on = effect.screening
        await import_screening.inside(work, person.id, result, completed_on)
    if effect.links is not None:
        await _link(work, person, effect.links)
    if effect.prompt is not None:
        await suggest(work, person.id, effect.prompt, external.key, external.event_type)
    return True


async def _person(work: Work, known_by: tuple[Identifiers, ...]) -> Person | None:
    """The person the event is about: the first identifier that somebody here holds decides."""
    for identifiers in known_by:
        found = await holders(work, identifiers)
        if found:
            return await work.people.get(min(found))
    return None


async def _link(work: Work, person: Person, given: Identifiers) -> None:
    """An identifier that nobody else holds is linked; what contradicts opens a merge review."""
    value = await link_unheld(work, person, given)
    if value.news:
        await work.people.put(value)
