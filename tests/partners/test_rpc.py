"""PartnerService on the wire: what a system may ask, and that what is hidden looks as if it were not there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import grpc
import pytest
import pytest_asyncio

from chassis import projection
from chassis.database import now
from chassis.rpc import RpcServer, acting_as, channel, error_of
from partners.gateways.details import HouseDetails
from partners.projections.picture import handoffs, heard
from partners.rpc import PartnerService
from tests.partners.histories import PROGRAMME, START, case_of
from tests.partners.people import MANAGER, OTHER_WORKER, PRACTITIONER, WORKER
from tests.partners.story import REFERENCES, Story
from tests.partners.test_picture_across import accepted, contact, needing
from throughcare.partners.v1 import service_pb2 as said
from throughcare.partners.v1.service_pb2_grpc import PartnerServiceStub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from chassis.access import Actor
    from chassis.work import Works

MIGRATIONS = "partners.migrations"
CANARY = "Canary-7731"


@pytest_asyncio.fixture
async def door(works: Works[Any]) -> AsyncIterator[PartnerServiceStub]:
    server = RpcServer(works.settings, {"partners": [PartnerService(works, HouseDetails(works.settings))]})
    port = await server.start()
    made = channel(works.settings, "partners", address=f"127.0.0.1:{port}")
    yield PartnerServiceStub(made)
    await made.close()
    await server.stop(1)


async def hear(works: Works[Any], *stories: Story) -> None:
    async with works.database.transaction() as conn:
        await projection.write(conn, [row for story in stories for row in story.rows])


def registering(org_id: str = "sig-penrose", **given: str) -> said.RegisterOrganisationRequest:
    fitting = {"name": "Penrose", "sector": "HOUSING", "effective_on": "2020-04-01"}
    return said.RegisterOrganisationRequest(org_id=org_id, **fitting | given)


async def refused(call: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


async def test_an_organisation_is_registered_renamed_merged_and_read(door: PartnerServiceStub) -> None:
    await door.RegisterOrganisation(registering(), metadata=acting_as(MANAGER))
    await door.RegisterOrganisation(
        registering("social-interest-group", name="Social Interest Group"), metadata=acting_as(MANAGER)
    )
    renaming = said.RenameOrganisationRequest(
        org_id="sig-penrose", name="SIG Penrose", effective_on="2022-01-01", expected_version=1
    )
    await door.RenameOrganisation(renaming, metadata=acting_as(MANAGER))
    merging = said.MergeOrganisationRequest(
        org_id="sig-penrose", successor_id="social-interest-group", effective_on="2025-01-01", expected_version=2
    )
    answer = await door.MergeOrganisation(merging, metadata=acting_as(MANAGER))

    asked = said.GetOrganisationRequest(org_id="sig-penrose", on="2025-06-01")
    seen = (await door.GetOrganisation(asked, metadata=acting_as(PRACTITIONER))).organisation

    assert answer.version == seen.version == 3
    assert (seen.name, seen.state, seen.successor_id) == ("SIG Penrose", "MERGED_INTO", "social-interest-group")
    assert [name.name for name in seen.names] == ["Penrose", "SIG Penrose"]


async def test_it_is_closed(door: PartnerServiceStub) -> None:
    await door.RegisterOrganisation(registering(), metadata=acting_as(MANAGER))
    closing = said.CloseOrganisationRequest(org_id="sig-penrose", effective_on="2025-01-01", expected_version=1)

    assert (await door.CloseOrganisation(closing, metadata=acting_as(MANAGER))).version == 2


async def test_every_fault_of_a_form_comes_at_once_and_no_value_comes_back(door: PartnerServiceStub) -> None:
    form = registering(CANARY, name=CANARY * 40, sector=CANARY, effective_on=CANARY)

    error = await refused(door.RegisterOrganisation(form, metadata=acting_as(MANAGER)))

    fields = {(fault.path, fault.code) for fault in error_of(error).fields}
    assert fields == {
        ("org_id", "INVALID_FORMAT"),
        ("name", "TOO_LONG"),
        ("sector", "UNKNOWN_CODE"),
        ("effective_on", "INVALID_FORMAT"),
    }
    assert CANARY not in str(error)
    assert CANARY.encode() not in b"".join(v for _, v in error.trailing_metadata() or () if isinstance(v, bytes))


async def test_organisations_come_in_pages_bound_to_the_caller(door: PartnerServiceStub) -> None:
    for name in ("a-trust", "b-trust", "c-trust"):
        await door.RegisterOrganisation(registering(name), metadata=acting_as(MANAGER))

    first = await door.ListOrganisations(said.ListOrganisationsRequest(page_size=2), metadata=acting_as(MANAGER))
    following = said.ListOrganisationsRequest(page_size=2, page_token=first.next_page_token)
    second = await door.ListOrganisations(following, metadata=acting_as(MANAGER))
    other = await refused(door.ListOrganisations(following, metadata=acting_as(PRACTITIONER)))

    assert [seen.org_id for seen in first.organisations] == ["a-trust", "b-trust"]
    assert [seen.org_id for seen in second.organisations] == ["c-trust"]
    assert second.next_page_token == ""
    assert other.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_picture_is_found_by_its_reference(door: PartnerServiceStub, works: Works[Any]) -> None:
    story = Story().opened().with_practitioner().of_work(heard.tried)
    await hear(works, story)

    answer = await door.GetPicture(said.GetPictureRequest(case_reference="7kq2 m9rj"), metadata=acting_as(WORKER))

    seen = answer.picture
    assert (seen.case_id, seen.case_reference, seen.state) == (str(story.case), "7KQ2-M9RJ", "ENGAGING")
    assert (seen.worker.worker_ref, seen.practitioner_ref) == ("staff-ew-1", "pp-a")
    assert seen.engagement.planned_end_on == "2027-03-02"
    assert seen.HasField("waits_for_worker")
    assert not seen.HasField("taking_part")
    assert [source.service for source in answer.sources] == ["referral", "casework"]
    assert not answer.sources[0].HasField("fresh_as_of")


async def test_what_is_not_for_the_caller_is_absent(door: PartnerServiceStub, works: Works[Any]) -> None:
    story = Story().opened().with_practitioner().of_work(heard.tried)
    agreed = {"purpose": "PARTICIPATE", "programme_id": PROGRAMME, "agreed": True, "review_on": "2027-01-01"}
    story.of_person(heard.consent, **agreed, replaces="").of_work(heard.late, promise="L4", due_at=story.at)
    await hear(works, story)
    asked = said.GetPictureRequest(case_id=str(story.case))

    manager = (await door.GetPicture(asked, metadata=acting_as(MANAGER))).picture
    practitioner = (await door.GetPicture(asked, metadata=acting_as(PRACTITIONER))).picture

    assert manager.taking_part.agreed
    assert [missed.promise for missed in manager.late] == ["L4"]
    assert not practitioner.HasField("taking_part")
    assert not practitioner.engagement.HasField("last_tried_at")
    assert not practitioner.late
    assert practitioner.worker == manager.worker


async def test_a_picture_says_who_does_what_across_organisations(door: PartnerServiceStub, works: Works[Any]) -> None:
    story = needing(accepted(), "FAMILY").of_handoff(handoffs.contact_planned, **contact(await later(works)))
    elsewhere = {"org_id": "camden-gp", "aspect": "GP_REGISTRATION", "stands": True}
    hour = {name: value for name, value in contact(await later(works)).items() if name.endswith("_at")}
    story.of_work(heard.appointment, record=case_of(9), **elsewhere, **hour)
    await hear(works, story.of_handoff(handoffs.late, promise="L7", due_at=START))

    asked = said.GetPictureRequest(case_id=str(story.case))
    seen = (await door.GetPicture(asked, metadata=acting_as(MANAGER))).picture

    assert [(d.org_id, d.aspect_code, d.state, d.ends_on) for d in seen.deliveries] == [
        ("together", "ONE_TO_ONE", "ACCEPTED", "2027-03-02"),
        ("penrose-house", "SUPPORTED_HOUSING", "ACCEPTED", ""),
    ]
    (handoff,) = seen.handoffs
    assert (handoff.side, handoff.org_id, handoff.state, list(handoff.aspect_codes)) == (
        "SENDER",
        "penrose-house",
        "ACCEPTED",
        ["SUPPORTED_HOUSING"],
    )
    assert handoff.late_since.ToDatetime(tzinfo=UTC) == START
    assert {(c.org_id, c.aspect_code, c.step_code) for c in seen.contacts} == {
        ("penrose-house", "SUPPORTED_HOUSING", "VIEWING"),
        ("camden-gp", "GP_REGISTRATION", ""),
    }
    assert [(gap.aspect_code, gap.needed_since, gap.after) for gap in seen.gaps] == [("FAMILY", "2026-03-02", "")]
    assert [list(clash.org_ids) for clash in seen.clashes] == [["camden-gp", "penrose-house"]]


async def later(works: Works[Any]) -> datetime:
    async with works.database.connection() as conn:
        at = await now(conn)
    return at.replace(minute=0, second=0, microsecond=0) + timedelta(days=9)


@pytest.mark.parametrize("by", ["case_id", "case_reference"])
@pytest.mark.parametrize("actor", [OTHER_WORKER, MANAGER], ids=lambda actor: actor.role)
async def test_hidden_and_missing_are_the_same_bytes(
    door: PartnerServiceStub, works: Works[Any], actor: Actor, by: str
) -> None:
    story = Story().opened()
    story.of_person(heard.access_list, kind="DENY", entries=["staff-sm-1"], version=1)
    await hear(works, story)
    correlation = uuid4()
    hidden_value, missing_value = {
        "case_id": (str(story.case), str(case_of(99))),
        "case_reference": (REFERENCES[0], REFERENCES[1]),
    }[by]

    async def answer(value: str) -> tuple[object, ...]:
        metadata = acting_as(actor, correlation_id=correlation)
        error = await refused(door.GetPicture(said.GetPictureRequest(**{by: value}), metadata=metadata))
        return (
            error.code(),
            error.details(),
            tuple(error.initial_metadata() or ()),
            tuple(error.trailing_metadata() or ()),
        )

    async def listed() -> bytes:
        metadata = acting_as(actor, correlation_id=correlation)
        found = await door.ListPictures(said.ListPicturesRequest(), metadata=metadata)
        del found.sources[:]
        return found.SerializeToString()

    hidden, missing, nothing = await answer(hidden_value), await answer(missing_value), await listed()

    assert hidden == missing
    assert hidden[0] is grpc.StatusCode.NOT_FOUND
    assert nothing == b""


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({}, "REQUIRED"),
        ({"case_id": str(case_of(0)), "case_reference": "7KQ2-M9RJ"}, "CONFLICTS_WITH(case_reference)"),
        ({"case_id": CANARY}, "INVALID_FORMAT"),
    ],
)
async def test_one_of_the_two_names_the_case(door: PartnerServiceStub, asked: dict[str, str], code: str) -> None:
    error = await refused(door.GetPicture(said.GetPictureRequest(**asked), metadata=acting_as(MANAGER)))

    assert [(fault.path, fault.code) for fault in error_of(error).fields] == [("case_id", code)]


async def test_pictures_come_in_pages_with_counts(door: PartnerServiceStub, works: Works[Any]) -> None:
    stories = [Story(n, REFERENCES[n]).submitted() for n in range(3)]
    await hear(works, *stories)

    first = await door.ListPictures(said.ListPicturesRequest(page_size=2), metadata=acting_as(MANAGER))
    following = said.ListPicturesRequest(page_size=2, page_token=first.next_page_token)
    second = await door.ListPictures(following, metadata=acting_as(MANAGER))
    none = await door.ListPictures(said.ListPicturesRequest(states=["CLOSED"]), metadata=acting_as(MANAGER))
    wrong = await refused(door.ListPictures(said.ListPicturesRequest(states=[CANARY]), metadata=acting_as(MANAGER)))

    assert [seen.case_reference for seen in first.pictures] == ["3333-3334", "2222-2222"]
    assert [seen.case_reference for seen in second.pictures] == ["7KQ2-M9RJ"]
    assert second.next_page_token == ""
    assert [(count.state, count.cases) for count in none.counts] == [("SUBMITTED", 3)]
    assert not none.pictures
    assert [(fault.path, fault.code) for fault in error_of(wrong).fields] == [("states.0", "UNKNOWN_CODE")]
