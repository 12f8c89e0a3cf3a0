"""Workers: every guard on both sides; what is refused leaves nothing but an audit entry."""

from datetime import timedelta

from casework.commands import worker
from casework.domain.term import Recorded
from casework.domain.worker import SuspendReason, TrainingTopic
from chassis.access import Actor, Role
from chassis.aggregate import Conflict, Denied, Exists, NotFound, Unmet
from tests.casework.giving import allocating, refused, register
from tests.casework.house import NODE


async def test_a_worker_is_registered_once(house):
    answer = await register(house)

    assert answer["version"] == 1
    await refused(house, register(house), Exists, "worker_exists")


async def test_probation_staff_are_no_workers(house):
    await refused(house, register(house, organisation="probation"), Unmet, "employed_by_probation")


async def test_a_worker_nobody_knows_is_not_found_and_an_old_version_conflicts(house):
    await register(house)

    def suspending(ref, expected):
        return house.do(worker.suspend_worker, worker_ref=ref, reason=SuspendReason.ABSENCE, expected=expected)

    await refused(house, suspending("staff-ew-8", 1), NotFound, "not_found")
    await refused(house, suspending("staff-ew-9", 7), Conflict, "version_conflict")
    assert await suspending("staff-ew-9", 1) == 2


async def test_a_worker_is_cleared_with_vetting_training_and_induction(house):
    await register(house)
    today = await house.today()

    def clearing(expected, **changes):
        given = {
            "vetting_valid_to": today + timedelta(days=30),
            "induction": Recorded(on=today, by="staff-sm-1"),
        }
        return house.do(worker.clear_worker, worker_ref="staff-ew-9", expected=expected, **given | changes)

    await refused(house, clearing(1), Unmet, "training_incomplete")
    await house.do(
        worker.record_training_complete,
        worker_ref="staff-ew-9",
        topics=tuple(TrainingTopic),
        completed_on=today,
        valid_to=today + timedelta(days=9),
        expected=1,
    )
    await refused(house, clearing(2, induction=None), Unmet, "induction_incomplete")
    assert await clearing(2) == {"valid_to": str(today + timedelta(days=9)), "version": 3}


async def test_only_service_managers_keep_workers(house):
    for role in set(Role) - {Role.SM}:
        actor = Actor(id="somebody", role=role, organisation=NODE)
        await refused(house, register(house, actor=actor), Denied, "not_permitted")


async def test_the_house_itself_has_no_command_of_a_person(staffed):
    house = staffed
    case = await house.accepted()

    await refused(
        house,
        allocating(house, case, actor=Actor(id=NODE, role=Role.SYSTEM, organisation=NODE)),
        Denied,
        "not_permitted",
    )
