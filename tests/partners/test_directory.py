"""The directory as the service keeps it: ours, partners' and imported offers in one; files taken whole, and once."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from chassis.access import Actor, Role
from chassis.aggregate import Denied, Fault, Invalid
from partners.commands import directory as commands
from partners.commands.directory import Answer, Outcome
from partners.domain.codes import Aspect, Gender
from partners.domain.directory import Candidate, Found, Origin, Wanted
from partners.domain.listing import Entry
from partners.domain.offer import Status
from partners.gateways.open_referral import ReadRecord, read, records, written
from partners.queries import directory as queries
from partners.queries import offers
from tests.partners.domain.offers import terms
from tests.partners.gateways.test_open_referral import public
from tests.partners.node_cards import organisation
from tests.partners.people import MANAGER, PRACTITIONER, asks
from tests.partners.test_offers import hear, heard, pause, publish

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chassis.work import Works

MIGRATIONS = "partners.migrations"
CITY = "CITY_DIRECTORY"


def an_entry(source_id: UUID | None = None, **given: Any) -> ReadRecord:
    """A sound record."""
    whose = {name: given.pop(name) for name in ("status", "org_id", "organisation") if name in given}
    fitting = {"status": Status.PUBLISHED, "org_id": "", "organisation": "Citywide Advice"}
    entry = Entry(source_id=source_id or uuid4(), terms=terms(**given).tidied(), **fitting | whose)
    return ReadRecord(source_id=str(entry.source_id), entry=entry)


async def take(
    works: Works[Any], *read: ReadRecord | None, source: str = CITY, actor: Actor = MANAGER
) -> Sequence[Answer]:
    answers: Sequence[Answer] = await works.do(
        commands.import_directory, replace(asks(actor), key=None), source=source, read=read
    )
    return answers


async def search(works: Works[Any], **wanted: Any) -> list[Found]:
    found, _ = await works.ask(queries.search_offers, asks(PRACTITIONER), wanted=Wanted(**wanted))
    return [each for _, each in found]


async def rows(works: Works[Any], sql: str) -> list[Any]:
    async with works.database.connection() as conn:
        return await conn.fetch(sql)


@pytest.fixture
async def penrose(works: Works[Any]) -> Works[Any]:
    """Penrose is registered."""
    await organisation(works, "sig-penrose")
    return works


async def test_one_search_holds_ours_partners_and_imported_offers(penrose: Works[Any]) -> None:
    await publish(penrose, name="Flats")
    await hear(penrose, heard(aspect_codes=["SUPPORTED_HOUSING"], genders=[]))
    await take(penrose, an_entry(name="Hostel", genders=()))

    found = await search(penrose, aspects=(Aspect.SUPPORTED_HOUSING,), gender=Gender.MALE)

    assert [(each.candidate.origin, each.candidate.source, each.candidate.organisation) for each in found] == [
        (Origin.OURS, "", "sig-penrose"),
        (Origin.PARTNER, "women-in-prison", "women-in-prison"),
        (Origin.IMPORTED, CITY, "Citywide Advice"),
    ]
    assert all(each.fits for each in found)


async def test_places_go_on_where_the_last_page_ended(penrose: Works[Any]) -> None:
    await take(penrose, *(an_entry(name=name) for name in ("Beech", "Ash", "Cedar")))

    first, _ = await penrose.ask(queries.search_offers, asks(PRACTITIONER), wanted=Wanted(), most=2)
    second, _ = await penrose.ask(queries.search_offers, asks(PRACTITIONER), wanted=Wanted(), after=first[-1][0])

    assert [each.candidate.terms.name for _, each in (*first, *second)] == ["Ash", "Beech", "Cedar"]


async def test_an_import_takes_each_record_once(penrose: Works[Any]) -> None:
    one, two = an_entry(name="One"), an_entry(name="Two")

    first = await take(penrose, one, two)
    again = await take(penrose, one, two)

    assert [answer.outcome for answer in first] == [Outcome.NEW] * 2
    assert [answer.outcome for answer in again] == [Outcome.UNCHANGED] * 2
    assert len(await rows(penrose, "select 1 from listing")) == 2
    assert len(await rows(penrose, "select 1 from journal where fact_type like 'List%'")) == 2


async def test_what_a_source_says_anew_is_taken_and_its_id_at_another_source_is_another(penrose: Works[Any]) -> None:
    one = an_entry(name="One")
    await take(penrose, one)
    assert one.entry is not None

    changed = await take(penrose, an_entry(one.entry.source_id, name="One more"))
    other = await take(penrose, one, source="OTHER_CITY")

    assert (changed[0].outcome, other[0].outcome) == (Outcome.CHANGED, Outcome.NEW)
    assert {each.candidate.terms.name for each in await search(penrose)} == {"One", "One more"}


async def test_of_one_id_in_a_file_the_first_counts_and_the_others_are_named(penrose: Works[Any]) -> None:
    one = an_entry(name="One")
    assert one.entry is not None
    other = an_entry(one.entry.source_id, name="Two")

    for outcome in (Outcome.NEW, Outcome.UNCHANGED):
        answers = await take(penrose, one, one, other)
        assert [answer.outcome for answer in answers] == [outcome, Outcome.REPEATED, Outcome.REPEATED]
        assert [[fault.code for fault in answer.faults] for answer in answers] == [[], [], ["CONFLICTS_WITH(id)"]]


async def test_a_faulty_record_leaves_nothing_and_the_others_are_taken(penrose: Works[Any]) -> None:
    faulty = read({"id": "17", "name": "Canary-7731"}, aspects=(Aspect.OTHER,))

    answers = await take(penrose, faulty, an_entry(), None)

    assert [answer.outcome for answer in answers] == [Outcome.REFUSED, Outcome.NEW, Outcome.SKIPPED]
    assert {(fault.path, fault.code) for fault in answers[0].faults} == {
        ("id", "INVALID_FORMAT"), ("status", "REQUIRED"),
    }  # fmt: skip
    assert len(await rows(penrose, "select 1 from listing")) == 1


async def test_a_source_has_a_code_and_only_some_may_import(penrose: Works[Any]) -> None:
    with pytest.raises(Invalid) as refused:
        await take(penrose, an_entry(), source="city directory")
    with pytest.raises(Denied):
        await take(penrose, an_entry(), actor=Actor(id="pw-1", role=Role.PW, organisation="sig-penrose"))

    assert refused.value.fields == (Fault("source", "INVALID_FORMAT"),)
    assert await rows(penrose, "select 1 from listing") == []


async def exported(works: Works[Any]) -> list[Candidate]:
    found: list[Candidate] = await works.ask(queries.export_directory, asks(MANAGER))
    return found


async def test_our_own_export_taken_in_again_changes_nothing(penrose: Works[Any]) -> None:
    await publish(penrose, summary="One flat", areas=("E09000007",))
    before = [json.dumps(written(offer)) for offer in await exported(penrose)]

    answers = await take(penrose, *(read(json.loads(text), aspects=(Aspect.OTHER,)) for text in before))

    assert [answer.outcome for answer in answers] == [Outcome.OURS]
    assert [json.dumps(written(offer)) for offer in await exported(penrose)] == before
    assert [each.candidate.origin for each in await search(penrose)] == [Origin.OURS]


async def test_what_one_house_exports_another_holds_as_it_was(penrose: Works[Any]) -> None:
    """The second house is the same one after its own offers were lost: what it imports is what it had."""
    await publish(penrose, summary="One flat", areas=("E09000007",), minimum_licence_months=12, places=12)
    await pause(penrose, await publish(penrose, name="For women", genders=(Gender.FEMALE,)))
    sent = await exported(penrose)
    texts = [json.dumps(written(offer)) for offer in sent]
    async with penrose.database.connection() as conn:
        await conn.execute("delete from offer")

    answers = await take(penrose, *(read(json.loads(text), aspects=(Aspect.OTHER,)) for text in texts))

    assert [answer.outcome for answer in answers] == [Outcome.NEW] * 2
    found = {each.candidate.terms.name: each.candidate for each in await search(penrose)}
    for offer in sent:
        held = found[offer.terms.name]
        assert (held.terms, held.room, held.status, held.org_id, held.organisation) == (
            offer.terms, offer.room, offer.status, offer.org_id, offer.organisation,
        )  # fmt: skip


async def test_what_partners_tell_goes_before_what_a_file_says_of_it(penrose: Works[Any]) -> None:
    message = heard()
    await take(penrose, an_entry(message.envelope.aggregate_id))
    imported = await search(penrose)

    await hear(penrose, message)

    assert [each.candidate.origin for each in imported] == [Origin.IMPORTED]
    assert [each.candidate.origin for each in await search(penrose)] == [Origin.PARTNER]


async def test_drafts_are_not_exported_and_what_is_retired_is(penrose: Works[Any]) -> None:
    from partners.commands import offers as offering

    gone = await publish(penrose)
    await penrose.do(offering.retire_offer, asks(MANAGER), offer_id=gone, expected=1)
    await penrose.do(offering.draft_offer, asks(MANAGER), org_id="sig-penrose", terms=terms(name="Draft"))

    assert [written(offer)["status"] for offer in await exported(penrose)] == ["defunct"]
    listed, _ = await penrose.ask(offers.list_offers, asks(MANAGER), states=(Status.DRAFT,))
    assert [offer.terms.name for offer in listed] == ["Draft"]


async def test_the_public_feed_is_taken_and_again_it_changes_nothing(penrose: Works[Any]) -> None:
    content = (public() / "feeds" / "test" / "service_list.json").read_bytes()
    found = [None if each is None else read(each, aspects=(Aspect.OTHER,)) for each in records(content)]

    first = await take(penrose, *found, source="PUBLIC_FEED")
    again = await take(penrose, *found, source="PUBLIC_FEED")

    # Every record of this feed has one and the same id.
    assert [answer.outcome for answer in first] == [Outcome.NEW, *[Outcome.REPEATED] * 127]
    assert [answer.outcome for answer in again] == [Outcome.UNCHANGED, *[Outcome.REPEATED] * 127]
    assert len(await rows(penrose, "select 1 from listing")) == 1
