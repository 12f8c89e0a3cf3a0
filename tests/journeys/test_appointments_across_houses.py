"""When he is seen, between two houses: what his worker records is read by reference where he lets it, and his hours are
seen to clash in both pictures."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from chassis.access import Role
from tests.journeys.cast import MANAGER, WORKER, Journey
from tests.journeys.test_four_houses import (
    TOGETHER,
    TRUST,
    Handoff,
    ask,
    let_know,
    nothing_is_set_aside,
    offer,
    sign_everywhere,
    staff,
)
from tests.support.houses import ALL
from throughcare.partners.v1 import service_pb2

if TYPE_CHECKING:
    from datetime import datetime

    from tests.support.house import House
    from tests.support.houses import Houses, StartAll

pytestmark = [pytest.mark.wire, pytest.mark.timeout(300)]
GP = "camden-gp"


def stamp(at: datetime) -> Timestamp:
    made = Timestamp()
    made.FromDatetime(at)
    return made


async def picture(house: House) -> Any:
    """The one picture there is in a house."""
    found = await ask(house, staff(house, Role.SM), service_pb2.ListPicturesRequest(page_size=10))
    (seen,) = found.pictures
    return seen


async def the_work_begins(two: Houses, jay: Journey) -> tuple[Handoff, Any]:
    """He has a worker in one house; the other has taken him on and has begun, on what he agreed to."""
    await jay.programme_opens_in_camden()
    await jay.worker_is_cleared()
    await jay.practitioner_refers_him()
    await jay.manager_looks_at_it()
    await jay.he_agrees_to_take_part()
    await jay.manager_takes_him_on()
    await jay.manager_names_the_worker()
    await jay.worker_begins()
    agreed = await let_know(jay, two.of[TRUST].organisation)
    await two.until_quiet()
    handoff = await offer(two, jay, TRUST, "PSYCHOLOGY")
    await two.until_quiet()
    await handoff.there("AcceptHandoff", worker="staff-pw-north-london-nhs")
    await handoff.there("StartHandoffWork", first_contact_on=await jay.day())
    await two.until_quiet()
    return handoff, agreed


async def test_what_is_recorded_in_one_house_is_read_and_seen_to_clash_in_the_other(houses: StartAll) -> None:
    async with houses({TOGETHER: ALL, TRUST: ALL}) as two:
        jay = Journey(two[TOGETHER])
        await sign_everywhere(two, jay)
        handoff, agreed = await the_work_begins(two, jay)

        # His worker hears that he sees a doctor; the trust plans to see him at the same hour.
        async with two[TOGETHER].database("casework").connection() as conn:
            now: datetime = await conn.fetchval("select house_now()")
        at = now.replace(minute=0, second=0, microsecond=0) + timedelta(days=3)
        hour = {"starts_at": stamp(at), "ends_at": stamp(at + timedelta(hours=1))}
        made = await jay.ask(
            "RecordExternalAppointment", WORKER, of="casework", engagement_id=jay.engagement, org_id=GP,
            aspect="GP_REGISTRATION", **hour,
        )  # fmt: skip
        await handoff.there("PlanHandoffContact", aspect_code="PSYCHOLOGY", step_code="FIRST_MEETING", **hour)
        await two.until_quiet()

        # The trust reads by reference when he is seen and for what, and by whom he is not told.
        answer = await handoff.read()
        assert sorted(answer.categories) == ["APPOINTMENTS", "CONTACT_DETAILS"]
        (coming,) = answer.detail.appointments
        assert (coming.aspect_code, coming.starts_at) == ("GP_REGISTRATION", hour["starts_at"])
        assert GP not in str(answer)

        # Either house sees that two want him at one hour; the trust, nothing of whom or what for.
        here, there = await picture(two[TOGETHER]), await picture(two[TRUST])
        assert [sorted(each.org_ids) for each in here.clashes] == [[GP, "north-london-nhs"]]
        assert [sorted(each.org_ids) for each in there.clashes] == [["north-london-nhs", "together"]]
        (bare,) = [each for each in there.contacts if each.org_id == "together"]
        assert (bare.starts_at, bare.aspect_code, bare.step_code) == (hour["starts_at"], "", "")
        assert GP not in str(there)

        # It is off, and the clash is gone in both.
        off = {"appointment_id": made.appointment_id, "expected_version": made.version}
        await jay.ask("CancelExternalAppointment", WORKER, of="casework", **off)
        await two.until_quiet()
        assert [list((await picture(house)).clashes) for house in two.values()] == [[], []]
        assert list((await handoff.read()).detail.appointments) == []

        # He takes it back: nothing is read, and an hour recorded afterwards does not cross.
        taking = {"consent_id": agreed.consent_id, "expected_version": agreed.version}
        await jay.ask("WithdrawConsent", MANAGER, **taking)
        await two.until_quiet()
        await jay.ask(
            "RecordExternalAppointment", WORKER, of="casework", engagement_id=jay.engagement, org_id=GP,
            aspect="DEBT_ADVICE", **hour,
        )  # fmt: skip
        await two.until_quiet()
        assert [each for each in (await picture(two[TRUST])).contacts if each.org_id == "together"] == []
        await nothing_is_set_aside(two)
