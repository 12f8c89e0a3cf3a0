"""What casework tells, heard as the inbox hears it: commands, races and the projections beside them."""

from datetime import timedelta
from uuid import uuid4

import pytest

from chassis.aggregate import NotFound
from referral import queries
from tests.referral import steps
from tests.referral.conftest import EW1, PP2, SM1
from throughcare.casework.v1 import events_pb2 as told

MIGRATIONS = "referral.migrations"


async def status(desk, case, actor=SM1):
    found = await desk.ask(queries.get_referral, actor, referral_id=case.referral_id, case_reference="")
    return found["status"]


async def test_a_worker_is_named_and_work_begins(desk, ears):
    case = await steps.accepted(desk, await steps.a_programme(desk))
    start = await desk.position()

    await ears.allocated(case)
    assert await status(desk, case) == "ALLOCATED"
    await ears.opened(case)

    assert await status(desk, case) == "CONVERTED"
    assert await desk.told(start) == []
    assert await desk.value("select version from referral") == case.version + 2


async def test_a_worker_named_after_the_withdrawal_is_a_race_and_the_projection_still_applies(desk, ears):
    case = await steps.accepted(desk, await steps.a_programme(desk))
    await steps.withdraw(desk, case)

    await ears.allocated(case)

    assert await status(desk, case) == "WITHDRAWN"
    assert await ears.outcomes() == ["ignored:invalid_transition"]
    assert await desk.value("select worker_ref from case_workers") == "staff-ew-1"
    assert await desk.value("select count(*) from parked") == 0


async def test_what_answers_an_older_acceptance_is_a_race(desk, ears):
    case = await steps.accepted(desk, await steps.a_programme(desk))

    await ears.allocated(case, acceptance=case.acceptance - 1)

    assert await status(desk, case) == "ACCEPTED"
    assert await ears.outcomes() == ["ignored:superseded_acceptance"]


async def test_a_case_nobody_knows_is_parked(desk, ears):
    await steps.a_programme(desk)
    stranger = steps.Case(
        {
            "referral_id": str(uuid4()),
            "case_id": str(uuid4()),
            "person_id": str(uuid4()),
            "case_reference": "",
            "version": 1,
        }
    )

    await ears.allocated(stranger, acceptance=5)

    assert await desk.value("select reason from parked") == "not_found"


async def test_a_worker_sees_his_men_and_loses_them_28_days_after_the_close(desk, ears):
    case = await steps.accepted(desk, await steps.a_programme(desk))
    with pytest.raises(NotFound):
        await status(desk, case, EW1)

    await ears.allocated(case)
    await ears.opened(case)
    assert await status(desk, case, EW1) == "CONVERTED"

    await ears.hear(case, told.EngagementClosed(outcome_group="COMPLETED", acceptance=case.acceptance))
    await desk.wind(days=28)
    assert await status(desk, case, EW1) == "CONVERTED"
    await desk.wind(days=1)
    with pytest.raises(NotFound):
        await status(desk, case, EW1)


async def test_another_worker_takes_over_and_a_cover_sees_him_on_his_days(desk, ears):
    case = await steps.accepted(desk, await steps.a_programme(desk))
    await ears.allocated(case)
    day = await steps.today(desk)

    await ears.hear(
        case,
        told.WorkerReallocated(
            worker_ref="staff-ew-2", role="EW", previous_worker_ref="staff-ew-1", acceptance=case.acceptance
        ),
    )
    with pytest.raises(NotFound):
        await status(desk, case, EW1)
    await ears.hear(
        case,
        told.WorkerCoverSet(
            worker_ref="staff-ew-1",
            role="EW",
            starts_on=(day + timedelta(days=3)).isoformat(),
            ends_on=(day + timedelta(days=5)).isoformat(),
            acceptance=case.acceptance,
        ),
    )

    seen = []
    for _ in range(8):
        try:
            await status(desk, case, EW1)
            seen.append(True)
        except NotFound:
            seen.append(False)
        await desk.wind(days=1)
    assert seen == [False, False, False, True, True, True, False, False]


async def test_open_work_is_a_duplicate_until_it_closes(desk, ears):
    crn = steps.a_crn()
    first = await steps.accepted(desk, await steps.a_programme(desk), crn=crn)
    await ears.allocated(first)
    await ears.opened(first)

    second = await steps.submitted(desk, PP2, crn=crn)
    await ears.hear(first, told.EngagementClosed(outcome_group="COMPLETED", acceptance=first.acceptance))
    await steps.withdraw(desk, second)
    third = await steps.submitted(desk, PP2, crn=crn)

    flags = await desk.rows("select id, possible_duplicate from referral")
    assert {row.id: row.possible_duplicate for row in flags}[second.referral_id]
    assert not {row.id: row.possible_duplicate for row in flags}[third.referral_id]
