"""Sharing agreements between two houses: proposed, signed by each guardian, resting, over; the same in both."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from chassis.access import Role
from chassis.aggregate import Conflict, Denied, Fault, Invalid, NotFound, Unmet
from chassis.calendar import local_date
from chassis.deadlines import DeadlineLoop
from partners.commands import agreements as commands
from partners.commands import organisations
from partners.domain.agreement.codes import LawfulBasis
from partners.domain.organisation import Sector
from partners.queries import agreements as queries
from tests.partners.agreements import a_party, probation, standing, terms
from tests.partners.houses import House, in_force, sign, status
from tests.partners.people import asks

if TYPE_CHECKING:
    from collections.abc import Callable

Houses = tuple[House, House]
TRUST = "north-london-nhs"


async def proposed(house: House, **given: Any) -> UUID:
    made = await house.do(commands.draft_isa, house.manager, terms=terms(**given))
    return UUID(str(made["isa_id"]))


async def version(house: House, isa_id: UUID) -> int:
    (held,) = await house.rows("select version from sharing_agreement where id = $1", isa_id)
    return int(held["version"])


async def acts(house: House, command: Any, isa_id: UUID, *, by: Any = None) -> Any:
    given = {"isa_id": isa_id, "expected": await version(house, isa_id)}
    return await house.do(command, by or house.guardian, **given)


async def facts(house: House) -> list[str]:
    found = await house.rows(
        "select fact_type from journal where aggregate_type = 'isa' and fact is not null order by position"
    )
    return [row["fact_type"] for row in found]


async def messages(house: House, topic: str) -> list[str]:
    from chassis.envelope import from_headers, unpack_headers

    found = await house.rows(
        "select headers from journal where topic = $1 and aggregate_type = 'isa' order by position", topic
    )
    return [from_headers(unpack_headers(row["headers"])).type.rpartition(".")[2] for row in found]


async def test_both_houses_hold_the_same_terms_and_the_last_signature_brings_it_into_force(two_houses: Houses) -> None:
    one, other = two_houses
    isa_id = await proposed(one)
    await other.hears_from(one)
    hashes = [(await house.rows("select terms_hash, terms from sharing_agreement"))[0] for house in two_houses]
    assert hashes[0] == hashes[1]

    await sign(one, isa_id, one.guardian)
    await other.hears_from(one)
    assert [await status(house, isa_id) for house in two_houses] == ["IN_REVIEW", "IN_REVIEW"]
    await sign(other, isa_id, other.guardian)
    await one.hears_from(other)

    assert [await status(house, isa_id) for house in two_houses] == ["ACTIVE", "ACTIVE"]
    assert await messages(one, "together.partners.v1") == ["IsaActivated"]
    assert await messages(one, f"share.{TRUST}.in.v1") == ["SharedIsaProposed", "SharedIsaSigned"]
    assert await messages(other, f"{TRUST}.partners.v1") == ["IsaActivated"]
    assert await messages(other, "share.together.in.v1") == ["SharedIsaSigned"]
    assert await facts(other) == ["Received", "Signed", "Signed", "Activated"]
    assert await version(other, isa_id) == 4


async def test_other_terms_under_the_same_id_are_refused_and_wait_for_a_person(two_houses: Houses) -> None:
    one, other = two_houses
    isa_id = await proposed(one)
    await other.hears_from(one)
    await one.rows("delete from pending")
    async with one.works.database.connection() as conn:
        await conn.execute("delete from sharing_agreement")
    async with one.works.batch() as work:
        from partners.domain.agreement.aggregate import SharingAgreement

        changed = SharingAgreement.draft(isa_id, terms(retention_days=9), node="together", told=(TRUST,), at=work.now)
        await work.agreements.put(changed)
        await work.flush()

    await other.hears_from(one)

    assert [row["reason"] for row in await other.rows("select reason from parked")] == ["terms_differ"]
    assert (await other.rows("select terms->>'retention_days' as days from sharing_agreement"))[0]["days"] == "365"


async def test_the_same_proposal_twice_is_one(two_houses: Houses) -> None:
    one, other = two_houses
    await proposed(one)
    await other.hears_from(one)
    other.heard_up_to.clear()

    await other.hears_from(one)

    assert await other.count("sharing_agreement") == 1
    assert await other.count("parked") == 0


@pytest.mark.parametrize(("command", "stands"), [(commands.suspend_isa, "SUSPENDED"), (commands.end_isa, "ENDED")])
async def test_what_one_guardian_stops_stops_in_both_houses(two_houses: Houses, command: Any, stands: str) -> None:
    one, other = two_houses
    isa_id = await in_force(one, other)

    await acts(other, command, isa_id)
    await one.hears_from(other)

    assert [await status(house, isa_id) for house in two_houses] == [stands, stands]


async def test_it_goes_on_once_the_guardian_of_each_party_says_so(two_houses: Houses) -> None:
    one, other = two_houses
    isa_id = await in_force(one, other)
    await acts(one, commands.suspend_isa, isa_id)
    await other.hears_from(one)

    await acts(one, commands.resume_isa, isa_id)
    await other.hears_from(one)
    assert await status(other, isa_id) == "SUSPENDED"
    await acts(other, commands.resume_isa, isa_id)
    await one.hears_from(other)

    assert [await status(house, isa_id) for house in two_houses] == ["ACTIVE", "ACTIVE"]


async def test_a_party_without_a_house_signs_as_a_guest_of_the_house_that_drafted_it(two_houses: Houses) -> None:
    one, other = two_houses
    for house in two_houses:
        given = {
            "org_id": "probation",
            "name": "Probation",
            "sector": Sector.PROBATION,
            "effective_on": date(2020, 4, 1),
        }
        await house.do(organisations.register_organisation, house.manager, **given)
    of = terms(parties=(a_party("together"), a_party(TRUST), probation()), recipients=("together", TRUST, "probation"))

    isa_id = await in_force(one, other, of=of, guests=("probation",))

    assert [await status(house, isa_id) for house in two_houses] == ["ACTIVE", "ACTIVE"]
    with pytest.raises(Unmet, match="acts_in_another_house"):
        await acts(other, commands.end_isa, isa_id, by=other.staff(Role.IG, "probation"))


async def test_who_has_a_house_signs_there_and_nowhere_else(two_houses: Houses) -> None:
    one, _ = two_houses
    isa_id = await proposed(one)

    with pytest.raises(Unmet, match="acts_in_another_house"):
        await sign(one, isa_id, one.staff(Role.IG, TRUST))
    with pytest.raises(Unmet, match="not_a_party"):
        await sign(one, isa_id, one.staff(Role.IG, "sig-penrose"))


async def test_a_house_speaks_for_its_own_organisation_alone(two_houses: Houses) -> None:
    one, other = two_houses
    isa_id = await proposed(one)
    await other.hears_from(one)
    (held,) = await one.rows("select terms_hash from sharing_agreement")

    with pytest.raises(Unmet, match="not_the_party"):
        await one.by_itself(
            commands.hear_signed, isa_id, "together",
            terms_hash=held["terms_hash"], node=TRUST, at=await one.now(),
        )  # fmt: skip
    with pytest.raises(Unmet, match="not_the_party"):
        await other.by_itself(commands.hear_ended, isa_id, TRUST, "together", await other.now())
    with pytest.raises(Unmet, match="isa_unknown"):
        await other.by_itself(commands.hear_ended, uuid4(), "together", "together", await other.now())


async def test_an_agreement_with_which_neither_has_to_do_is_not_taken(two_houses: Houses) -> None:
    _, other = two_houses
    foreign = terms("sig-penrose")

    with pytest.raises(Unmet, match="not_a_party"):
        await other.by_itself(commands.hear_proposed, uuid4(), foreign, foreign.digest, "together")


async def test_who_drafts_is_a_party_and_knows_the_others(two_houses: Houses) -> None:
    one, _ = two_houses
    unknown = terms("sig-penrose")
    foreign = replace(terms("sig-penrose"), parties=(a_party(TRUST), a_party("sig-penrose")), recipients=(TRUST,))

    with pytest.raises(Invalid) as refused:
        await one.do(commands.draft_isa, one.manager, terms=unknown)
    assert refused.value.fields == (Fault("parties.1.org_id", "UNKNOWN_CODE"),)
    with pytest.raises(Unmet, match="not_a_party"):
        await one.do(commands.draft_isa, one.manager, terms=foreign)


@pytest.mark.parametrize(
    ("sector", "party", "path"),
    [
        (Sector.VOLUNTARY, probation, "parties.1.regime"),
        (
            Sector.PROBATION,
            lambda: a_party("probation", lawful_basis=LawfulBasis.RECOGNISED_LEGITIMATE_INTEREST),
            "parties.1.lawful_basis",
        ),
    ],
)
async def test_each_party_has_the_basis_an_organisation_of_its_kind_may_have(
    two_houses: Houses, sector: Sector, party: Callable[[], Any], path: str
) -> None:
    one, _ = two_houses
    given = {"org_id": "probation", "name": "Probation", "sector": sector, "effective_on": date(2020, 4, 1)}
    await one.do(organisations.register_organisation, one.manager, **given)
    of = terms(parties=(a_party("together"), party()), recipients=("together", "probation"))

    with pytest.raises(Invalid) as refused:
        await one.do(commands.draft_isa, one.manager, terms=of)

    assert Fault(path, "CONFLICTS_WITH(sector)") in refused.value.fields


async def test_only_guardians_sign_and_every_refusal_is_one_entry(two_houses: Houses) -> None:
    one, _ = two_houses
    isa_id = await proposed(one)

    with pytest.raises(Denied):
        await sign(one, isa_id, one.manager)
    with pytest.raises(Denied):
        await one.do(commands.draft_isa, one.staff(Role.EW), terms=terms())
    with pytest.raises(Conflict):
        await one.do(commands.end_isa, one.guardian, isa_id=isa_id, expected=7)

    refused = await one.rows("select outcome from audit where action like 'isa.%' and outcome <> 'done' order by at")
    assert [row["outcome"] for row in refused] == [
        "refused:not_permitted", "refused:not_permitted", "refused:version_conflict",
    ]  # fmt: skip
    assert await facts(one) == ["Proposed"]


async def test_it_warns_four_weeks_before_its_end_and_expires_in_each_house_by_itself(two_houses: Houses) -> None:
    one, other = two_houses
    last = local_date(await one.now()) + timedelta(days=40)
    soon = {"valid_from": last - timedelta(days=60), "valid_to": last, "review_on": last - timedelta(days=20)}
    isa_id = await in_force(one, other, of=terms(**soon))

    async def later(**ahead: float) -> list[str]:
        for house in two_houses:
            await house.wind(**ahead)
            while await DeadlineLoop(house.works).fire():
                pass
        return [await status(house, isa_id) for house in two_houses]

    assert await later(days=11) == ["ACTIVE", "ACTIVE"]
    assert await later(days=2) == ["EXPIRING", "EXPIRING"]
    assert await later(days=27) == ["EXPIRING", "EXPIRING"]
    assert await later(days=2) == ["EXPIRED", "EXPIRED"]
    assert await messages(one, "together.partners.v1") == ["IsaActivated", "IsaExpiring", "IsaExpired"]


async def test_each_party_reads_its_own_agreements_and_no_others(two_houses: Houses) -> None:
    one, other = two_houses
    given = {"org_id": "probation", "name": "Probation", "sector": Sector.PROBATION, "effective_on": date(2020, 4, 1)}
    await one.do(organisations.register_organisation, one.manager, **given)
    with_probation = UUID(str((await one.do(commands.draft_isa, one.manager, terms=standing()))["isa_id"]))
    with_trust = await in_force(one, other)
    guest = asks(one.staff(Role.IG, "probation"))

    async def listed(call: Any, *states: str) -> list[UUID]:
        return [held.id for held in await one.works.ask(queries.list_isas, call, states=states)]

    assert await listed(asks(one.manager)) == [with_trust, with_probation]
    assert await listed(guest) == [with_probation]
    assert (await one.works.ask(queries.get_isa, guest, isa_id=with_probation)).terms == standing().canonical()
    with pytest.raises(NotFound):
        await one.works.ask(queries.get_isa, guest, isa_id=with_trust)


async def test_no_word_of_a_person_is_in_what_is_told_of_an_agreement(two_houses: Houses) -> None:
    one, other = two_houses
    await in_force(one, other)

    assert (
        await one.count("journal where aggregate_type = 'isa' and (person_id is not null or case_id is not null)") == 0
    )
