"""The doors to handoffs and links on the wire, in both houses."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from chassis.access import Actor, Role
from chassis.calendar import local_date
from chassis.rpc import RpcServer, acting_as, channel, error_of
from partners.rpc import PartnerService
from tests.partners.handoff_houses import CANARY, TRUST, Pair, a_pair
from tests.partners.owners import Asked
from throughcare.partners.v1 import handoffs_pb2 as said
from throughcare.partners.v1.service_pb2_grpc import PartnerServiceStub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.partners.houses import House


class Doors:
    """The doors of both houses, and what was asked behind the first."""

    def __init__(self, pair: Pair, ours: PartnerServiceStub, theirs: PartnerServiceStub, asked: Asked) -> None:
        self.pair, self.ours, self.theirs, self.asked = pair, ours, theirs, asked

    async def offer(self, actor: Actor | None = None, **given: Any) -> Any:
        fitting: dict[str, Any] = {
            "case_id": str(self.pair.case_id),
            "recipient": TRUST,
            "kind": "TRANSFER",
            "aspect_codes": ["GRANTS"],
            "categories": ["APPOINTMENTS"],
            "confidentiality_basis": "AGREED",
        }
        request = said.OfferHandoffRequest(**fitting | given)
        return await self.ours.OfferHandoff(request, metadata=acting_as(actor or self.pair.ours.manager))


@pytest.fixture
async def doors(two_houses: tuple[House, House]) -> AsyncIterator[Doors]:
    pair, asked = await a_pair(*two_houses), Asked()
    opened = []
    for house in two_houses:
        server = RpcServer(house.works.settings, {"partners": [PartnerService(house.works, asked)]})
        port = await server.start()
        opened.append((server, channel(house.works.settings, "partners", address=f"127.0.0.1:{port}")))
    yield Doors(pair, *(PartnerServiceStub(made) for _, made in opened), asked)
    for server, made in opened:
        await made.close()
        await server.stop(1)


async def refused(call: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


def stamp(at: Any) -> Timestamp:
    made = Timestamp()
    made.FromDatetime(at)
    return made


async def test_a_handoff_goes_its_way_through_the_doors_of_both_houses(doors: Doors) -> None:
    pair = doors.pair
    ours, theirs = acting_as(pair.ours.manager), acting_as(pair.theirs.staff(Role.PW))
    offered = await doors.offer()
    same = {"handoff_id": offered.handoff_id}
    await pair.exchange()
    asking = said.RequestHandoffInformationRequest(
        **same, items=[said.HandoffQuestion(text="Which grant?")], expected_version=1
    )
    await doors.theirs.RequestHandoffInformation(asking, metadata=theirs)
    await pair.exchange()
    answering = said.SupplyHandoffInformationRequest(**same, answer="Clothes.", expected_version=3)
    await doors.ours.SupplyHandoffInformation(answering, metadata=ours)
    await pair.exchange()
    waiting = said.WaitlistHandoffRequest(**same, expected_version=3)
    await doors.theirs.WaitlistHandoff(waiting, metadata=acting_as(pair.theirs.staff(Role.PW)))
    accepting = said.AcceptHandoffRequest(**same, worker="staff-pw-7", expected_version=4)
    await doors.theirs.AcceptHandoff(accepting, metadata=acting_as(pair.theirs.staff(Role.PW)))
    today = local_date(await pair.theirs.now()).isoformat()
    starting = said.StartHandoffWorkRequest(**same, first_contact_on=today, expected_version=5)
    await doors.theirs.StartHandoffWork(starting, metadata=acting_as(pair.theirs.staff(Role.PW)))
    at = await pair.theirs.now() + timedelta(days=1)
    planning = said.PlanHandoffContactRequest(
        **same,
        aspect_code="GRANTS",
        step_code="REVIEW",
        starts_at=stamp(at),
        ends_at=stamp(at + timedelta(hours=1)),
        expected_version=6,
    )
    await doors.theirs.PlanHandoffContact(planning, metadata=acting_as(pair.theirs.staff(Role.PW)))
    holding = said.HoldHandoffRequest(**same, reason="IN_HOSPITAL", expected_version=7)
    await doors.theirs.HoldHandoff(holding, metadata=acting_as(pair.theirs.staff(Role.PW)))
    resuming = said.ResumeHandoffRequest(**same, expected_version=8)
    await doors.theirs.ResumeHandoff(resuming, metadata=acting_as(pair.theirs.staff(Role.PW)))
    completing = said.CompleteHandoffRequest(
        **same, outcome="DELIVERED", delivered="A grant for clothes.", expected_version=9
    )
    await doors.theirs.CompleteHandoff(completing, metadata=acting_as(pair.theirs.staff(Role.PW)))
    await pair.exchange()
    seen = await doors.ours.GetHandoff(said.GetHandoffRequest(**same), metadata=acting_as(pair.ours.manager))
    closing = said.ConfirmHandoffLoopRequest(**same, expected_version=seen.handoff.version)
    await doors.ours.ConfirmHandoffLoop(closing, metadata=acting_as(pair.ours.manager))
    await pair.exchange()

    theirs_now = await doors.theirs.GetHandoff(said.GetHandoffRequest(**same), metadata=acting_as(pair.theirs.manager))
    assert (seen.handoff.state, theirs_now.handoff.state) == ("COMPLETED", "COMPLETED")
    assert (seen.handoff.responsible, seen.handoff.HasField("next_contact")) == ("RECEIVER", False)
    assert (theirs_now.note, theirs_now.handoff.worker) == ("A grant for clothes.", "staff-pw-7")
    for held in (seen, theirs_now):
        assert [(each.by, each.round) for each in held.written] == [("RECEIVER", 1), ("SENDER", 1)]
    texts = [[item.text for item in each.items] for held in (theirs_now, seen) for each in held.written]
    assert texts == [["Which grant?"], [], [], ["Clothes."]]
    assert [each.detail_ref for each in seen.written] == [each.detail_ref for each in theirs_now.written]
    assert theirs_now.handoff.HasField("loop_closed_at")


async def test_what_may_be_read_is_fetched_for_whom_may_offer_and_only_its_digest_is_shown(doors: Doors) -> None:
    await refused(doors.offer(actor=doors.pair.ours.staff(Role.EW)))
    assert doors.asked.asked == []

    offered = await doors.offer()

    assert doors.asked.asked == [(doors.pair.person_id, doors.pair.case_id, ("APPOINTMENTS",))]
    seen = await doors.ours.GetHandoff(
        said.GetHandoffRequest(handoff_id=offered.handoff_id), metadata=acting_as(doors.pair.ours.manager)
    )
    assert CANARY not in str(seen)
    assert len(seen.handoff.scope_hash) == 64
    doors.asked.away = True
    assert error_of(await refused(doors.offer())).reason == "details_unavailable"


async def test_every_fault_of_an_offer_is_named_at_once(doors: Doors) -> None:
    fault = error_of(
        await refused(
            doors.offer(
                person_id=str(uuid4()), kind="GIFT", aspect_codes=["DIAGNOSIS"], categories=["ALL"], recipient="",
                confidentiality_basis="",
            )
        )
    )  # fmt: skip

    assert {(field.path, field.code) for field in fault.fields} == {
        ("case_id", "CONFLICTS_WITH(person_id)"),
        ("kind", "UNKNOWN_CODE"),
        ("aspect_codes.0", "UNKNOWN_CODE"),
        ("categories.0", "UNKNOWN_CODE"),
        ("recipient", "REQUIRED"),
        ("confidentiality_basis", "REQUIRED"),
    }


async def test_declined_failed_or_asked_back_it_says_so(doors: Doors) -> None:
    pair = doors.pair
    one, two, three = [(await doors.offer()).handoff_id for _ in range(3)]
    await pair.exchange()
    await doors.theirs.DeclineHandoff(
        said.DeclineHandoffRequest(handoff_id=one, reason="OUT_OF_AREA", note="Moved.", expected_version=1),
        metadata=acting_as(pair.theirs.manager),
    )
    await doors.theirs.AcceptHandoff(
        said.AcceptHandoffRequest(handoff_id=two, expected_version=1), metadata=acting_as(pair.theirs.manager)
    )
    await doors.theirs.FailHandoff(
        said.FailHandoffRequest(handoff_id=two, reason="PERSON_DECLINED", expected_version=2),
        metadata=acting_as(pair.theirs.manager),
    )
    await doors.ours.RevokeHandoff(
        said.RevokeHandoffRequest(handoff_id=three, expected_version=2), metadata=acting_as(pair.ours.manager)
    )
    await pair.exchange()

    listed = await doors.ours.ListHandoffs(
        said.ListHandoffsRequest(direction="OUT"), metadata=acting_as(pair.ours.manager)
    )
    assert [(each.state, each.reason_group) for each in listed.handoffs] == [
        ("REVOKED", ""),
        ("FAILED", "PERSON_CHOICE"),
        ("DECLINED", "ELIGIBILITY"),
    ]


async def test_lists_come_in_pages_bound_to_their_filter(doors: Doors) -> None:
    made = [(await doors.offer()).handoff_id for _ in range(3)]
    metadata = acting_as(doors.pair.ours.manager)

    first = await doors.ours.ListHandoffs(said.ListHandoffsRequest(page_size=2), metadata=metadata)
    token = first.next_page_token
    second = await doors.ours.ListHandoffs(said.ListHandoffsRequest(page_size=2, page_token=token), metadata=metadata)

    assert [each.handoff_id for each in (*first.handoffs, *second.handoffs)] == made[::-1]
    assert second.next_page_token == ""
    other = said.ListHandoffsRequest(page_token=token, direction="OUT")
    assert error_of(await refused(doors.ours.ListHandoffs(other, metadata=metadata))).fields[0].path == "page_token"
    wrong = said.ListHandoffsRequest(direction="UP")
    fault = error_of(await refused(doors.ours.ListHandoffs(wrong, metadata=metadata)))
    assert [(each.path, each.code) for each in fault.fields] == [("direction", "UNKNOWN_CODE")]


async def test_links_are_made_and_taken_back_through_the_door(doors: Doors) -> None:
    pair = doors.pair
    await doors.offer()
    await pair.exchange()
    known = uuid4()
    await pair.theirs.a_case(known)
    metadata = acting_as(pair.theirs.manager)
    (link,) = (await doors.theirs.GetSubjectLinks(said.GetSubjectLinksRequest(state="NEW"), metadata=metadata)).links

    await doors.theirs.LinkSubject(
        said.LinkSubjectRequest(link_id=link.link_id, person_id=str(known), expected_version=link.version),
        metadata=acting_as(pair.theirs.manager),
    )
    asking = said.GetSubjectLinksRequest(person_id=str(known))
    (linked,) = (await doors.theirs.GetSubjectLinks(asking, metadata=metadata)).links
    await doors.theirs.UnlinkSubject(
        said.UnlinkSubjectRequest(link_id=link.link_id, expected_version=linked.version),
        metadata=acting_as(pair.theirs.manager),
    )

    assert (link.sender_node, link.person_id) == ("together", link.made_person_id)
    assert (linked.state, linked.person_id) == ("LINKED", str(known))
    (back,) = (await doors.theirs.GetSubjectLinks(said.GetSubjectLinksRequest(), metadata=metadata)).links
    assert (back.state, back.person_id) == ("UNLINKED", link.made_person_id)
