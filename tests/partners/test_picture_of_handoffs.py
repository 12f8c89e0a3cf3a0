"""Of every handoff the picture says what its owner says, in both houses, step by step; heard as bytes from journals."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from chassis.calendar import local_date
from chassis.envelope import unpack_headers
from chassis.streams import Streams, recorded
from partners.commands import handoffs as commands
from partners.domain.codes import Aspect
from partners.domain.handoff.codes import Outcome, Reason, StepCode
from partners.domain.handoff.states import Contact
from partners.projections.picture import queries
from partners.subscriptions import PICTURE
from tests.partners.handoff_houses import TRUST, Pair, a_pair
from tests.partners.people import asks
from throughcare.referral.v1 import events_pb2 as referral

if TYPE_CHECKING:
    from uuid import UUID

    from partners.projections.picture.shapes import Picture
    from tests.partners.houses import House

Houses = tuple["House", "House"]
_JOURNAL = "select key, headers, message from journal where topic = $1 order by position"
SETTLED = {"DECLINED", "REVOKED", "EXPIRED", "FAILED"}


class Watched:
    """Two houses, and the picture of each."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.ears = {house.node: Streams(PICTURE, f"{house.node}.picture", house.node) for house in self.houses}

    @property
    def houses(self) -> Houses:
        return self.pair.ours, self.pair.theirs

    async def opens(self) -> None:
        """The case is known to the picture of the house that offers."""
        pair = self.pair
        message = referral.ReferralSubmitted(case_reference="7KQ2-M9RJ", programme_id="p", kind="PERSON_SUPPORT")
        message.due_at.FromDatetime(await pair.ours.now())
        pair.ours.seqs.pop(f"together.referral.v1 {pair.case_id}")
        await self._hear(pair.ours, [await pair.ours.told(message, pair.person_id, case_id=pair.case_id)])

    async def _hear(self, house: House, items: list[Any]) -> None:
        async with house.works.batch() as work:
            await self.ears[house.node].one_by_one(work, items)

    async def hear(self) -> None:
        """Everything both have told themselves; what was heard before comes again."""
        for house in self.houses:
            topic = f"{house.node}.partners.v1"
            rows = await house.rows(_JOURNAL, topic)
            items = [recorded(topic, r["key"], unpack_headers(r["headers"]), r["message"]) for r in rows]
            await self._hear(house, items)

    async def picture(self, house: House) -> Picture | None:
        """The one picture a house has of him, or none."""
        page = await house.works.ask(queries.list_pictures, asks(house.manager))
        return next(iter(page.pictures), None)

    async def agree(self, handoff_id: UUID) -> None:
        """What the pictures say of it is what the owners say."""
        await self.pair.exchange()
        await self.hear()
        for house in self.houses:
            row, picture = await self.pair.of(house, handoff_id), await self.picture(house)
            open_ = {each.handoff_id: each for each in (picture.handoffs if picture else None) or ()}
            closed = row["status"] in SETTLED or row["loop_closed_at"] is not None
            assert (handoff_id in open_) == (not closed), (house.node, row["status"])
            if not closed:
                assert open_[handoff_id].state == row["status"], house.node


@pytest.fixture
async def watched(two_houses: Houses) -> Watched:
    found = Watched(await a_pair(*two_houses))
    await found.opens()
    return found


async def start(watched: Watched, handoff_id: UUID) -> None:
    today = local_date(await watched.pair.theirs.now())
    await watched.pair.they(commands.start_handoff_work, handoff_id, first_contact_on=today, worker="")


async def test_from_offer_to_closed_loop(watched: Watched) -> None:
    pair = watched.pair
    handoff_id = await pair.received()
    await watched.agree(handoff_id)
    await pair.they(commands.waitlist_handoff, handoff_id)
    await watched.agree(handoff_id)
    await pair.they(commands.accept_handoff, handoff_id, worker="")
    await watched.agree(handoff_id)
    await start(watched, handoff_id)
    await watched.agree(handoff_id)
    await pair.they(commands.hold_handoff, handoff_id, reason=Reason.IN_HOSPITAL)
    await watched.agree(handoff_id)
    await pair.they(commands.resume_handoff, handoff_id)
    await watched.agree(handoff_id)
    await pair.they(commands.complete_handoff, handoff_id, outcome=Outcome.DELIVERED, delivered="All done.")
    await watched.agree(handoff_id)
    await pair.we(commands.confirm_handoff_loop, handoff_id)
    await watched.agree(handoff_id)


async def test_a_question_and_its_answer(watched: Watched) -> None:
    pair = watched.pair
    handoff_id = await pair.received()
    await pair.they(commands.request_handoff_information, handoff_id, items=("Since when?",))
    await watched.agree(handoff_id)
    await pair.we(commands.supply_handoff_information, handoff_id, answer="Since spring.")
    await watched.agree(handoff_id)


@pytest.mark.parametrize("accepted_first", [True, False], ids=["accepted meanwhile", "in time"])
async def test_taken_back(watched: Watched, accepted_first: bool) -> None:
    pair = watched.pair
    handoff_id = await pair.received()
    if accepted_first:
        await pair.they(commands.accept_handoff, handoff_id, worker="")
    await pair.we(commands.revoke_handoff, handoff_id)
    await watched.hear()
    await watched.agree(handoff_id)

    assert (await watched.picture(pair.theirs) is None) == (not accepted_first)


async def test_declined(watched: Watched) -> None:
    handoff_id = await watched.pair.received()
    await watched.pair.they(commands.decline_handoff, handoff_id, reason=Reason.NO_CAPACITY, note="")
    await watched.agree(handoff_id)


async def test_failed(watched: Watched) -> None:
    handoff_id = await watched.pair.received()
    await watched.pair.they(commands.accept_handoff, handoff_id, worker="")
    await watched.pair.they(commands.fail_handoff, handoff_id, reason=Reason.PERSON_DECLINED, note="")
    await watched.agree(handoff_id)


async def test_his_agreement_taken_back_lets_it_rest_in_both_pictures_and_given_again_goes_on(watched: Watched) -> None:
    pair = watched.pair
    handoff_id = await pair.received()
    await pair.ours.withdraws(pair.person_id, TRUST)
    await watched.agree(handoff_id)
    resting = await watched.picture(pair.ours)
    await pair.ours.agrees(pair.person_id, TRUST, "APPOINTMENTS", version=3)
    await pair.ours.hears(await pair.ours.confirms())
    await watched.agree(handoff_id)

    assert resting is not None
    assert [handoff.state for handoff in resting.handoffs or ()] == ["ON_HOLD"]


async def test_both_pictures_show_who_delivers_and_when_he_is_seen_next(watched: Watched) -> None:
    pair = watched.pair
    handoff_id = await pair.received()
    await pair.they(commands.accept_handoff, handoff_id, worker="")
    await start(watched, handoff_id)
    starts_at = await pair.theirs.now() + timedelta(days=3)
    contact = Contact(
        aspect=Aspect.DEBT_ADVICE,
        step=StepCode.FIRST_MEETING,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=1),
    )
    await pair.they(commands.plan_handoff_contact, handoff_id, contact=contact)
    await watched.agree(handoff_id)

    for house in watched.houses:
        picture = await watched.picture(house)
        assert picture is not None
        assert {(d.org_id, d.aspect) for d in picture.deliveries or ()} == {(TRUST, "DEBT_ADVICE"), (TRUST, "GRANTS")}
        assert [(c.org_id, c.aspect, c.starts_at) for c in picture.contacts or ()] == [
            (TRUST, "DEBT_ADVICE", starts_at)
        ]


async def test_other_houses_are_sources_as_fresh_as_they_were_heard(watched: Watched) -> None:
    await watched.pair.received()
    await watched.hear()

    for house, other in (watched.houses, watched.houses[::-1]):
        page = await house.works.ask(queries.list_pictures, asks(house.manager))
        heard = {source.node_id: source.last_heard_at for source in page.sources if source.node_id}
        assert heard.keys() == {other.node}
        assert heard[other.node] is not None
