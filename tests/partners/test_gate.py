"""The gate: what may be known elsewhere is judged by what this house knows, and each verdict is a fact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from chassis import parking
from chassis.access import GateRefusal, Ground, Role
from chassis.aggregate import Denied, Unmet
from chassis.envelope import from_headers, unpack_headers
from chassis.work import command
from partners.commands import agreements
from partners.commands.gate import _SENTENCES, Judged, Question, judge, weigh
from partners.queries import disclosures as queries
from tests.partners.agreements import terms
from tests.partners.houses import House, with_a_distant
from tests.partners.people import asks
from throughcare.partners.v1 import events_pb2 as told
from throughcare.referral.v1 import events_pb2 as referral

MIGRATIONS = "partners.migrations"

if TYPE_CHECKING:
    from partners.storage import Work

TRUST = "north-london-nhs"
ORDER = Ground(basis="COURT_ORDER", reference="order-7")


@command("test.disclose", {role: frozenset() for role in (Role.EW, Role.SYSTEM)})
async def disclose(work: Work, **given: Any) -> str:
    """A command that needs a verdict."""
    judged = await judge(work, **given)
    return str(judged.disclosure_id)


def asked(person_id: UUID, *categories: str, **given: Any) -> dict[str, Any]:
    fitting = {"recipient": TRUST, "purpose": "HANDOFF"}
    return {"person_id": person_id, "categories": categories or ("APPOINTMENTS",), **fitting, **given}


async def ready(one: House) -> tuple[House, UUID]:
    """Someone is referred and has agreed, the agreement is in force, the feeds are confirmed."""
    await with_a_distant(one, TRUST)
    person_id = uuid4()
    await one.a_case(person_id)
    await one.agrees(person_id, TRUST, "APPOINTMENTS", "PLAN_GOALS")
    await one.hears(await one.confirms())
    return one, person_id


async def refused(house: House, **given: Any) -> str:
    """The condition that does not hold."""
    with pytest.raises(Unmet) as no:
        await house.by_itself(judge, **given)
    return no.value.reason


async def message(house: House, kind: Any) -> Any:
    (row,) = await house.rows("select message from journal where aggregate_type = 'disclosure'")
    return kind.FromString(row["message"])


async def test_what_he_agreed_to_may_be_known_and_the_verdict_is_a_fact(one_house: House) -> None:
    one, person_id = await ready(one_house)

    judged: Judged = await one.by_itself(judge, **asked(person_id, "APPOINTMENTS", "PLAN_GOALS", detail_ref="d" * 26))

    made = await message(one, told.DisclosureMade)
    (isa,) = await one.rows("select id from sharing_agreement")
    assert judged.isa_id == isa["id"]
    assert (made.isa_id, made.recipient, list(made.categories)) == (
        str(isa["id"]),
        TRUST,
        ["APPOINTMENTS", "PLAN_GOALS"],
    )
    assert (made.regime, made.recipient_regime, made.lawful_basis) == ("PART2", "PART2", "LEGITIMATE_INTERESTS")
    assert (made.confidentiality_basis, made.basis_reference) == ("AGREED", "")
    assert made.detail_ref == "d" * 26
    assert judged.basis.confidentiality_basis == "AGREED"


async def test_every_refusal_has_a_sentence() -> None:
    assert set(_SENTENCES) == {code.value for code in GateRefusal}


async def test_a_category_he_did_not_agree_to_refuses_all_of_them(one_house: House) -> None:
    one, person_id = await ready(one_house)

    assert await refused(one, **asked(person_id, "APPOINTMENTS", "RISK_SUMMARY")) == "category_not_agreed"
    assert await one.count("disclosure") == 0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"recipient": "sig-penrose"}, "isa_not_in_force"),
        ({"recipient": "together"}, "recipient_is_owner"),
        ({"purpose": "EVALUATION"}, "purpose_not_agreed"),
        ({"purpose": "CURIOSITY"}, "unknown_value"),
        ({"categories": ()}, "unknown_value"),
        ({"basis": Ground(basis="PUBLIC_INTEREST", reference="clause-1")}, "basis_not_admitted"),
        ({"basis": Ground(basis="COURT_ORDER")}, "basis_reference_missing"),
        ({"related": False}, "no_relationship"),
    ],
)
async def test_what_does_not_hold_is_named(one_house: House, changes: dict[str, Any], code: str) -> None:
    one, person_id = await ready(one_house)

    assert await refused(one, **(asked(person_id) | changes)) == code


async def test_another_recorded_basis_needs_no_agreement_of_his(one_house: House) -> None:
    one = one_house
    await with_a_distant(one, TRUST)
    person_id = uuid4()
    await one.a_case(person_id)
    await one.hears(await one.confirms())
    assert await refused(one, **asked(person_id)) == "consent_missing"

    judged = await one.by_itself(judge, **asked(person_id, basis=ORDER))

    assert (judged.lawful_basis, judged.confidentiality_basis, judged.reference) == (
        "LEGAL_OBLIGATION", "COURT_ORDER", "order-7",
    )  # fmt: skip


async def test_somebody_nobody_here_works_with_is_not_shared(one_house: House) -> None:
    one, person_id = await ready(one_house)
    stranger = uuid4()
    await one.agrees(stranger, TRUST, "APPOINTMENTS")
    await one.hears(await one.confirms())

    assert await refused(one, **asked(stranger)) == "no_relationship"
    assert await refused(one, **asked(stranger, related=False)) == "no_relationship"
    assert await one.by_itself(judge, **asked(stranger, related=True))
    assert await one.by_itself(judge, **asked(person_id))


async def test_a_case_that_has_ended_is_no_relationship_and_one_that_is_reopened_is(one_house: House) -> None:
    from throughcare.casework.v1 import events_pb2 as casework

    one, _ = await ready(one_house)
    person_id = uuid4()
    case_id = await one.a_case(person_id)
    await one.agrees(person_id, TRUST, "APPOINTMENTS")
    await one.hears(await one.confirms())

    async def hears(message: Any) -> None:
        await one.hears(await one.told(message, person_id, case_id=case_id))

    await hears(referral.ReferralWithdrawn())
    assert await refused(one, **asked(person_id)) == "no_relationship"
    await hears(referral.ReferralReopened())
    assert await one.by_itself(judge, **asked(person_id))
    await hears(casework.EngagementClosed())
    assert await refused(one, **asked(person_id)) == "no_relationship"


async def test_a_feed_that_is_not_confirmed_for_a_minute_closes_the_gate(one_house: House) -> None:
    one, person_id = await ready(one_house)
    await one.wind(seconds=58)
    assert await one.by_itself(judge, **asked(person_id))

    await one.wind(seconds=5)
    assert await refused(one, **asked(person_id)) == "feed_stale"
    await one.hears(await one.confirms())
    assert await one.by_itself(judge, **asked(person_id))


async def test_a_change_that_was_told_and_not_heard_closes_the_gate_for_all(one_house: House) -> None:
    one, person_id = await ready(one_house)
    granted = referral.ConsentGranted(purpose="SHARE", recipient=TRUST, scope_codes=["APPOINTMENTS"], version=1)
    missing = await one.told(granted, uuid4(), feed="consent")
    await one.agrees(uuid4(), TRUST, "APPOINTMENTS")  # the one after it, on another stream
    await one.hears(await one.confirms())
    await one.wind(seconds=55)
    assert await one.by_itself(judge, **asked(person_id))  # whole as of the confirmation before

    await one.wind(seconds=10)
    await one.hears(await one.confirms())
    assert await refused(one, **asked(person_id)) == "feed_stale"
    await one.hears(missing)
    assert await one.by_itself(judge, **asked(person_id))


async def test_numbers_that_come_in_any_order_are_whole_once_all_are_there(one_house: House) -> None:
    one, person_id = await ready(one_house)
    granted = referral.ConsentGranted(purpose="SHARE", recipient="oxleas", scope_codes=["APPOINTMENTS"], version=1)
    items = [await one.told(granted, uuid4(), feed="consent") for _ in range(5)]
    confirmed = await one.confirms()

    await one.hears(confirmed, items[4], items[2], items[0], items[3])
    await one.wind(seconds=65)
    assert await refused(one, **asked(person_id)) == "feed_stale"
    await one.hears(items[1], await one.confirms())

    assert await one.by_itself(judge, **asked(person_id))
    assert (await one.rows("select applied from feed where name = 'consent'"))[0]["applied"] == 6
    assert await one.count("feed_ahead") == 0


async def test_while_news_of_him_waits_nothing_counts_and_others_are_not_held(one_house: House) -> None:
    one, person_id = await ready(one_house)
    other = uuid4()
    await one.a_case(other)
    await one.agrees(other, TRUST, "APPOINTMENTS")
    poison = referral.ConsentGranted(purpose="SHARE", recipient=TRUST, scope_codes=["A"], version=2, review_on="soon")
    await one.hears(await one.told(poison, person_id, feed="consent"))
    await one.wind(seconds=65)
    await one.hears(await one.confirms())

    assert await refused(one, **asked(person_id)) == "person_held"
    assert await refused(one, **asked(person_id, basis=ORDER)) == "person_held"
    assert await one.by_itself(judge, **asked(other))
    async with one.works.database.connection() as conn:
        assert len(await parking.of(conn, one.ear.group, "together.referral.v1", str(person_id))) == 1


async def test_the_lists_bind_whatever_the_basis(one_house: House) -> None:
    one, person_id = await ready(one_house)
    await one.lists(person_id, "DENY", TRUST)
    await one.hears(await one.confirms())
    assert await refused(one, **asked(person_id, basis=ORDER)) == "listed"

    await one.lists(person_id, "DENY", version=2)
    await one.lists(person_id, "ALLOW", "sig-penrose", version=3)
    await one.hears(await one.confirms())
    assert await refused(one, **asked(person_id)) == "listed"


async def test_an_agreement_that_rests_or_is_over_permits_nothing(one_house: House) -> None:
    one, person_id = await ready(one_house)
    (isa,) = await one.rows("select id, version from sharing_agreement")

    await one.do(agreements.suspend_isa, one.guardian, isa_id=isa["id"], expected=isa["version"])

    assert await refused(one, **asked(person_id)) == "isa_not_in_force"


async def test_the_refusal_of_a_command_is_its_one_entry_and_nothing_else(one_house: House) -> None:
    one, person_id = await ready(one_house)

    with pytest.raises(Unmet, match="category_not_agreed"):
        await one.do(disclose, one.staff(Role.EW), **asked(person_id, "CRISIS_PLAN"))

    assert await one.count("disclosure") == 0
    assert await one.count("holding") == 0
    entries = await one.rows("select outcome from audit where action = 'test.disclose'")
    assert [entry["outcome"] for entry in entries] == ["refused:category_not_agreed"]


async def test_a_refusal_of_what_the_house_does_by_itself_is_a_fact(one_house: House) -> None:
    one, person_id = await ready(one_house)
    case_id = uuid4()
    question = Question(**asked(person_id, "RISK_SUMMARY", case_id=case_id))

    assert await one.by_itself(weigh, question) is None

    said = await message(one, told.DisclosureRefused)
    assert (said.recipient, list(said.categories), said.refusal_code) == (
        TRUST,
        ["RISK_SUMMARY"],
        "category_not_agreed",
    )
    (row,) = await one.rows("select headers from journal where aggregate_type = 'disclosure'")
    assert from_headers(unpack_headers(row["headers"])).case_id == case_id


async def test_the_recipients_node_holds_him_from_then_on_under_a_name_of_its_own(one_house: House) -> None:
    one, person_id = await ready(one_house)

    await one.by_itself(judge, **asked(person_id))
    await one.by_itself(judge, **asked(person_id))

    (held,) = await one.rows("select * from holding")
    assert (held["person_id"], held["node_id"], held["org_id"]) == (person_id, TRUST, TRUST)
    assert held["subject_ref"] == one.works.names.subject_ref(TRUST, person_id)


async def test_guardians_read_the_verdicts_and_a_guest_those_about_his_employer(one_house: House) -> None:
    one, person_id = await ready(one_house)
    await one.by_itself(judge, **asked(person_id))
    await one.by_itself(weigh, Question(**asked(person_id, "RISK_SUMMARY", recipient="sig-penrose")))

    async def seen(actor: Any, **given: Any) -> list[str]:
        found = await one.works.ask(queries.list_disclosures, asks(actor), **given)
        return [held.recipient for held in found]

    assert await seen(one.guardian) == ["sig-penrose", TRUST]
    assert await seen(one.guardian, person_id=uuid4()) == []
    assert await seen(one.staff(Role.IG, TRUST)) == [TRUST]
    assert await seen(one.staff(Role.IG, "probation")) == []
    with pytest.raises(Denied):
        await seen(one.staff(Role.EW))


async def test_a_man_who_is_hidden_from_a_guardian_is_hidden_in_the_verdicts_too(one_house: House) -> None:
    one, person_id = await ready(one_house)
    await one.by_itself(judge, **asked(person_id))

    await one.lists(person_id, "DENY", one.guardian.id)

    assert await one.works.ask(queries.list_disclosures, asks(one.guardian)) == ()


def test_terms_of_tests_admit_what_the_tests_ask() -> None:
    assert "COURT_ORDER" in terms().confidentiality_bases
