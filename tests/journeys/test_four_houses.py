"""Four houses and one man: an agreement signed in all of them, what he lets each know, three handoffs, and what he
takes back."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from chassis.access import Actor, Purpose, Role
from chassis.rpc import error_of
from tests.journeys.cast import MANAGER, Journey
from tests.support.kafka import secured_kafka
from throughcare.partners.v1 import agreements_pb2, handoffs_pb2
from throughcare.partners.v1.service_pb2_grpc import PartnerServiceStub

if TYPE_CHECKING:
    from tests.support.house import House
    from tests.support.houses import Houses, StartAll

TOGETHER, TRUST, WOMEN, PENROSE = "together", "north-london-nhs", "women-in-prison", "sig-penrose"
NAME = "Jay"


def staff(house: House, role: Role, purpose: Purpose = Purpose.HANDOFF) -> Actor:
    """Somebody of this house, whose id is known in no other."""
    organisation = house.process.settings.node_organisation
    return Actor(id=f"staff-{role.value.lower()}-{organisation}", role=role, organisation=organisation, purpose=purpose)


async def ask(house: House, actor: Actor, request: Any) -> Any:
    """One question or command at the partners of a house."""
    stub = house.stub(PartnerServiceStub, "partners")
    method = type(request).__name__.removesuffix("Request")
    return await house.ask(getattr(stub, method), request, actor)


async def sign_everywhere(houses: Houses, jay: Journey) -> str:
    """One agreement between the four, signed by the guardian of each in its own house."""
    terms = {
        "parties": [
            {
                "org_id": houses.of[name].organisation,
                "controller_role": "CONTROLLER",
                "regime": "PART2",
                "lawful_basis": "LEGITIMATE_INTERESTS",
                "article_9_condition": "HEALTH_OR_SOCIAL_CARE_SCH1_P2",
                "article_10_condition": "HEALTH_OR_SOCIAL_CARE_SCH1_P2",
                "policy_document": f"APD-{name}",
            }
            for name in houses
        ],
        "recipients": [houses.of[name].organisation for name in houses],
        "purposes": ["HANDOFF", "DELIVER_SUPPORT"],
        "categories": ["CONTACT_DETAILS", "APPOINTMENTS", "PLAN_GOALS"],
        "retention_days": 365,
        "valid_from": await jay.day(-1),
        "valid_to": await jay.day(360),
        "review_on": await jay.day(180),
    }
    together = houses[TOGETHER]
    request = agreements_pb2.DraftIsaRequest(terms=terms)
    drafted = await ask(together, staff(together, Role.SM), request)
    await houses.until_quiet()
    for house in houses.values():
        seen = (await ask(house, staff(house, Role.SM), agreements_pb2.GetIsaRequest(isa_id=drafted.isa_id))).isa
        assert (seen.terms_hash, seen.proposed_by) == (drafted.terms_hash, together.node)
        signing = agreements_pb2.ActivateIsaRequest(
            isa_id=drafted.isa_id, terms_hash=drafted.terms_hash, expected_version=seen.version
        )
        await ask(house, staff(house, Role.IG, Purpose.AUDIT), signing)
        await houses.until_quiet()
    for house in houses.values():
        seen = (await ask(house, staff(house, Role.SM), agreements_pb2.GetIsaRequest(isa_id=drafted.isa_id))).isa
        assert (house.node, seen.state) == (house.node, "ACTIVE")
    return str(drafted.isa_id)


class Handoff:
    """One handoff as each of its two houses sees it."""

    def __init__(self, houses: Houses, to: str, handoff_id: str) -> None:
        self.houses, self.to, self.id = houses, to, handoff_id

    async def seen(self, name: str) -> Any:
        """How it stands in one house."""
        house = self.houses[name]
        asked = handoffs_pb2.GetHandoffRequest(handoff_id=self.id)
        return (await ask(house, staff(house, Role.SM), asked)).handoff

    async def states(self) -> tuple[str, str]:
        """How it stands with who offers and who receives."""
        return (await self.seen(TOGETHER)).state, (await self.seen(self.to)).state

    async def there(self, step: str, **given: Any) -> Any:
        """The manager of the house that receives does this."""
        return await self._step(self.to, step, **given)

    async def here(self, step: str, **given: Any) -> Any:
        """The manager of the house that offers does this."""
        return await self._step(TOGETHER, step, **given)

    async def _step(self, name: str, step: str, **given: Any) -> Any:
        kind = getattr(handoffs_pb2, f"{step}Request")
        house, version = self.houses[name], (await self.seen(name)).version
        return await ask(house, staff(house, Role.SM), kind(handoff_id=self.id, expected_version=version, **given))

    async def read(self) -> Any:
        """What the worker who receives may read of him now, asked of the house that offers.

        That house gives its word every 15 seconds that nothing it told is missing; until it came nobody is asked.
        """
        house, until = self.houses[self.to], asyncio.get_running_loop().time() + 60
        while True:
            try:
                reading = handoffs_pb2.ReadHandoffDetailRequest(handoff_id=self.id)
                return await ask(house, staff(house, Role.PW), reading)
            except grpc.aio.AioRpcError as refused:
                if error_of(refused).reason != "feed_stale" or asyncio.get_running_loop().time() > until:
                    raise
            await asyncio.sleep(0.5)


async def let_know(jay: Journey, organisation: str) -> Any:
    """He lets this organisation know how to reach him and when he has appointments."""
    return await jay.ask(
        "GrantConsent",
        MANAGER,
        person_id=jay.person,
        purpose="SHARE",
        recipient=organisation,
        scope_codes=["CONTACT_DETAILS", "APPOINTMENTS"],
        explained_how="FACE_TO_FACE",
        language="en-GB",
        copy_offered=True,
    )


async def offer(houses: Houses, jay: Journey, to: str, aspect: str) -> Handoff:
    """He is offered to this house, on his own agreement."""
    together = houses[TOGETHER]
    offering = handoffs_pb2.OfferHandoffRequest(
        case_id=jay.case,
        recipient=houses[to].node,
        kind="WARM_INTRODUCTION",
        aspect_codes=[aspect],
        categories=["CONTACT_DETAILS", "APPOINTMENTS"],
        confidentiality_basis="AGREED",
    )
    answer = await ask(together, staff(together, Role.SM), offering)
    return Handoff(houses, to, answer.handoff_id)


async def nothing_is_set_aside(houses: Houses) -> None:
    """No service of any house has put a message aside, and none doubts who sent one."""
    for house in houses.values():
        for name, parts in house.parts.items():
            async with parts.database.connection() as conn:
                parked = await conn.fetch("select topic, reason from parked")
                assert not parked, (house.node, name, [tuple(row) for row in parked])
                if name == "partners":
                    doubted = await conn.fetch("select topic, reason from quarantined")
                    assert not doubted, (house.node, [tuple(row) for row in doubted])


async def nowhere_else_is_his_name(houses: Houses) -> None:
    """What was read of him was shown and not kept: no table of another house holds his name."""
    for name, house in houses.items():
        for service, parts in () if name == TOGETHER else house.parts.items():
            async with parts.database.connection() as conn:
                tables = await conn.fetch("select tablename from pg_tables where schemaname = 'public'")
                for (table,) in tables:
                    found = await conn.fetchval(f'select count(*) from "{table}" t where t::text like $1', f"%{NAME}%")
                    assert found == 0, (house.node, service, table)


async def test_one_man_is_known_in_four_houses_as_far_as_he_lets_them(houses) -> None:
    await the_story(houses)


@pytest.mark.kafka
@pytest.mark.slow
async def test_it_goes_the_same_way_on_a_secured_kafka(houses, tmp_path_factory) -> None:
    broker = secured_kafka(tmp_path_factory.mktemp("secured"))
    try:
        await the_story(houses, kafka=broker)
    finally:
        broker.stop()


async def the_story(houses: StartAll, **given: Any) -> None:
    """From the first signature to the last message heard."""
    async with houses(**given) as four:
        jay = Journey(four[TOGETHER])
        await sign_everywhere(four, jay)
        await jay.programme_opens_in_camden()
        await jay.practitioner_refers_him()
        await jay.manager_looks_at_it()
        await jay.he_agrees_to_take_part()
        await jay.manager_takes_him_on()
        agreed = {name: await let_know(jay, four.of[name].organisation) for name in (TRUST, WOMEN, PENROSE)}
        await four.until_quiet()

        # Offered to three houses; each has it, and has said so, before anybody there has looked.
        trust = await offer(four, jay, TRUST, "PSYCHOLOGY")
        women = await offer(four, jay, WOMEN, "ADVOCACY")
        penrose = await offer(four, jay, PENROSE, "SUPPORTED_HOUSING")
        await four.until_quiet()
        for handoff in (trust, women, penrose):
            assert await handoff.states() == ("RECEIVED", "RECEIVED")

        # Accepted and begun; declined for want of room; taken back in the moment in which it is accepted.
        await trust.there("AcceptHandoff", worker="staff-pw-north-london-nhs")
        await penrose.there("DeclineHandoff", reason="NO_CAPACITY", note="Full until spring.")
        await asyncio.gather(women.here("RevokeHandoff"), women.there("AcceptHandoff"))
        await four.until_quiet()
        await trust.there("StartHandoffWork", first_contact_on=await jay.day())
        await four.until_quiet()
        assert await trust.states() == ("IN_PROGRESS", "IN_PROGRESS")
        assert await women.states() == ("ACCEPTED", "ACCEPTED")
        assert await penrose.states() == ("DECLINED", "DECLINED")
        assert (await penrose.seen(TOGETHER)).reason_group == "CAPACITY"

        # Who works with him reads how to reach him, from where it is kept; who declined reads nothing. Of the
        # appointments he allowed, the house that offers holds none.
        answer = await trust.read()
        assert list(answer.categories) == ["CONTACT_DETAILS"]
        assert (answer.detail.preferred_name, answer.as_offered) == (NAME, True)
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await penrose.read()
        assert error_of(ended.value).reason == "handoff_ended"
        await nowhere_else_is_his_name(four)

        # He takes it back from the trust: it rests in both houses, and nothing is read of him any more.
        taking = {"consent_id": agreed[TRUST].consent_id, "expected_version": agreed[TRUST].version}
        await jay.ask("WithdrawConsent", MANAGER, **taking)
        await four.until_quiet()
        assert await trust.states() == ("ON_HOLD", "ON_HOLD")
        assert await women.states() == ("ACCEPTED", "ACCEPTED")
        with pytest.raises(grpc.aio.AioRpcError) as gone:
            await trust.read()
        assert error_of(gone.value).reason == "consent_missing"  # the trust's own wall: nobody is even asked

        # He agrees anew, and it goes on where it stood.
        await let_know(jay, four.of[TRUST].organisation)
        await four.until_quiet()
        assert await trust.states() == ("IN_PROGRESS", "IN_PROGRESS")
        assert (await trust.read()).detail.preferred_name == NAME

        # Everybody has been told what is to be told, and nothing is left lying.
        await four.wind(timedelta(minutes=2))
        await four.until_quiet()
        await nothing_is_set_aside(four)
