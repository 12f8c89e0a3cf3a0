"""A guest sees anything only while an agreement with his employer is in force, as it was heard."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from casework.commands.appointment import record_external_appointment
from casework.domain.aspect import Aspect
from casework.queries import list_external_appointments
from chassis.access import Actor, Purpose, Role
from chassis.envelope import Envelope, to_headers
from chassis.streams import recorded
from tests.casework.house import NODE, PRACTITIONER, WORKER, Case
from tests.casework.test_queries import practises, sees
from throughcare.partners.v1 import events_pb2 as partners
from throughcare.referral.v1 import events_pb2 as referral

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from tests.casework.house import House

ISA = UUID("0195b3f0-0000-7000-8000-000000000007")
POLICE = Actor(id=PRACTITIONER.id, role=Role.PP, organisation="police", purpose=Purpose.DELIVER_SUPPORT)


class Agreement:
    """What partners tells of one agreement."""

    def __init__(self, house: House) -> None:
        self.house, self.seq = house, 0

    async def tell(self, message: Message) -> None:
        self.seq += 1
        at = await self.house.now()
        envelope = Envelope(
            event_id=uuid4(), type=message.DESCRIPTOR.full_name, schema_version=1, reach="NODE", source_node=NODE,
            aggregate_type="isa", aggregate_id=ISA, stream_sequence=self.seq, aggregate_version=self.seq,
            person_id=None, case_id=None, occurred_at=at, recorded_at=at, actor_role="IG", actor_ref="x",
            correlation_id=uuid4(), causation_id=None, traceparent="", sensitivity="STANDARD", detail_ref="",
        )  # fmt: skip
        item = recorded(f"{NODE}.partners.v1", str(ISA), to_headers(envelope), message.SerializeToString())
        await self.house.hear(item)

    async def activated(self, **changes: Any) -> None:
        today = await self.house.today()
        given = {
            "parties": [NODE, "police"],
            "recipients": [NODE, "police"],
            "valid_from": (today - timedelta(days=1)).isoformat(),
            "valid_to": (today + timedelta(days=9)).isoformat(),
        }
        await self.tell(partners.IsaActivated(isa_id=str(ISA), **given | changes))


async def his_case(house: House) -> UUID:
    """A case whose practitioner's reference is the guest's."""
    case, id_ = await house.opened()
    await practises(house, case)
    return id_


async def test_the_practitioner_of_an_employer_without_an_agreement_sees_nothing(staffed: House) -> None:
    id_ = await his_case(staffed)

    assert await sees(staffed, PRACTITIONER, id_)
    assert not await sees(staffed, POLICE, id_)


async def test_he_sees_what_is_his_while_the_agreement_is_in_force(staffed: House) -> None:
    id_, agreement = await his_case(staffed), Agreement(staffed)

    await agreement.activated()
    assert await sees(staffed, POLICE, id_)
    for message, seen in (
        (partners.IsaSuspended(isa_id=str(ISA)), False),
        (partners.IsaResumed(isa_id=str(ISA)), True),
        (partners.IsaEnded(isa_id=str(ISA)), False),
    ):
        await agreement.tell(message)
        assert await sees(staffed, POLICE, id_) == seen


async def test_before_its_first_day_and_after_its_last_he_sees_nothing(staffed: House) -> None:
    id_, agreement = await his_case(staffed), Agreement(staffed)
    await agreement.activated(valid_from=(await staffed.today() + timedelta(days=2)).isoformat())
    assert not await sees(staffed, POLICE, id_)

    await staffed.wind(days=3)
    assert await sees(staffed, POLICE, id_)
    await staffed.wind(days=10)
    assert not await sees(staffed, POLICE, id_)


@pytest.mark.parametrize(
    "changes",
    [
        {"recipients": [NODE]},
        {"parties": ["north-london-nhs", "police"]},
        {"recipients": ["group:police"]},
        {"valid_to": date(2026, 1, 1).isoformat()},
    ],
    ids=lambda changes: next(iter(changes)),
)
async def test_an_agreement_that_does_not_let_this_house_tell_him_lets_him_see_nothing(
    staffed: House, changes: dict[str, Any]
) -> None:
    id_, agreement = await his_case(staffed), Agreement(staffed)

    await agreement.activated(**changes)

    assert not await sees(staffed, POLICE, id_)


async def test_an_agreement_widens_nobodys_caseload(staffed: House) -> None:
    id_, agreement = await his_case(staffed), Agreement(staffed)
    await agreement.activated()
    colleague = Actor(id="pp-another", role=Role.PP, organisation="police", purpose=Purpose.DELIVER_SUPPORT)

    assert not await sees(staffed, colleague, id_)


# Of a record he sees what his employer may know.

COVERS: dict[str, Any] = {
    "regimes": ["PART2", "PART3"],
    "lawful_bases": ["LEGITIMATE_INTERESTS", "LAW_ENFORCEMENT_TASK"],
    "purposes": ["DELIVER_SUPPORT"],
    "categories": ["APPOINTMENTS"],
    "standing_basis": "STATUTE",
    "standing_reference": "OMA_2007_S14",
    "standing_recipients": ["police"],
    "statutes": ["OMA_2007_S14"],
}


async def an_appointment(house: House) -> Case:
    """His worker has recorded one, and the guest's reference is his practitioner's."""
    case, id_ = await house.opened()
    await practises(house, case)
    starts_at = await house.now() + timedelta(days=3)
    given = {"org_id": "camden-gp", "aspect": Aspect.GP_REGISTRATION, "starts_at": starts_at}
    await house.do(
        record_external_appointment, WORKER, engagement_id=id_, ends_at=starts_at + timedelta(hours=1), **given
    )
    return case


async def coming(house: House, case: Case, actor: Actor = POLICE) -> int:
    return len(await house.ask(list_external_appointments, actor, case_id=case.case_id))


async def disclosures(house: House) -> list[tuple[str, str, str]]:
    rows = await house.rows(
        "select organisation, record, outcome from audit where action = 'disclosure.made' order by id"
    )
    return [tuple(row) for row in rows]


async def test_he_sees_appointments_where_the_agreement_covers_them_and_it_is_a_disclosure(staffed: House) -> None:
    case = await an_appointment(staffed)
    await Agreement(staffed).activated(**COVERS)

    assert await coming(staffed, case) == 1

    bases = "PART2/PART3/PUBLIC_TASK/STATUTE/OMA_2007_S14"
    assert await disclosures(staffed) == [("police", str(case.person_id), f"isa:{ISA} {bases} APPOINTMENTS")]


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"categories": ["PLAN_GOALS"]}, "category_not_agreed"),
        ({"purposes": ["HANDOFF"]}, "purpose_not_agreed"),
        ({"standing_recipients": []}, "consent_missing"),
        ({"regimes": []}, "isa_not_in_force"),
    ],
    ids=["category", "purpose", "basis", "terms"],
)
async def test_what_it_does_not_cover_he_does_not_see_and_that_he_saw_the_rest_is_written_down(
    staffed: House, changes: dict[str, Any], refusal: str
) -> None:
    case = await an_appointment(staffed)
    await Agreement(staffed).activated(**COVERS | changes)

    assert await coming(staffed, case) == 0

    assert await disclosures(staffed) == [("police", str(case.person_id), f"isa:{ISA} - {refusal}")]


async def test_without_a_standing_basis_he_sees_it_while_the_man_agrees(staffed: House) -> None:
    case = await an_appointment(staffed)
    await Agreement(staffed).activated(**COVERS | {"standing_recipients": [], "standing_basis": ""})
    about = {"purpose": "SHARE", "recipient": "police", "scope_codes": ["APPOINTMENTS"]}
    await staffed.tell(referral.ConsentGranted(**about, version=7, review_on="2099-01-01"), case)
    assert await coming(staffed, case) == 1

    await staffed.tell(referral.ConsentWithdrawn(**about, version=8), case)

    assert await coming(staffed, case) == 0


async def test_whoever_works_for_the_house_discloses_nothing_by_reading(staffed: House) -> None:
    case = await an_appointment(staffed)

    assert await coming(staffed, case, WORKER) == 1
    assert await disclosures(staffed) == []
