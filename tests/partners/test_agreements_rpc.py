"""Agreements, verdicts and how far an answer reaches, on the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import grpc
import pytest
import pytest_asyncio

from chassis import projection
from chassis.access import Role
from chassis.rpc import RpcServer, acting_as, channel, error_of
from partners.commands import reach
from partners.commands.gate import judge
from partners.gateways.details import HouseDetails
from partners.rpc import PartnerService
from partners.rpc.agreements import _said_terms
from tests.partners.agreements import standing, terms
from tests.partners.houses import House, with_a_distant
from tests.partners.node_cards import organisation
from tests.partners.story import Story
from throughcare.partners.v1 import agreements_pb2 as said
from throughcare.partners.v1.service_pb2_grpc import PartnerServiceStub

MIGRATIONS = "partners.migrations"
CANARY = "Canary-7731"
TRUST = "north-london-nhs"


@pytest_asyncio.fixture
async def door(one_house: House) -> AsyncIterator[PartnerServiceStub]:
    works: Any = one_house.works
    server = RpcServer(works.settings, {"partners": [PartnerService(works, HouseDetails(works.settings))]})
    port = await server.start()
    made = channel(works.settings, "partners", address=f"127.0.0.1:{port}")
    yield PartnerServiceStub(made)
    await made.close()
    await server.stop(1)


async def refused(call: Any) -> Any:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return error_of(caught.value)


async def test_an_agreement_goes_its_whole_way(one_house: House, door: PartnerServiceStub) -> None:
    """Drafted, signed by both, resting, going on, over; and read at the end."""
    await organisation(one_house.works, TRUST)
    ours = acting_as(one_house.guardian)
    theirs = acting_as(one_house.staff(Role.IG, TRUST))
    drafted = await door.DraftIsa(
        said.DraftIsaRequest(terms=_said_terms(terms())), metadata=acting_as(one_house.manager)
    )
    isa_id = drafted.isa_id

    def signing(version: int) -> said.ActivateIsaRequest:
        return said.ActivateIsaRequest(isa_id=isa_id, terms_hash=drafted.terms_hash, expected_version=version)

    first = await door.ActivateIsa(signing(1), metadata=ours)
    last = await door.ActivateIsa(signing(2), metadata=acting_as(one_house.staff(Role.IG, TRUST)))
    rests = await door.SuspendIsa(said.SuspendIsaRequest(isa_id=isa_id, expected_version=4), metadata=theirs)
    half = await door.ResumeIsa(
        said.ResumeIsaRequest(isa_id=isa_id, expected_version=5), metadata=acting_as(one_house.staff(Role.IG, TRUST))
    )
    seen = (await door.GetIsa(said.GetIsaRequest(isa_id=isa_id), metadata=acting_as(one_house.manager))).isa
    assert (seen.state, [act.party for act in seen.resumed]) == ("SUSPENDED", [TRUST])
    whole = await door.ResumeIsa(
        said.ResumeIsaRequest(isa_id=isa_id, expected_version=6), metadata=acting_as(one_house.guardian)
    )
    over = await door.EndIsa(
        said.EndIsaRequest(isa_id=isa_id, expected_version=8), metadata=acting_as(one_house.guardian)
    )

    states = [(answer.state, answer.version) for answer in (first, last, rests, half, whole, over)]
    assert states == [
        ("IN_REVIEW", 2), ("ACTIVE", 4), ("SUSPENDED", 5), ("SUSPENDED", 6), ("ACTIVE", 8), ("ENDED", 9),
    ]  # fmt: skip
    seen = (await door.GetIsa(said.GetIsaRequest(isa_id=isa_id), metadata=acting_as(one_house.manager))).isa
    assert seen.terms == _said_terms(terms().canonical())
    assert [act.party for act in seen.signed] == ["together", TRUST]
    assert seen.HasField("ended_at")


async def test_a_standing_basis_comes_back_as_it_was_given(one_house: House, door: PartnerServiceStub) -> None:
    from datetime import date

    from partners.commands import organisations
    from partners.domain.organisation import Sector

    given = {"org_id": "probation", "name": "Probation", "sector": Sector.PROBATION, "effective_on": date(2020, 4, 1)}
    await one_house.do(organisations.register_organisation, one_house.manager, **given)

    await door.DraftIsa(said.DraftIsaRequest(terms=_said_terms(standing())), metadata=acting_as(one_house.manager))
    listed = await door.ListIsas(said.ListIsasRequest(states=["DRAFT"]), metadata=acting_as(one_house.manager))

    (isa,) = listed.isas
    assert isa.terms.standing_basis == "STATUTE"
    assert isa.terms.standing_reference == "OMA_2007_S14"
    nothing = await door.ListIsas(said.ListIsasRequest(states=["ACTIVE"]), metadata=acting_as(one_house.manager))
    assert not nothing.isas


async def test_every_fault_of_the_terms_comes_at_once_and_no_value_comes_back(
    one_house: House, door: PartnerServiceStub
) -> None:
    wrong = said.IsaTerms(
        parties=[said.IsaParty(org_id="together", regime=CANARY)], purposes=[CANARY], valid_from=CANARY
    )

    error = await refused(door.DraftIsa(said.DraftIsaRequest(terms=wrong), metadata=acting_as(one_house.manager)))

    found = {(fault.path, fault.code) for fault in error.fields}
    assert found >= {
        ("terms.parties", "OUT_OF_RANGE"),
        ("terms.parties.0.regime", "UNKNOWN_CODE"),
        ("terms.purposes.0", "UNKNOWN_CODE"),
        ("terms.valid_from", "INVALID_FORMAT"),
        ("terms.retention_days", "OUT_OF_RANGE"),
    }
    assert CANARY not in str(error)


async def test_agreements_come_in_pages(one_house: House, door: PartnerServiceStub) -> None:
    await organisation(one_house.works, TRUST)
    for days in (10, 20, 30):
        request = said.DraftIsaRequest(terms=_said_terms(terms(retention_days=days)))
        await door.DraftIsa(request, metadata=acting_as(one_house.manager))

    first = await door.ListIsas(said.ListIsasRequest(page_size=2), metadata=acting_as(one_house.manager))
    following = said.ListIsasRequest(page_size=2, page_token=first.next_page_token)
    second = await door.ListIsas(following, metadata=acting_as(one_house.manager))

    assert [isa.terms.retention_days for isa in (*first.isas, *second.isas)] == [30, 20, 10]
    assert second.next_page_token == ""


async def a_man_of_whom_the_trust_knows(house: House) -> Story:
    """Referred, agreed, and something of him let be known."""
    await with_a_distant(house, TRUST)
    story = Story().submitted()
    async with house.works.database.transaction() as conn:
        await projection.write(conn, list(story.rows))
    from throughcare.referral.v1 import events_pb2 as referral

    await house.hears(await house.told(referral.ReferralSubmitted(), story.person, case_id=story.case))
    await house.agrees(story.person, TRUST, "APPOINTMENTS")
    await house.hears(await house.confirms())
    given = {"person_id": story.person, "recipient": TRUST, "categories": ("APPOINTMENTS",), "purpose": "HANDOFF"}
    await house.by_itself(judge, case_id=story.case, **given)
    return story


async def test_the_guardian_reads_what_was_disclosed(one_house: House, door: PartnerServiceStub) -> None:
    story = await a_man_of_whom_the_trust_knows(one_house)

    asked = said.ListDisclosuresRequest(person_id=str(story.person))
    answer = await door.ListDisclosures(asked, metadata=acting_as(one_house.guardian))
    nobody = await door.ListDisclosures(
        said.ListDisclosuresRequest(person_id=str(uuid4())), metadata=acting_as(one_house.guardian)
    )

    (seen,) = answer.disclosures
    assert (seen.recipient, list(seen.categories), seen.purpose) == (TRUST, ["APPOINTMENTS"], "HANDOFF")
    assert (seen.regime, seen.recipient_regime, seen.confidentiality_basis) == ("PART2", "PART2", "AGREED")
    assert (seen.person_id, seen.case_id) == (str(story.person), str(story.case))
    assert not nobody.disclosures


async def test_how_far_his_answer_reaches_is_asked_by_the_reference_of_his_case(
    one_house: House, door: PartnerServiceStub
) -> None:
    story = await a_man_of_whom_the_trust_knows(one_house)
    await one_house.withdraws(story.person, TRUST)
    ref = one_house.works.names.subject_ref(TRUST, story.person)
    at = await one_house.now()
    await one_house.by_itself(reach.hear_consent_applied, TRUST, ref, version=2, applied_at=at)

    asked = said.GetConsentReachRequest(case_reference=story.reference)
    found = await door.GetConsentReach(asked, metadata=acting_as(one_house.manager))

    (answer,) = found.answers
    assert (answer.purpose, answer.recipient, answer.state, answer.version) == ("SHARE", TRUST, "WITHDRAWN", 2)
    assert [(node.node_id, node.applied_version, node.fails_closed) for node in answer.nodes] == [(TRUST, 2, True)]
    assert answer.in_force_everywhere_since.ToDatetime() == at.replace(tzinfo=None)
    assert UUID(found.person_id) == story.person


async def test_of_a_case_one_may_not_know_of_nothing_is_said(one_house: House, door: PartnerServiceStub) -> None:
    story = await a_man_of_whom_the_trust_knows(one_house)
    asked = said.GetConsentReachRequest(case_reference=story.reference)
    unknown = said.GetConsentReachRequest(case_reference="2222-2222")

    hidden = await refused(door.GetConsentReach(asked, metadata=acting_as(one_house.staff(Role.EW))))
    missing = await refused(door.GetConsentReach(unknown, metadata=acting_as(one_house.staff(Role.EW))))
    neither = await refused(door.GetConsentReach(said.GetConsentReachRequest(), metadata=acting_as(one_house.manager)))

    assert (hidden.reason, hidden.sentence) == (missing.reason, missing.sentence)
    assert [(fault.path, fault.code) for fault in neither.fields] == [("case_id", "REQUIRED")]
