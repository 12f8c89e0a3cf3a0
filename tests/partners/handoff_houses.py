"""Two houses between which something is handed off: for tests of the service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from chassis.access import Ground
from chassis.calendar import local_date
from chassis.deadlines import DeadlineLoop
from partners.commands import handoffs as commands
from partners.commands import offers
from partners.domain.codes import Aspect
from partners.domain.handoff.codes import Category, Kind, Outcome
from partners.domain.offer import Capacity
from tests.partners.domain.offers import terms as offer_terms
from tests.partners.houses import House, in_force

if TYPE_CHECKING:
    from datetime import datetime

    from chassis.access import Actor

TRUST = "north-london-nhs"
CANARY = "Canary-handoff-7731"


@dataclass
class Pair:
    """Together offers, a trust receives."""

    ours: House
    theirs: House
    isa_id: UUID
    person_id: UUID
    case_id: UUID

    async def offer(self, **given: Any) -> UUID:
        """Something is offered by the manager."""
        fitting: dict[str, Any] = {
            "case_id": self.case_id,
            "person_id": None,
            "recipient": TRUST,
            "kind": Kind.WARM_INTRODUCTION,
            "aspects": (Aspect.DEBT_ADVICE, Aspect.GRANTS),
            "offer_id": None,
            "categories": (Category.APPOINTMENTS,),
            "ground": Ground(),
            "snapshot": CANARY,
        }
        actor: Actor = given.pop("actor", self.ours.manager)
        answer = await self.ours.do(commands.offer_handoff, actor, **fitting | given)
        return UUID(answer["handoff_id"])

    async def received(self, **given: Any) -> UUID:
        """One that has arrived, and of which we have heard that."""
        handoff_id = await self.offer(**given)
        await self.exchange()
        return handoff_id

    async def we(self, command: Any, handoff_id: UUID, **given: Any) -> Any:
        """The manager of the house that offers does something."""
        return await self.ours.do(command, self.ours.manager, handoff_id=handoff_id, expected=None, **given)

    async def they(self, command: Any, handoff_id: UUID, **given: Any) -> Any:
        """The manager of the other house does something."""
        return await self.theirs.do(command, self.theirs.manager, handoff_id=handoff_id, expected=None, **given)

    async def exchange(self) -> None:
        """Everything that either has told arrives, and what that leads to."""
        while await self.theirs.hears_from(self.ours) or await self.ours.hears_from(self.theirs):
            pass

    async def states(self, handoff_id: UUID) -> tuple[str, str]:
        """Where it stands in both houses."""
        return (await self.of(self.ours, handoff_id))["status"], (await self.of(self.theirs, handoff_id))["status"]

    async def of(self, house: House, handoff_id: UUID) -> Any:
        """The row of one house."""
        (row,) = await house.rows("select * from handoff where id = $1", handoff_id)
        return row

    async def wind(self, **ahead: float) -> None:
        """Time goes on in both houses; the feeds of the house that offers are confirmed anew."""
        for house in (self.ours, self.theirs):
            await house.wind(**ahead)
        await self.ours.hears(await self.ours.confirms())

    async def until(self, at: datetime) -> None:
        """Time goes on to this moment, and a little beyond."""
        await self.wind(seconds=(at - await self.ours.now()).total_seconds() + 1)


async def a_pair(ours: House, theirs: House) -> Pair:
    """Someone is referred to us and has agreed, the agreement is in force, the feeds are confirmed."""
    isa_id = await in_force(ours, theirs)
    person_id = uuid4()
    case_id = await ours.a_case(person_id)
    await ours.agrees(person_id, TRUST, "APPOINTMENTS", "PLAN_GOALS")
    await ours.hears(await ours.confirms())
    return Pair(ours, theirs, isa_id, person_id, case_id)


async def fire(house: House) -> None:
    """Do what is due."""
    loop = DeadlineLoop(house.works)
    while await loop.fire():
        pass


async def facts(house: House, handoff_id: UUID) -> list[str]:
    """What has happened to it in a house; a fact told to several stands once."""
    sql = "select fact_type from journal where aggregate_id = $1 and fact is not null order by position"
    return [row["fact_type"] for row in await house.rows(sql, handoff_id)]


async def told(house: House, topic: str, kind: Any) -> list[Any]:
    """The messages of this kind on a topic."""
    sql = "select headers, message from journal where topic = $1 order by position"
    name = kind.DESCRIPTOR.full_name.encode()
    return [kind.FromString(row["message"]) for row in await house.rows(sql, topic) if name in bytes(row["headers"])]


async def parked(house: House) -> list[str]:
    """Why something waits."""
    return [row["reason"] for row in await house.rows("select reason from parked order by topic, key, sequence")]


async def started(pair: Pair, **given: Any) -> UUID:
    """One on which work has begun."""
    handoff_id = await pair.received(**given)
    await pair.they(commands.accept_handoff, handoff_id, worker="staff-pw-1")
    today = local_date(await pair.theirs.now())
    await pair.they(commands.start_handoff_work, handoff_id, first_contact_on=today, worker="")
    await pair.exchange()
    return handoff_id


async def completed(pair: Pair) -> UUID:
    """One that is done."""
    handoff_id = await started(pair)
    await pair.they(commands.complete_handoff, handoff_id, outcome=Outcome.DELIVERED, delivered="Debts are settled.")
    await pair.exchange()
    return handoff_id


async def offered_there(pair: Pair) -> UUID:
    """Something the other house offers, as its node told us."""
    given = {"offer_id": None, "org_id": TRUST, "room": offers.Said(capacity=Capacity.HAS_CAPACITY), "expected": None}
    made = await pair.theirs.do(offers.publish_offer, pair.theirs.manager, terms=offer_terms(), **given)
    await pair.exchange()
    return UUID(str(made["offer_id"]))
