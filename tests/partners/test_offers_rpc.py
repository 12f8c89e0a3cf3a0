"""Offers, the directory and signposts on the wire."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import grpc
import pytest
import pytest_asyncio

from chassis import projection
from chassis.access import Actor, Purpose, Role
from chassis.rpc import RpcServer, acting_as, channel, error_of
from partners.gateways.details import HouseDetails
from partners.rpc import PartnerService
from tests.partners.gateways.test_open_referral import a_record, public
from tests.partners.node_cards import organisation
from tests.partners.people import MANAGER, OTHER_WORKER, PRACTITIONER, WORKER
from tests.partners.story import Story
from throughcare.partners.v1 import offers_pb2 as said
from throughcare.partners.v1 import signposts_pb2
from throughcare.partners.v1.service_pb2_grpc import PartnerServiceStub

if TYPE_CHECKING:
    from chassis.work import Works

MIGRATIONS = "partners.migrations"
CANARY = "Canary-7731"
FLATS = Actor(id="pw-flats-1", role=Role.PW, organisation="sig-penrose", purpose=Purpose.HANDOFF)


@pytest_asyncio.fixture
async def door(works: Works[Any]) -> AsyncIterator[PartnerServiceStub]:
    await organisation(works, "sig-penrose")
    server = RpcServer(works.settings, {"partners": [PartnerService(works, HouseDetails(works.settings))]})
    port = await server.start()
    made = channel(works.settings, "partners", address=f"127.0.0.1:{port}")
    yield PartnerServiceStub(made)
    await made.close()
    await server.stop(1)


def publishing(**given: Any) -> said.PublishOfferRequest:
    fitting = {"name": "Flats", "aspect_codes": ["SUPPORTED_HOUSING"], "genders": ["MALE"]}
    room = said.OfferRoom(capacity="HAS_CAPACITY")
    return said.PublishOfferRequest(org_id="sig-penrose", terms=said.OfferTerms(**(fitting | given)), room=room)


async def published(door: PartnerServiceStub, **given: Any) -> str:
    answer = await door.PublishOffer(publishing(**given), metadata=acting_as(MANAGER))
    return str(answer.offer_id)


async def refused(call: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


def faults(error: grpc.aio.AioRpcError) -> set[tuple[str, str]]:
    return {(fault.path, fault.code) for fault in error_of(error).fields}


async def test_an_offer_goes_its_whole_way(door: PartnerServiceStub) -> None:
    """Drafted, published, paused, published again, full, retired; and read at the end."""
    drafting = said.DraftOfferRequest(org_id="sig-penrose", terms=publishing(minimum_age=18, places=12).terms)
    offer_id = (await door.DraftOffer(drafting, metadata=acting_as(FLATS))).offer_id
    now = said.OfferRoom(capacity="WAITLIST", wait_days=30)

    def publish(version: int) -> Any:
        known = said.PublishOfferRequest(offer_id=offer_id, room=now, expected_version=version)
        return door.PublishOffer(known, metadata=acting_as(FLATS))

    assert (await publish(1)).version == 2
    pausing = said.PauseOfferRequest(offer_id=offer_id, expected_version=2)
    assert (await door.PauseOffer(pausing, metadata=acting_as(FLATS))).version == 3
    assert (await publish(3)).version == 4
    full = said.UpdateCapacityRequest(
        offer_id=offer_id, room=said.OfferRoom(capacity="NO_CAPACITY"), expected_version=4
    )
    assert (await door.UpdateCapacity(full, metadata=acting_as(FLATS))).version == 5
    retiring = said.RetireOfferRequest(offer_id=offer_id, expected_version=5)
    assert (await door.RetireOffer(retiring, metadata=acting_as(FLATS))).version == 6

    offer = (await door.GetOffer(said.GetOfferRequest(offer_id=offer_id), metadata=acting_as(PRACTITIONER))).offer
    assert (offer.origin, offer.state, offer.organisation, offer.version) == ("OURS", "RETIRED", "sig-penrose", 6)
    assert (offer.terms.minimum_age, offer.terms.places, offer.terms.HasField("maximum_age")) == (18, 12, False)
    assert (offer.room.capacity, offer.room.HasField("wait_days"), offer.stale) == ("NO_CAPACITY", False, False)


async def test_every_fault_of_an_offer_comes_at_once_and_no_value_comes_back(door: PartnerServiceStub) -> None:
    form = said.PublishOfferRequest(
        org_id=CANARY,
        terms=said.OfferTerms(name=CANARY * 40, aspect_codes=[CANARY], genders=[CANARY]),
        room=said.OfferRoom(capacity=CANARY),
    )

    error = await refused(door.PublishOffer(form, metadata=acting_as(MANAGER)))
    later = await refused(door.PublishOffer(publishing(url=CANARY, area_codes=[CANARY]), metadata=acting_as(MANAGER)))
    bare = await refused(door.PublishOffer(said.PublishOfferRequest(), metadata=acting_as(MANAGER)))

    assert faults(error) == {
        ("org_id", "INVALID_FORMAT"),
        ("terms.name", "TOO_LONG"),
        ("terms.aspect_codes.0", "UNKNOWN_CODE"),
        ("terms.genders.0", "UNKNOWN_CODE"),
        ("room.capacity", "UNKNOWN_CODE"),
    }
    assert faults(later) == {("url", "INVALID_FORMAT"), ("area_codes.0", "INVALID_FORMAT")}
    assert faults(bare) == {("org_id", "REQUIRED"), ("room", "REQUIRED"), ("room.capacity", "REQUIRED")}
    for each in (error, later):
        assert CANARY not in str(each)
        assert CANARY.encode() not in b"".join(v for _, v in each.trailing_metadata() or () if isinstance(v, bytes))


async def test_offers_are_listed_in_pages_by_state_and_organisation(door: PartnerServiceStub) -> None:
    ids = [await published(door, aspect_codes=[code]) for code in ("ADVOCACY", "FAMILY", "GRANTS")]

    first = await door.ListOffers(said.ListOffersRequest(page_size=2), metadata=acting_as(MANAGER))
    following = said.ListOffersRequest(page_size=2, page_token=first.next_page_token)
    second = await door.ListOffers(following, metadata=acting_as(MANAGER))
    drafts = await door.ListOffers(said.ListOffersRequest(states=["DRAFT"]), metadata=acting_as(MANAGER))
    others = await door.ListOffers(said.ListOffersRequest(org_id="oxleas-nhs"), metadata=acting_as(MANAGER))

    assert [offer.offer_id for offer in (*first.offers, *second.offers)] == ids
    assert (second.next_page_token, len(drafts.offers), len(others.offers)) == ("", 0, 0)


async def test_a_search_says_why_each_fits_or_not_in_pages(door: PartnerServiceStub) -> None:
    await published(door, minimum_licence_months=12, condition_codes=["PANEL_DECIDES"])
    await published(door, name="For women", genders=["FEMALE"], area_codes=["E09000007"])
    wanted = said.SearchOffersRequest(gender="MALE", licence_months=12, borough="E09000007", page_size=1)

    first = await door.SearchOffers(wanted, metadata=acting_as(PRACTITIONER))
    wanted.page_token = first.next_page_token
    second = await door.SearchOffers(wanted, metadata=acting_as(PRACTITIONER))

    (fits,), (fits_not,) = first.found, second.found
    assert (fits.fits, list(fits.fits_by), list(fits.to_check)) == (True, ["GENDER", "LICENCE"], ["CONDITIONS"])
    assert (fits_not.fits, list(fits_not.misfits), list(fits_not.fits_by)) == (False, ["GENDER"], ["AREA"])
    assert second.next_page_token == ""
    wanted.fitting_only, wanted.page_token = True, ""
    assert len((await door.SearchOffers(wanted, metadata=acting_as(PRACTITIONER))).found) == 1


async def test_a_search_for_what_is_no_code_is_refused(door: PartnerServiceStub) -> None:
    wanted = said.SearchOffersRequest(borough="Camden", aspect_codes=["X"], age=121)

    error = await refused(door.SearchOffers(wanted, metadata=acting_as(PRACTITIONER)))

    assert faults(error) == {
        ("borough", "UNKNOWN_CODE"), ("aspect_codes.0", "UNKNOWN_CODE"), ("age", "OUT_OF_RANGE"),
    }  # fmt: skip


async def imported(
    door: PartnerServiceStub, content: bytes, *, source: str = "CITY", piece: int = 1000, **given: Any
) -> list[said.ImportDirectoryResponse]:
    async def pieces() -> AsyncIterator[said.ImportDirectoryRequest]:
        for nth, start in enumerate(range(0, max(len(content), 1), piece)):
            whose = {"source": source, **given} if nth == 0 else {}
            yield said.ImportDirectoryRequest(piece=content[start : start + piece], **whose)

    call = door.ImportDirectory(pieces(), metadata=acting_as(MANAGER, key=uuid4()), timeout=60)
    return [answer async for answer in call]


async def test_a_file_goes_in_in_pieces_and_each_record_is_answered(door: PartnerServiceStub) -> None:
    good, faulty = a_record(minimum_age=18), a_record(id="17", email=CANARY)
    content = json.dumps({"contents": [good, faulty, {"taxonomy": "x"}]}).encode()

    first = await imported(door, content, aspect_codes=["DEBT_ADVICE"])
    again = await imported(door, content, aspect_codes=["DEBT_ADVICE"], piece=7)

    assert [(each.record, each.outcome) for each in first] == [(1, "NEW"), (2, "REFUSED"), (3, "SKIPPED")]
    assert [each.outcome for each in again] == ["UNCHANGED", "REFUSED", "SKIPPED"]
    assert {(fault.path, fault.code) for fault in first[1].faults} == {
        ("id", "INVALID_FORMAT"), ("email", "INVALID_FORMAT"),
    }  # fmt: skip
    assert all(fault.mend for fault in first[1].faults)
    assert CANARY not in str(first)
    found = await door.SearchOffers(
        said.SearchOffersRequest(aspect_codes=["DEBT_ADVICE"]), metadata=acting_as(PRACTITIONER)
    )
    (entry,) = found.found
    assert (entry.offer.origin, entry.offer.source, list(entry.to_check)) == ("IMPORTED", "CITY", ["ROOM"])
    assert entry.offer.HasField("last_heard_at")


async def test_a_file_that_cannot_be_read_leaves_nothing(door: PartnerServiceStub) -> None:
    error = await refused(imported(door, b"no json"))
    nameless = await refused(imported(door, b"[]", source=""))

    assert faults(error) == {("piece", "INVALID_FORMAT")}
    assert "JSON" in error_of(error).sentence
    assert faults(nameless) == {("source", "REQUIRED")}


async def test_our_offers_go_out_in_pages_as_services(door: PartnerServiceStub) -> None:
    await published(door, places=12)
    await published(door, aspect_codes=["ADVOCACY"])

    first = await door.ExportDirectory(said.ExportDirectoryRequest(page_size=1), metadata=acting_as(PRACTITIONER))
    following = said.ExportDirectoryRequest(page_size=1, page_token=first.next_page_token)
    second = await door.ExportDirectory(following, metadata=acting_as(PRACTITIONER))

    services = [json.loads(text) for text in (*first.services, *second.services)]
    assert [service["organization"]["name"] for service in services] == ["sig-penrose"] * 2
    assert second.next_page_token == ""


async def test_a_public_feed_goes_in_by_the_door(door: PartnerServiceStub) -> None:
    content = (public() / "feeds" / "default" / "service_list.json").read_bytes()

    (answer,) = await imported(door, content)

    assert (answer.outcome, answer.source_id) == ("NEW", json.loads(content)["contents"][0]["id"])


# Signposts.


async def hear(works: Works[Any], story: Story) -> None:
    async with works.database.transaction() as conn:
        await projection.write(conn, list(story.rows))


async def test_a_worker_signposts_his_own_man_and_nobody_elses(door: PartnerServiceStub, works: Works[Any]) -> None:
    story = Story().opened(WORKER.id)
    await hear(works, story)
    giving = signposts_pb2.RecordSignpostRequest(offer_id=await published(door), case_reference=story.reference)

    given = await door.RecordSignpost(giving, metadata=acting_as(WORKER))
    hidden = await refused(door.RecordSignpost(giving, metadata=acting_as(OTHER_WORKER)))
    partner = await refused(door.RecordSignpost(giving, metadata=acting_as(FLATS)))

    assert given.version == 1
    assert (error_of(hidden).kind, error_of(partner).kind) == ("NF", "NF")
    asking = signposts_pb2.ListSignpostsRequest(case_reference=story.reference)
    listed = await door.ListSignposts(asking, metadata=acting_as(MANAGER))
    assert [(each.signpost_id, each.case_id, each.state) for each in listed.signposts] == [
        (given.signpost_id, str(story.case), "GIVEN")
    ]
    assert error_of(await refused(door.ListSignposts(asking, metadata=acting_as(OTHER_WORKER)))).kind == "NF"


async def test_what_came_of_it_is_recorded(door: PartnerServiceStub) -> None:
    giving = signposts_pb2.RecordSignpostRequest(offer_id=await published(door))
    signpost_id = (await door.RecordSignpost(giving, metadata=acting_as(FLATS))).signpost_id
    recording = signposts_pb2.RecordSignpostOutcomeRequest(
        signpost_id=signpost_id, outcome="TAKEN_UP", expected_version=1
    )

    answer = await door.RecordSignpostOutcome(recording, metadata=acting_as(FLATS))
    recording.outcome = CANARY
    error = await refused(door.RecordSignpostOutcome(recording, metadata=acting_as(FLATS)))

    assert answer.version == 2
    assert faults(error) == {("outcome", "UNKNOWN_CODE")}
