"""X10: four houses and one man whose answers and lists change while work is offered, messages are under way and cross.

Whatever the order: what was told on the basis of his agreement and had not arrived when he took it back never says
anything; what the lists exclude says nothing on any basis; a read is judged by what holds at that moment. When all has
arrived, both houses of a handoff stand alike, it rests where its basis is missing and nowhere else, and the pictures
folded from what each house told, in any order, say what the records say.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from chassis.access import Ground
from chassis.aggregate import Refused, Unmet
from chassis.database import Database
from chassis.envelope import Envelope, unpack_headers
from chassis.hearing import Heard
from chassis.streams import recorded
from partners.commands import gate
from partners.commands import handoffs as commands
from partners.domain.codes import Aspect
from partners.domain.handoff.codes import Category, Kind, Reason
from partners.projections.picture.across import state_of
from partners.subscriptions import PICTURE
from tests.partners.agreements import terms
from tests.partners.houses import TOLD, House, arrived, in_force, introduced
from tests.support.postgres import fresh_database
from throughcare.partners.v1 import events_pb2

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

OURS = "together"
OTHERS = ("north-london-nhs", "women-in-prison", "sig-penrose")
AGREED, ORDER = Ground(), Ground(basis="COURT_ORDER", reference="order-7")
CATEGORIES = (Category.APPOINTMENTS, Category.PLAN_GOALS)
ENDED = {"COMPLETED", "DECLINED", "REVOKED", "EXPIRED", "FAILED", "ENTERED_IN_ERROR"}


class Man:
    """One man in the four houses, and what is known to be true of him."""

    def __init__(self, houses: dict[str, House]) -> None:
        self.houses, self.ours = houses, houses[OURS]
        self.person = uuid4()
        self.case: UUID
        self.agreed: dict[str, set[str]] = defaultdict(set)
        self.denied: set[str] = set()
        self.versions: dict[str, int] = defaultdict(int)
        # What of his was told up to here may say nothing any more: on his agreement, or on any basis.
        self.taken_back: dict[str, int] = defaultdict(int)
        self.excluded: dict[str, int] = defaultdict(int)
        self.handoffs: dict[UUID, tuple[str, tuple[Category, ...], Ground]] = {}
        self.stubbed: set[UUID] = set()

    async def arrives(self) -> None:
        self.case = await self.ours.a_case(self.person)

    async def told_so_far(self) -> int:
        return int((await self.ours.rows("select coalesce(max(position), 0) as n from journal"))[0]["n"])

    def may_know(self, to: str, categories: tuple[Category, ...], ground: Ground) -> bool:
        agreed = ground is ORDER or {each.value for each in categories} <= self.agreed[to]
        return agreed and to not in self.denied

    async def answers(self, to: str, categories: frozenset[str]) -> None:
        """He says anew what this house may know."""
        before, self.versions[to] = await self.told_so_far(), self.versions[to] + 1
        if self.agreed[to] - categories:
            self.taken_back[to] = before
        if categories:
            await self.ours.agrees(self.person, to, *sorted(categories), version=self.versions[to])
        else:
            await self.ours.withdraws(self.person, to, version=self.versions[to])
        self.agreed[to] = set(categories)

    async def lists(self, denied: frozenset[str]) -> None:
        """Who may not know of him is said anew."""
        before, self.versions["list"] = await self.told_so_far(), self.versions["list"] + 1
        for to in denied - self.denied:
            self.excluded[to] = before
        await self.ours.lists(self.person, "DENY", *sorted(denied), version=self.versions["list"])
        self.denied = set(denied)

    async def offers(self, to: str, categories: tuple[Category, ...], ground: Ground) -> None:
        await self.ours.hears(await self.ours.confirms())
        given = {
            "case_id": self.case, "person_id": None, "recipient": to, "kind": Kind.WARM_INTRODUCTION,
            "aspects": (Aspect.GRANTS,), "offer_id": None, "categories": categories, "ground": ground, "snapshot": "",
        }  # fmt: skip
        allowed = self.may_know(to, categories, ground)
        try:
            made = await self.ours.do(commands.offer_handoff, self.ours.manager, **given)
        except Unmet:
            made = None
        assert (made is not None) is allowed
        if made is None:
            return
        self.handoffs[UUID(made["handoff_id"])] = (to, categories, ground)

    async def reads(self, handoff_id: UUID) -> None:
        """What the other house would be let read of him now."""
        to, categories, ground = self.handoffs[handoff_id]
        await self.ours.hears(await self.ours.confirms())
        question = gate.Question(
            person_id=self.person, recipient=to, categories=tuple(each.value for each in categories),
            purpose="HANDOFF", basis=ground, case_id=self.case, related=True,
        )  # fmt: skip
        judged = await self.ours.by_itself(gate.sift, question)
        if to in self.denied:
            allowed: set[str] = set()
        else:
            allowed = {c.value for c in categories} & (self.agreed[to] if ground is AGREED else set(Category))
        assert set(judged.categories if judged else ()) == allowed

    async def goes_on(self, chance: int) -> None:
        """Somebody of a house does something; what he may not do is refused and changes nothing."""
        handoff_id = list(self.handoffs)[chance % len(self.handoffs)]
        to = self.handoffs[handoff_id][0]
        steps: list[tuple[str, Any, dict[str, Any]]] = [
            (to, commands.accept_handoff, {"worker": ""}),
            (to, commands.waitlist_handoff, {}),
            (to, commands.decline_handoff, {"reason": Reason.OUT_OF_AREA, "note": ""}),
            (OURS, commands.revoke_handoff, {}),
            (OURS, commands.mark_handoff_entered_in_error, {"reason": "Another man."}),
        ]
        house, command, given = steps[chance // 7 % len(steps)]
        acting = self.houses[house]
        try:
            await acting.do(command, acting.manager, handoff_id=handoff_id, expected=None, **given)
        except Refused:
            return

    async def arrive(self, at: str, source: str, most: int) -> int:
        """The next messages of one house arrive at another, as the relay would send them now."""
        hearer, teller = self.houses[at], self.houses[source]
        since = hearer.heard_up_to.get(source, 0)
        rows = await teller.rows(f"{TOLD} limit {most}", f"share.{hearer.node}.in.v1", since)
        for row in rows:
            if source == OURS:
                self._says_nothing_it_must_not(at, row)
        if rows:
            hearer.heard_up_to[source] = rows[-1]["position"]
        await hearer.hears(*(arrived(f"share.{hearer.node}.in.v1", source, row) for row in rows))
        return len(rows)

    def _says_nothing_it_must_not(self, to: str, row: Any) -> None:
        named = dict(unpack_headers(row["headers"]))
        ref = self.ours.works.names.subject_ref(to, self.person)
        if row["key"] != ref:
            return
        about = named.get("ce_aggregateid", b"").decode()
        if row["stub"]:
            self.stubbed |= {each for each in self.handoffs if str(each) == about}
            return
        assert row["position"] > self.excluded[to], "told after the lists excluded that house"
        if named.get("ce_confidentialitybasis") == b"AGREED":
            assert row["position"] > self.taken_back[to], "told after he had taken it back"

    async def everything_arrives(self) -> None:
        moving = 1
        while moving:
            moving = 0
            for other in OTHERS:
                moving += await self.arrive(other, OURS, 50) + await self.arrive(OURS, other, 50)

    async def row(self, house: str, handoff_id: UUID) -> Any:
        found = await self.houses[house].rows("select * from handoff where id = $1", handoff_id)
        return found[0] if found else None

    async def all_is_well(self) -> None:
        for house in self.houses.values():
            assert await house.rows("select reason from parked") == []
        for handoff_id, (to, categories, ground) in self.handoffs.items():
            ours, theirs = await self.row(OURS, handoff_id), await self.row(to, handoff_id)
            if ours["status"] not in ENDED | {"REVOKE_PENDING"}:
                assert ("BASIS" in ours["own_holds"]) is not self.may_know(to, categories, ground)
            if handoff_id in self.stubbed:
                continue  # what left without its content is not known there: neither is what followed from it
            assert (ours["status"], ours["stage"]) == (theirs["status"], theirs["stage"])
            for house in (OURS, to):
                assert await self.picture(house, handoff_id) == (await self.row(house, handoff_id))["status"]

    async def picture(self, house: str, handoff_id: UUID) -> str:
        """Where the picture of a house says that it stands, whatever the order in which it heard."""
        rows = await self.houses[house].rows(
            "select key, headers, message from journal where topic = $1 and aggregate_id = $2 order by position",
            f"{house}.partners.v1", handoff_id,
        )  # fmt: skip
        random.Random(str(handoff_id)).shuffle(rows)
        slots: dict[str, tuple[int, Any]] = {}
        for row in rows:
            item = recorded(f"{house}.partners.v1", row["key"], unpack_headers(row["headers"]), row["message"])
            assert isinstance(item.envelope, Envelope)
            kind = getattr(events_pb2, item.envelope.type.rpartition(".")[2])
            heard = Heard(kind.FromString(row["message"]), item.envelope, item.topic, item.key)
            for subscription in PICTURE.of(kind):
                for each in subscription.handler(heard):
                    said = each.values
                    if said.get("holder") == "HANDOFF" and slots.get(said["slot"], (0, None))[0] < said["seq"]:
                        slots[said["slot"]] = (said["seq"], said["value"])
        return state_of({slot: _Register(value) for slot, (_, value) in slots.items()})  # type: ignore[arg-type]


class _Register:
    """A register as the picture keeps it: its newest value."""

    def __init__(self, value: Any) -> None:
        self.value = value


def machine(  # noqa: C901 - a method for each rule
    run: Callable[[Coroutine[Any, Any, Any]], Any], houses: dict[str, House]
) -> type[RuleBasedStateMachine]:
    """The machine over these houses; each run of it is about another man."""
    others, chances = st.sampled_from(OTHERS), st.integers(0, 10**6)
    everything = frozenset(each.value for each in CATEGORIES)
    scopes = st.sampled_from([everything, everything, frozenset({"APPOINTMENTS"}), frozenset()])

    class ConsentRaces(RuleBasedStateMachine):
        """His answers, the lists, the work and the post."""

        man: Man

        @initialize()
        def he_is_referred(self) -> None:
            self.man = Man(houses)
            run(self.man.arrives())
            for to in OTHERS:
                run(self.man.answers(to, everything))

        @rule(to=others, scope=scopes)
        def he_answers(self, to: str, scope: frozenset[str]) -> None:
            run(self.man.answers(to, scope))

        @rule(denied=st.frozensets(others, max_size=1))
        def the_lists_change(self, denied: frozenset[str]) -> None:
            run(self.man.lists(denied))

        @rule(
            to=others,
            categories=st.sampled_from([CATEGORIES[:1], CATEGORIES]),
            ground=st.sampled_from([AGREED, AGREED, ORDER]),
        )
        def work_is_offered(self, to: str, categories: tuple[Category, ...], ground: Ground) -> None:
            run(self.man.offers(to, categories, ground))

        @rule(to=others, back=st.booleans(), most=st.integers(1, 3))
        def messages_arrive(self, to: str, back: bool, most: int) -> None:
            run(self.man.arrive(OURS, to, most) if back else self.man.arrive(to, OURS, most))

        @rule(chance=chances)
        def somebody_does_something(self, chance: int) -> None:
            if self.man.handoffs:
                run(self.man.goes_on(chance))

        @rule(chance=chances)
        def it_is_read(self, chance: int) -> None:
            if self.man.handoffs:
                run(self.man.reads(list(self.man.handoffs)[chance % len(self.man.handoffs)]))

        def teardown(self) -> None:
            if hasattr(self, "man"):
                run(self.man.everything_arrives())
                run(self.man.all_is_well())

    return ConsentRaces


async def four_houses(postgres_url: str, folder: Path, stack: AsyncExitStack) -> dict[str, House]:
    """Four houses that know each other, with one agreement in force between ours and the others."""
    made = {}
    for node in (OURS, *OTHERS):
        url = await stack.enter_async_context(fresh_database(postgres_url, "partners.migrations"))
        database = await Database(url).open()
        stack.push_async_callback(database.close)
        made[node] = House(node, database, folder)
    await introduced(*made.values())
    await in_force(*made.values(), of=terms(*OTHERS))
    return made


@pytest.mark.timeout(240)
def test_consent_races_between_four_houses(postgres_url: str, tmp_path: Path) -> None:
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        try:
            houses = runner.run(four_houses(postgres_url, tmp_path, stack))
            # Not shrunk: each step is a transaction in real houses, and the steps that failed are printed as they are.
            run_state_machine_as_test(
                machine(runner.run, houses),
                settings=settings(
                    max_examples=30,
                    stateful_step_count=30,
                    deadline=None,
                    phases=[Phase.generate],
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(stack.aclose())
