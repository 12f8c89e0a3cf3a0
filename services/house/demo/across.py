"""What happens between houses: an agreement they all sign, and the handoffs of a quarter.

Each side acts by the doors of its own house. What becomes of a handoff is written down in `courses.py`.
"""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from chassis.access import Actor, Purpose
from house import staff
from house.demo.courses import CATEGORIES, ENDS, HERE, Course, Step, courses_of
from house.demo.script import eventually

if TYPE_CHECKING:
    from collections.abc import Mapping

    from house.clients import Clients
    from house.demo.people import Person
    from house.demo.story import Plays, Story

_LASTS: Final = timedelta(days=360)
_OTHER_WAS_FIRST: Final = frozenset({"invalid_transition"})


class Across:
    """The houses beside the one that leads, and what they do together; `acts` are their acts by their names."""

    def __init__(self, story: Story, houses: Mapping[str, Clients]) -> None:
        self.story, self.script = story, story.script
        self.houses = {story.clients.run_now().node: story.clients, **houses}
        self.lead = next(iter(self.houses))
        # Looked up once: while a supervisor is started again no house says whose it is.
        self._organisations = {node: clients.run_now().organisation for node, clients in self.houses.items()}
        self.partners = frozenset(houses)
        names = ("decide", "begin", "offer", "answer", "support", "interrupt", "go_on", "look_ahead")
        self.acts: dict[str, Plays] = {name: self._act(name) for name in names}

    async def agree(self, today: date) -> None:
        """One manager drafts the terms; the guardian of each house reads and signs them in that house."""
        terms = _terms([self._organisation(node) for node in self.houses], today)
        drafted = await self.script.call(
            "isa:draft", self._staff(self.lead, staff.MANAGER), "DraftIsa", {"terms": terms}
        )
        for node in self.houses:
            await self._sign(node, drafted.isa_id)
        for node in self.houses:
            await eventually(partial(self._in_force, node, drafted.isa_id), f"The agreement in {node}")

    async def _sign(self, node: str, isa_id: str) -> None:
        async def reading() -> dict[str, Any]:
            isa = (await self._ask(node, "GetIsa", isa_id=isa_id)).isa
            return {"isa_id": isa_id, "terms_hash": isa.terms_hash, "expected_version": isa.version}

        guardian = self._staff(node, staff.GUARDIAN)
        await self.script.call(f"isa:sign:{node}", guardian, "ActivateIsa", reading, at=self.houses[node])

    async def _in_force(self, node: str, isa_id: str) -> bool | None:
        return (await self._ask(node, "GetIsa", isa_id=isa_id)).isa.state == "ACTIVE" or None

    def _act(self, name: str) -> Plays:
        async def play(person: Person, today: date) -> None:
            for course in courses_of(person, self.partners):
                await self._consents(name, person, course)
                if name == "offer":
                    await self._offered(person, course)
                await self._steps([step for step in course.steps if step.act == name], person, course, today)

        return play

    async def _consents(self, act: str, person: Person, course: Course) -> None:
        """What he or she lets the partner know, takes back, and lets it know again."""
        partner = self._organisation(course.to)
        if act == course.agreed_in:
            await self.story.share("lets-know", person, partner)
        elif act == course.taken_back_in:
            agreed = await self.story.share("lets-know", person, partner)
            given = {"consent_id": agreed.consent_id, "expected_version": agreed.version}
            await self.script.call(f"{person.name}:takes-back:{partner}", self.story.manager, "WithdrawConsent", given)
        elif act == course.agreed_anew_in:
            await self.story.share("agrees-anew", person, partner)

    async def _offered(self, person: Person, course: Course) -> str:
        """The id of the handoff: offered now if it was not before, or as the redirect has made it."""
        if not course.offered:
            return await self._redirected(person)
        offer = {"offer_id": await self.story.offer(course.aspect, person.gender)}
        answer = await self.script.call(
            f"{person.name}:offer:{course.name}", self._staff(self.lead, staff.MANAGER), "OfferHandoff", {
                "case_id": await self.story.case(person), "recipient": course.to, "kind": course.kind,
                "aspect_codes": [course.aspect], "categories": list(CATEGORIES), "confidentiality_basis": "AGREED",
                **offer,
            },
        )  # fmt: skip
        return str(answer.handoff_id)

    async def _redirected(self, person: Person) -> str:
        """The handoff that the redirect has made."""

        async def first() -> str | None:
            found = await self._ask(self.lead, "ListHandoffs", case_id=await self.story.case(person))
            return str(found.handoffs[0].handoff_id) if found.handoffs else None

        async def look() -> str:
            return await eventually(first, f"The handoff of {person.name}")

        return str(await self.script.value(f"{person.name}:redirected", look))

    async def _steps(self, steps: list[Step], person: Person, course: Course, today: date) -> None:
        """One after the other; those that cross, at once."""
        for step in steps:
            if not step.crosses:
                await self._step(step, person, course, today)
        await asyncio.gather(*(self._step(step, person, course, today) for step in steps if step.crosses))

    async def _step(self, step: Step, person: Person, course: Course, today: date) -> None:
        """What one side does, once it has heard so much that it can; nothing where the handoff has ended meanwhile."""
        handoff_id = await self._offered(person, course)
        node = self.lead if step.side == HERE else course.to
        what = f"{person.name}:{course.name}:{step.act}:{step.command}"
        if not self.script.begun(what) and not await eventually(lambda: self._ready(node, handoff_id, step), what):
            return
        given = {**step.fields(today), **({"worker": course.worker} if step.names_worker else {})}

        async def build() -> dict[str, Any]:
            version = (await self._ask(node, "GetHandoff", handoff_id=handoff_id)).handoff.version
            return {"handoff_id": handoff_id, **given, "expected_version": version}

        who = self._staff(node, staff.MANAGER)
        may_lose = _OTHER_WAS_FIRST if step.crosses else frozenset()
        await self.script.call(what, who, step.command, build, at=self.houses[node], may_lose=may_lose)
        if step.reads:
            read = partial(eventually, partial(self._read, node, course.worker, handoff_id), f"Reading for {what}")
            await self.script.value(f"{what}:reads", read)

    async def _read(self, node: str, worker: str, handoff_id: str) -> list[str]:
        """Which categories the worker is shown, of the house that keeps them; refused while its word is not fresh.
        Each try is a reading of its own: what came of one stays as it was judged."""
        answer = await self.houses[node].call(self._staff(node, worker), "ReadHandoffDetail", handoff_id=handoff_id)
        return list(answer.categories)

    async def _ready(self, node: str, handoff_id: str, step: Step) -> bool | None:
        """Whether it can be done now; False where it has ended, None where that is not known yet."""
        state = (await self._ask(node, "GetHandoff", handoff_id=handoff_id)).handoff.state
        if step.crosses or state in step.when:
            return True
        return False if state in ENDS else None

    async def _ask(self, node: str, name: str, **fields: Any) -> Any:
        return await self.houses[node].call(self._staff(node, staff.MANAGER), name, **fields)

    def _organisation(self, node: str) -> str:
        return self._organisations[node]

    def _staff(self, node: str, who: str) -> Actor:
        return staff.acting(who, organisation=self._organisation(node), purpose=Purpose.HANDOFF)


def _terms(organisations: list[str], today: date) -> dict[str, Any]:
    """What the houses agree on: to hand people on to each other, each on its own responsibility."""
    of_care = "HEALTH_OR_SOCIAL_CARE_SCH1_P2"
    party = {
        "controller_role": "CONTROLLER", "regime": "PART2", "lawful_basis": "LEGITIMATE_INTERESTS",
        "article_9_condition": of_care, "article_10_condition": of_care,
    }  # fmt: skip
    return {
        "parties": [{"org_id": org, "policy_document": f"APD-{org}", **party} for org in organisations],
        "recipients": organisations,
        "purposes": ["HANDOFF", "DELIVER_SUPPORT"],
        "categories": list(CATEGORIES),
        "retention_days": 365,
        "valid_from": today.isoformat(),
        "valid_to": (today + _LASTS).isoformat(),
        "review_on": (today + _LASTS / 2).isoformat(),
    }
