"""What crosses: each pair of `states.md` 14 ends legal, in every order."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from casework.commands import engagement, worker
from casework.domain.ending import EndAnswers
from casework.queries import get_engagement
from chassis.aggregate import Conflict, Refused, Unmet
from tests.casework.giving import accepted, allocating, submitted, withdrawn
from tests.casework.house import GRANTED, SM, WITHDRAWN, WORKER, Case
from throughcare.referral.v1 import events_pb2 as referral


async def status(house, case):
    held, opened = await house.allocation_of(case), await house.engagement_of(case)
    return held["status"], opened and opened["status"]


async def ignored(house):
    return [outcome.partition(":")[2] for outcome in await house.outcomes() if outcome.startswith("ignored:")]


async def test_withdrawn_before_a_worker_is_named(staffed):
    case = await staffed.accepted()

    await staffed.tell(withdrawn(), case)

    with pytest.raises(Unmet, match="allocation_ended"):
        await allocating(staffed, case)
    assert await status(staffed, case) == ("ENDED", None)


async def test_withdrawn_while_a_worker_is_named_frees_his_place(staffed):
    await staffed.do(worker.set_capacity, worker_ref="staff-ew-1", capacity=1, expected=3)
    case = await staffed.accepted()
    await allocating(staffed, case)

    await staffed.tell(withdrawn(), case)

    assert await status(staffed, case) == ("ENDED", None)
    await allocating(staffed, await staffed.accepted())


async def test_withdrawn_before_acceptance_is_no_matter_here(staffed):
    case = Case()
    await staffed.tell(submitted(), case)

    await staffed.tell(withdrawn(), case)

    assert await ignored(staffed) == ["no_allocation"]


@pytest.mark.parametrize(("by", "outcome"), [("PERSON", "PERSON_WITHDREW"), ("SERVICE", "REFERRAL_WITHDRAWN")])
async def test_withdrawn_once_the_engagement_is_open_starts_its_ending(staffed, by, outcome):
    case, id_ = await staffed.opened()

    await staffed.tell(withdrawn(by), case)

    assert await status(staffed, case) == ("ALLOCATED", "ENDING")
    seen = await staffed.ask(get_engagement, engagement_id=id_, case_id=None)
    assert seen.engagement.outcome == outcome


async def test_withdrawn_before_the_engagement_opens_keeps_it_shut(staffed):
    case = await staffed.accepted()
    await allocating(staffed, case)
    held = await staffed.allocation_of(case)
    await staffed.tell(withdrawn(), case)

    with pytest.raises(Unmet, match="allocation_ended"):
        await staffed.do(engagement.open_engagement, allocation_id=held["id"], expected=held["version"] + 1)


@pytest.mark.parametrize("order", [("consent", "referral"), ("referral", "consent")])
async def test_agreement_withdrawn_before_it_opens(staffed, order):
    case = await staffed.accepted()
    await allocating(staffed, case)
    told = {"consent": staffed.consent(WITHDRAWN), "referral": withdrawn("PERSON")}

    for which in order:
        await staffed.tell(told[which], case)
        with pytest.raises(Refused) as refusal:
            await staffed.open(case)
        assert refusal.value.reason in ("consent_missing", "allocation_ended")

    assert await status(staffed, case) == ("ENDED", None)
    assert await ignored(staffed) == ["no_engagement"]


@pytest.mark.parametrize("order", [("consent", "referral"), ("referral", "consent")])
async def test_agreement_withdrawn_once_it_is_open_ends_it_once(staffed, order):
    case, id_ = await staffed.opened()
    told = {"consent": staffed.consent(WITHDRAWN), "referral": withdrawn("PERSON")}

    for which in order:
        await staffed.tell(told[which], case)

    seen = await staffed.ask(get_engagement, engagement_id=id_, case_id=None)
    assert (seen.engagement.status, seen.engagement.outcome) == ("ENDING", "PERSON_WITHDREW")
    assert await ignored(staffed) == ["invalid_transition"]


async def test_agreement_given_again_reopens_nothing_by_itself(staffed):
    case, _ = await staffed.opened()

    await staffed.tell(staffed.consent(WITHDRAWN), case)
    await staffed.tell(staffed.consent(GRANTED, version=3), case)

    assert (await status(staffed, case))[1] == "ENDING"
    (held,) = await staffed.rows("select state from consents where person_id = $1", case.person_id)
    assert held["state"] == "GRANTED"


async def test_withdrawing_agreement_to_something_else_ends_nothing(staffed):
    case, _ = await staffed.opened()

    await staffed.tell(staffed.consent(WITHDRAWN, purpose="EVALUATE", programme_id=""), case)
    await staffed.tell(staffed.consent(WITHDRAWN, programme_id="0190e2a0-0000-7000-8000-0000000000e2"), case)

    assert await status(staffed, case) == ("ALLOCATED", "OPENED")


async def test_reopened_and_accepted_again_asks_for_a_worker_anew(staffed):
    case = await staffed.accepted(version=5)
    await allocating(staffed, case)

    await staffed.tell(withdrawn(), case)
    await staffed.tell(submitted(referral.ReferralReopened), case)
    await staffed.tell(accepted(), case, version=9, at=await staffed.now())

    rows = await staffed.rows("select status, acceptance from allocation order by id")
    assert [tuple(row) for row in rows] == [("ENDED", 5), ("REQUESTED", 9)]


async def test_accepted_again_while_the_first_engagement_ends_waits_for_its_close(staffed):
    case, id_ = await staffed.opened()
    await staffed.tell(withdrawn(), case)
    await staffed.tell(submitted(referral.ReferralReopened), case)
    await staffed.tell(accepted(), case, version=9, at=await staffed.now())

    with pytest.raises(Unmet, match="primary_exists"):
        await allocating(staffed, case, "staff-ew-2")
    await staffed.do(
        engagement.close_engagement,
        WORKER,
        engagement_id=id_,
        outcome=None,
        answers=EndAnswers(),
        expected=2,
    )
    await allocating(staffed, case, "staff-ew-2")
    await staffed.open(case)
    assert await status(staffed, case) == ("ALLOCATED", "OPENED")


async def test_withdrawn_a_second_time_ends_the_second_search_beside_the_first_ending(staffed):
    case, _ = await staffed.opened()
    await staffed.tell(withdrawn(), case)
    await staffed.tell(submitted(referral.ReferralReopened), case)
    await staffed.tell(accepted(), case, version=9, at=await staffed.now())

    await staffed.tell(withdrawn(), case)

    rows = await staffed.rows("select status from allocation order by id")
    assert [row["status"] for row in rows] == ["ALLOCATED", "ENDED"]
    assert await ignored(staffed) == []


async def test_a_known_withdrawal_is_not_passed_by_an_opening_at_the_same_moment(staffed):
    """Whoever is first, in the end no engagement goes on against his word."""
    import asyncio

    for _ in range(6):
        case = await staffed.accepted()
        await allocating(staffed, case, "staff-ew-1")
        told = staffed.message(staffed.consent(WITHDRAWN), case)

        await asyncio.gather(staffed.open(case), staffed.hear(told), return_exceptions=True)

        opened = await staffed.engagement_of(case)
        assert opened is None or opened["status"] == "ENDING"
        held = await staffed.allocation_of(case)
        if opened is not None:
            await staffed.do(
                engagement.close_engagement,
                engagement_id=opened["id"],
                outcome=None,
                answers=EndAnswers(),
                expected=opened["version"],
            )
        else:
            await staffed.tell(withdrawn("PERSON"), case)
        assert (await staffed.allocation_of(case))["id"] == held["id"]


async def _give(house, attempt):
    try:
        await attempt
    except (Unmet, Conflict):
        return


async def _close(house, case):
    held = await house.engagement_of(case)
    if held is not None:
        await house.do(
            engagement.close_engagement,
            SM,
            engagement_id=held["id"],
            outcome=None,
            answers=EndAnswers(),
            expected=held["version"],
        )


async def _reopen(house, case):
    held = await house.engagement_of(case)
    if held is not None:
        await house.do(engagement.reopen_engagement, engagement_id=held["id"], expected=held["version"])


def _ref(case):
    return f"staff-ew-{case.case_id.hex[:8]}"


async def _named(house, case, act):
    if await house.rows("select 1 from allocation where case_id = $1", case.case_id):
        await act(case)


STEPS = ["case", "person", "allocate", "open", "case", "person", "allocate", "open", "close", "reopen"]


ACTIONS = {
    "allocate": lambda house, case: _named(house, case, lambda each: house.allocate(each, _ref(each))),
    "open": lambda house, case: _named(house, case, house.open),
    "close": _close,
    "reopen": _reopen,
}


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(data=st.data())
async def test_whatever_the_order_everything_ends_legal(staffed, data):
    house, case, now = staffed, Case(), await staffed.now()
    ref = _ref(case)
    await house.a_worker(ref)
    by = data.draw(st.sampled_from(["PERSON", "SERVICE"]), label="by")
    streams = {
        "case": [
            (submitted(), 1),
            (accepted(data.draw(st.sampled_from(["", ref]), label="named")), 5),
            (withdrawn(by), 6),
            (submitted(referral.ReferralReopened), 7),
            (accepted(), 9),
        ],
        "person": [
            (house.consent(GRANTED), 1),
            (house.consent(WITHDRAWN, version=2), 2),
            (house.consent(GRANTED, version=3), 3),
        ],
    }
    told = {
        "case": streams["case"][: data.draw(st.integers(2, 5), label="facts of the case")],
        "person": streams["person"][: data.draw(st.integers(1, 3), label="facts of the man")],
    }
    waiting, last = {name: list(facts) for name, facts in told.items()}, {}
    batch = []
    for _ in range(24):
        step = data.draw(st.sampled_from(STEPS), label="step")
        if step in waiting:
            if waiting[step]:
                message, version = waiting[step].pop(0)
                last[step] = message
                batch.append(house.message(message, case, version=version, at=now))
            if data.draw(st.booleans(), label="a batch ends"):
                await house.hear(*batch)
                batch = []
        else:
            await house.hear(*batch)
            batch = []
            await _give(house, ACTIONS[step](house, case))
    for message, version in (fact for name in ("person", "case") for fact in waiting[name]):
        last["person" if "Consent" in type(message).__name__ else "case"] = message
        batch.append(house.message(message, case, version=version, at=now))
    await house.hear(*batch)

    await _check(house, case, last)


async def _check(house, case, last):
    allocations = await house.rows("select * from allocation where case_id = $1", case.case_id)
    engagements = await house.rows("select * from engagement where case_id = $1", case.case_id)
    going_on = [row for row in engagements if row["status"] in ("OPENED", "ENGAGING", "ACTIVE", "PAUSED")]
    assert await house.parked() == []
    assert sum(row["status"] == "ALLOCATED" for row in allocations) <= 1
    assert sum(row["status"] != "CLOSED" for row in engagements) <= 1
    if last["person"].DESCRIPTOR.name == "ConsentWithdrawn":
        assert going_on == []
    if last["case"].DESCRIPTOR.name == "ReferralWithdrawn":
        assert going_on == []
        open_ones = [row for row in allocations if row["status"] != "ENDED"]
        assert all(row["engagement_id"] is not None for row in open_ones)
    if last["case"].DESCRIPTOR.name == "ReferralAccepted":
        assert any(row["acceptance"] in (5, 9) for row in allocations)
    for row in await house.rows(
        "select a.aggregate_id, count(*) as n, max(a.version) as version from journal a"
        " where fact is not null and case_id = $1 group by 1",
        case.case_id,
    ):
        assert row["n"] == row["version"]
