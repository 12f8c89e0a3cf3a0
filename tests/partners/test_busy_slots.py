"""Hours at which he is seen elsewhere, between two houses that work with him: the hour crosses, and nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from chassis.envelope import unpack_headers
from partners.commands import agreements
from partners.commands import handoffs as commands
from partners.commands.links import link_subject
from partners.domain.handoff.codes import Reason
from tests.partners.handoff_houses import TRUST, Pair, a_pair, parked, started, told
from tests.partners.houses import House
from throughcare.casework.v1 import events_pb2 as casework
from throughcare.partners.v1 import events_pb2 as events
from throughcare.partners.v1 import shares_pb2 as shared

if TYPE_CHECKING:
    from datetime import datetime


THEIR_INBOX, OUR_INBOX = f"share.{TRUST}.in.v1", "share.together.in.v1"
GP = "camden-gp"
HOUR = timedelta(hours=1)


@pytest.fixture
async def pair(two_houses: tuple[House, House]) -> Pair:
    return await a_pair(*two_houses)


def filled(message: Any, starts_at: datetime) -> Any:
    message.starts_at.FromDatetime(starts_at)
    message.ends_at.FromDatetime(starts_at + HOUR)
    return message


async def recorded(
    house: House, person_id: UUID, case_id: UUID, *, about: UUID, org_id: str = GP, off: bool = False, days: int = 3
) -> datetime:
    """Casework of a house tells of an appointment elsewhere."""
    kind = casework.ExternalAppointmentCancelled if off else casework.ExternalAppointmentRecorded
    now = await house.now()
    starts_at = now.replace(minute=0, second=0, microsecond=0) + timedelta(days=days)
    message = filled(kind(org_id=org_id, aspect_code="GP_REGISTRATION"), starts_at)
    await house.hears(await house.told(message, person_id, case_id=case_id, about=about))
    return starts_at


async def ours(pair: Pair, about: UUID, **given: Any) -> datetime:
    """The same in the house that offered him."""
    return await recorded(pair.ours, pair.person_id, pair.case_id, about=about, **given)


async def slots(house: House, topic: str) -> list[Any]:
    """The hours told on a topic, of other work than a handoff."""
    return [each for each in await told(house, topic, shared.SharedBusySlot) if each.handoff_id]


async def heard(house: House) -> list[tuple[str, str, bool]]:
    """What a house tells its own services of hours it was told."""
    topic = f"{house.node}.partners.v1"
    return [(each.partner, each.side, each.off) for each in await told(house, topic, events.BusySlotHeard)]


async def test_the_hour_is_told_to_the_house_at_work_with_him_and_nothing_else_of_it(pair: Pair) -> None:
    handoff_id = await started(pair)

    starts_at = await ours(pair, about := uuid4())
    await pair.exchange()

    (slot,) = await slots(pair.ours, THEIR_INBOX)
    assert slot == filled(shared.SharedBusySlot(handoff_id=str(handoff_id)), starts_at)
    assert await heard(pair.theirs) == [("together", "RECEIVER", False)]
    row = (
        await pair.ours.rows("select headers, key from journal where topic = $1 order by position desc", THEIR_INBOX)
    )[0]
    named = {name: value.decode() for name, value in unpack_headers(row["headers"])}
    assert named["ce_subject"] == row["key"] == pair.ours.works.names.subject_ref(TRUST, pair.person_id)
    for own in (about, pair.person_id, pair.case_id):
        assert str(own) not in str(named)
    assert not {GP, "GP_REGISTRATION"} & set(str(named) + str(slot))
    assert (named["ce_isaid"], named["ce_confidentialitybasis"]) == (str(pair.isa_id), "AGREED")
    (judged,) = await pair.ours.rows("select recipient, refusal_code from disclosure order by judged_at desc limit 1")
    assert tuple(judged) == (TRUST, "")
    assert await parked(pair.theirs) == []


async def test_called_off_it_is_told_so_once_under_the_same_name(pair: Pair) -> None:
    await started(pair)
    about = uuid4()
    await ours(pair, about)
    for _ in range(2):
        await ours(pair, about, off=True)
    await pair.exchange()

    assert [each.off for each in await slots(pair.ours, THEIR_INBOX)] == [False, True]
    assert [off for _, _, off in await heard(pair.theirs)] == [False, True]
    assert await pair.theirs.count("busy_slot") == 1


async def test_what_was_called_off_before_it_was_told_is_not_told(pair: Pair) -> None:
    await ours(pair, about := uuid4())
    await ours(pair, about, off=True)

    await started(pair)

    assert await slots(pair.ours, THEIR_INBOX) == []


@pytest.mark.parametrize("step", ["offered", "received", "declined", "on_hold"])
async def test_a_house_that_is_not_at_work_with_him_hears_nothing(pair: Pair, step: str) -> None:
    if step == "offered":
        await pair.offer()
    else:
        handoff_id = await started(pair) if step == "on_hold" else await pair.received()
        if step == "declined":
            await pair.they(commands.decline_handoff, handoff_id, reason=Reason.NO_CAPACITY, note="")
        if step == "on_hold":
            await pair.they(commands.hold_handoff, handoff_id, reason=Reason.IN_HOSPITAL)
    await pair.exchange()

    await ours(pair, uuid4())

    assert await slots(pair.ours, THEIR_INBOX) == []


async def test_a_house_that_begins_hears_what_is_still_to_come_and_one_that_goes_on_the_rest(pair: Pair) -> None:
    await ours(pair, uuid4(), days=2)
    await ours(pair, uuid4(), days=5)
    await pair.wind(days=3)

    handoff_id = await started(pair)
    await pair.they(commands.hold_handoff, handoff_id, reason=Reason.IN_HOSPITAL)
    await pair.exchange()
    at_first = len(await slots(pair.ours, THEIR_INBOX))
    await ours(pair, uuid4(), days=4)
    meanwhile = len(await slots(pair.ours, THEIR_INBOX))
    await pair.they(commands.resume_handoff, handoff_id)
    await pair.exchange()

    assert (at_first, meanwhile, len(await slots(pair.ours, THEIR_INBOX))) == (1, 1, 2)


async def test_he_takes_it_back_and_nothing_more_is_told(pair: Pair) -> None:
    await started(pair)
    await ours(pair, uuid4())
    await pair.ours.withdraws(pair.person_id, TRUST)

    await ours(pair, uuid4())

    stubs = "select stub from pending join journal using (position) where topic = $1 and key = $2 order by position"
    ref = pair.ours.works.names.subject_ref(TRUST, pair.person_id)
    waiting = [row["stub"] for row in await pair.ours.rows(stubs, THEIR_INBOX, ref)]
    assert len(await slots(pair.ours, THEIR_INBOX)) == 1
    assert waiting[-3] is True  # the slot; behind it that he took it back, and that it rests


async def test_under_an_agreement_that_rests_nothing_is_told(pair: Pair) -> None:
    await started(pair)
    (isa,) = await pair.ours.rows("select version from sharing_agreement where id = $1", pair.isa_id)
    await pair.ours.do(agreements.suspend_isa, pair.ours.guardian, isa_id=pair.isa_id, expected=isa["version"])

    await ours(pair, uuid4())

    assert await slots(pair.ours, THEIR_INBOX) == []


async def test_an_appointment_with_that_house_itself_is_not_told_to_it(pair: Pair) -> None:
    await started(pair)

    await ours(pair, uuid4(), org_id=TRUST)

    assert await slots(pair.ours, THEIR_INBOX) == []


async def test_two_handoffs_with_one_house_hear_it_once(pair: Pair) -> None:
    await started(pair)
    await started(pair)

    await ours(pair, uuid4())

    assert len(await slots(pair.ours, THEIR_INBOX)) == 1


async def theirs_too(pair: Pair, *, agreed: bool = True) -> tuple[UUID, UUID]:
    """The trust knows him by a case of its own, and has linked the two."""
    own = uuid4()
    case_id = await pair.theirs.a_case(own)
    if agreed:
        await pair.theirs.agrees(own, "together", "APPOINTMENTS")
    await pair.theirs.hears(await pair.theirs.confirms())
    (link,) = await pair.theirs.rows("select id, version from subject_link")
    linking = {"link_id": link["id"], "person_id": own, "expected": link["version"]}
    await pair.theirs.do(link_subject, pair.theirs.manager, **linking)
    return own, case_id


async def test_the_receiver_tells_hours_of_his_own_man_by_the_name_the_sender_gave_him(pair: Pair) -> None:
    await started(pair)
    own, case_id = await theirs_too(pair)

    await recorded(pair.theirs, own, case_id, about=uuid4())
    await pair.exchange()

    assert len(await slots(pair.theirs, OUR_INBOX)) == 1
    assert await heard(pair.ours) == [(TRUST, "SENDER", False)]
    (row,) = await pair.ours.rows("select person_id, case_id from busy_slot")
    assert tuple(row) == (pair.person_id, pair.case_id)


@pytest.mark.parametrize("agreed", [True, False])
async def test_of_his_own_man_it_rests_on_what_he_agreed_to_there(pair: Pair, agreed: bool) -> None:
    await started(pair)
    own, case_id = await theirs_too(pair, agreed=agreed)

    await recorded(pair.theirs, own, case_id, about=uuid4())

    assert len(await slots(pair.theirs, OUR_INBOX)) == int(agreed)
    refused = await pair.theirs.rows("select refusal_code from disclosure where refusal_code <> ''")
    assert [row["refusal_code"] for row in refused] == ([] if agreed else ["consent_missing"])


async def test_without_a_link_the_receiver_knows_of_no_other_work(pair: Pair) -> None:
    await started(pair)
    stranger = uuid4()
    case_id = await pair.theirs.a_case(stranger)

    await recorded(pair.theirs, stranger, case_id, about=uuid4())

    assert await slots(pair.theirs, OUR_INBOX) == []


async def test_an_hour_of_a_handoff_that_is_over_is_a_race_and_of_nobody_here_nothing(pair: Pair) -> None:
    handoff_id = await started(pair)
    await ours(pair, uuid4())
    await pair.they(commands.fail_handoff, handoff_id, reason=Reason.PERSON_DECLINED, note="")

    await pair.theirs.hears_from(pair.ours)

    assert await heard(pair.theirs) == []
    assert await parked(pair.theirs) == []
