"""Who a person is and how to reach him: found by his identifiers, never overwritten, hidden where lists say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Text, bindparam, or_, select

from chassis.access import by, visible_to
from chassis.aggregate import Conflict
from chassis.database import statement
from chassis.projection import Row
from chassis.work import command
from referral.commands.looking import for_judgement, man, today
from referral.domain import person_form
from referral.domain.access_list import AccessList, List
from referral.domain.equality import EqualityAnswers
from referral.domain.fields import Reading
from referral.domain.person import Identifiers, MergeReviewOpened, Person
from referral.domain.prompt import Prompt, PromptKind
from referral.storage import ACCESS_LIST, IDENTIFIERS, PERSON, UNLISTED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from referral.domain.codes import Gender
    from referral.domain.person import Details
    from referral.storage import Work

_HELD = statement(
    select(
        PERSON.c.id,
        *(PERSON.c[f"{kind}_hash"] == bindparam(f"is_{kind}", type_=Text) for kind in IDENTIFIERS),
        visible_to(UNLISTED).label("visible"),
    ).where(or_(*(PERSON.c[f"{kind}_hash"] == bindparam(f"is_{kind}", type_=Text) for kind in IDENTIFIERS)))
)


async def holders(work: Work, given: Identifiers) -> dict[UUID, tuple[frozenset[str], bool]]:
    """Who holds any of these identifiers, by the record he goes on by: which kinds, and whether the access lists let
    the actor know.

    The identifiers stay locked to the end of the work, so that two works never record one man twice.
    """
    ring = work.keys.ring
    hashes = {kind: ring.fingerprint(kind, value) for kind, value in given.given().items()}
    for hashed in sorted(hashes.values()):
        await work.conn.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", hashed)
    wanted = {f"is_{kind}": hashes.get(kind) for kind in IDENTIFIERS}
    rows = await _HELD.all(work.conn, **wanted, **work.asking)
    found: dict[UUID, tuple[frozenset[str], bool]] = {}
    for row in rows:
        kinds = frozenset(kind for n, kind in enumerate(IDENTIFIERS, 1) if row[n])
        who = (await man(work, row["id"])).goes_by
        others, visible = found.get(who, (frozenset(), True))
        found[who] = (kinds | others, visible and bool(row["visible"]))
    return found


async def link_unheld(work: Work, person: Person, given: Identifiers) -> Person:
    """Link what nobody holds, not even he under another record of his; what contradicts opens a merge review."""
    found = await holders(work, given)
    taken = frozenset(kind for who, (kinds, _) in found.items() if who != person.id for kind in kinds)
    his, _ = found.get(person.id, (frozenset(), True))
    return person.link(given.without(his), taken=taken, at=work.now)


async def find_or_record(work: Work, given: Identifiers, details: Details) -> Person:
    """The person with these identifiers, or a new record.

    The strongest identifier decides. One that contradicts, that another holds, or that belongs to somebody the
    actor may not know of, opens a merge review for a service manager; the actor sees nothing of it.
    """
    held = await holders(work, given)
    known = {who: kinds for who, (kinds, visible) in held.items() if visible}
    hidden = any(not visible for _, visible in held.values())
    if known:
        chosen = min(known, key=lambda who: (min(IDENTIFIERS.index(kind) for kind in known[who]), who))
        others = frozenset(kind for who, kinds in known.items() if who != chosen for kind in kinds)
        with for_judgement(work):
            person = (await work.people.get(chosen)).fill(details, at=work.now)
        # What found him he holds already, be it under another record: it is not linked a second time.
        value = person.link(given.without(known[chosen]), taken=others - known[chosen], at=work.now)
        value = value.review_merge(at=work.now) if others else value
    else:
        value = Person(id=work.new_id()).record(details, at=work.now)
        value = value.link(given, taken=frozenset(), at=work.now)
    return await _kept(work, value.review_merge(at=work.now) if hidden else value)


async def _kept(work: Work, value: Person) -> Person:
    """Put the person; a merge review is put before a service manager as a prompt."""
    reviewed = any(isinstance(fact, MergeReviewOpened) for fact in value.news)
    await work.people.put(value)
    if reviewed:
        await suggest(work, value.id, PromptKind.MERGE_SUGGESTED, f"merge:{value.id}:{value.version}")
    return value


async def suggest(work: Work, person_id: UUID, kind: PromptKind, source_key: str, event_type: str = "") -> str:
    """Raise a prompt about the record he goes on by; its source raises one only, ever. Empty where there was one."""
    known = await work.conn.fetchval("select exists(select 1 from prompt where source_key = $1)", source_key)
    if known:
        return ""
    about = (await man(work, person_id)).goes_by
    prompt = Prompt(id=work.new_id(), person_id=about, kind=kind, source_key=source_key, event_type=event_type)
    await work.prompts.put(prompt.raise_(at=work.now))
    return str(prompt.id)


async def answer_equality(work: Work, person_id: UUID, *, ethnicity: str, gender: Gender | None) -> None:
    """Keep what he answered, apart from the case, under the record he goes on by."""
    who = (await man(work, person_id)).goes_by
    held = await work.equality.first(person_id=who) or EqualityAnswers(id=work.new_id(), person_id=who)
    value = held.answer(ethnicity=ethnicity, gender=gender, at=work.now)
    if value.news:
        await work.equality.put(value)


async def answers_for_equality(work: Work, person_id: UUID) -> EqualityAnswers | None:
    """What he answered under the record he goes on by, else under another one of his."""
    of = await man(work, person_id)
    found = {held.person_id: held for held in await work.equality.find(person_id=of.records)}
    return found.get(of.goes_by) or next(iter(found.values()), None)


@command("person.record_details", by("PP own, EW own, SM, CP own"))
async def record_person_details(
    work: Work,
    person_id: UUID,
    identifiers: Mapping[str, object],
    person: Mapping[str, object],
    expected: int | None,
) -> int:
    """Record who he is; identifiers are added, never overwritten."""
    held = await work.people.get(person_id, expected)
    reading = Reading({})
    given = person_form.read_identifiers(reading.part(identifiers, "identifiers"), today=today(work))
    details = person_form.read_details(reading.part(person, "person"), today=today(work))
    reading.done()
    value = await link_unheld(work, held.record(details, at=work.now), given)
    await _kept(work, value)
    return held.version + len(value.news)


@command("person.set_contact_channels", by("PP own, EW own, SM, CP own"))
async def set_contact_channels(work: Work, person_id: UUID, given: Mapping[str, object], expected: int | None) -> int:
    """Record how he can be reached."""
    held = await work.people.get(person_id, expected)
    reading = Reading(given)
    channels = person_form.read_channels(reading)
    reading.done()
    return await work.people.put(held.set_channels(channels, at=work.now))


@command("person.set_safe_contact", by("PP own, EW own, SM, CP own"))
async def set_safe_contact(work: Work, person_id: UUID, given: Mapping[str, object], expected: int | None) -> int:
    """Record how he can be reached safely."""
    held = await work.people.get(person_id, expected)
    reading = Reading(given)
    agreed = person_form.read_safe_contact(reading, held.channels)
    reading.done()
    return await work.people.put(held.set_safe_contact(agreed, at=work.now))


@command("person.set_access_list", by("SM, IG"))
async def set_access_list(work: Work, person_id: UUID, which: List, entries: Sequence[str], expected: int) -> int:
    """Say who alone may, or who may not, know of him; it holds from the commit. Each record of a man keeps its own
    lists, which bound all of them: so they are mended where they stand."""
    person = await work.people.get(person_id)
    held = await work.limits.first(person_id=person.id) or AccessList(id=work.new_id(), person_id=person.id)
    if held.version != expected:
        raise Conflict
    value = held.change(which, entries, at=work.now)
    version = await work.limits.put(value)
    given = list(value.allow if which is List.ALLOW else value.deny)
    row = {"person_id": person.id, "list": which.value, "entries": given, "version": version, "seq": version}
    work.remember([Row(ACCESS_LIST, row)])
    return version
