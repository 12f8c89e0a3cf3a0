"""When he takes it back, or a list changes, or an agreement rests: nothing more leaves, and every house says so."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from chassis.access import Role
from chassis.aggregate import Denied, Event, Unmet
from chassis.envelope import from_headers, unpack_headers
from chassis.journal import Publications, stub_pending
from chassis.shares import Basis, Share
from partners.commands import agreements, leaves, reach
from partners.commands.gate import judge
from partners.publications import PUBLICATIONS
from partners.queries import disclosures as queries
from tests.partners.houses import House, in_force
from tests.partners.people import asks
from throughcare.partners.v1 import events_pb2 as told
from throughcare.partners.v1 import shares_pb2 as shared
from throughcare.referral.v1 import events_pb2 as referral

if TYPE_CHECKING:
    from partners.commands.gate import Judged
    from partners.domain.holding import Holding

Houses = tuple[House, House]
TRUST, INBOX = "north-london-nhs", "share.north-london-nhs.in.v1"


@dataclass(frozen=True, kw_only=True)
class Said(Event):
    """Something was said to a node, on a basis."""

    to: str
    basis: Basis


def telling() -> Publications:
    """What the service tells, and what was said: a share that nobody hears, so that nothing follows from it."""
    found = Publications("partners")
    found._tells = dict(PUBLICATIONS._tells)

    @found.tells(Said)
    def said(fact: Said) -> Share:
        return Share(to=fact.to, message=shared.SharedStub(), basis=fact.basis)

    return found


async def ready(houses: Houses) -> tuple[House, House, UUID]:
    """A man of the first house of whom the second knows, because he agreed."""
    one, other = houses
    one.works.publications = telling()
    await in_force(one, other)
    person_id = await known(one, "APPOINTMENTS", "PLAN_GOALS")
    return one, other, person_id


async def known(one: House, *categories: str) -> UUID:
    person_id = uuid4()
    await one.a_case(person_id)
    await one.agrees(person_id, TRUST, *categories)
    await one.hears(await one.confirms())
    await shares(one, person_id)
    return person_id


async def shares(one: House, person_id: UUID, **given: Any) -> Judged:
    """Judged, and said to the other house."""
    async with one.works.batch() as work:
        judged = await judge(
            work, person_id=person_id, recipient=TRUST, categories=("APPOINTMENTS",), purpose="HANDOFF", **given
        )
        holding: Holding | None = await work.holdings.first(person_id=person_id)
        assert holding is not None
        await work.holdings.put(holding.telling(Said(to=TRUST, basis=judged.basis, at=work.now)))
        await work.flush()
    return judged


def an_order() -> Any:
    from chassis.access import Ground

    return Ground(basis="COURT_ORDER", reference="order-7")


async def waiting(one: House) -> list[tuple[str, bool]]:
    """What waits to leave for the other house, and whether as a stub."""
    found = await one.rows(
        "select headers, stub from pending join journal using (position) where topic = $1 order by position", INBOX
    )
    return [(from_headers(unpack_headers(row["headers"])).type.rpartition(".")[2], row["stub"]) for row in found]


async def sent(one: House) -> None:
    """All of it has left."""
    await one.rows("delete from pending")


async def test_once_he_took_it_back_what_waits_leaves_without_its_content(two_houses: Houses) -> None:
    one, _, person_id = await ready(two_houses)
    await sent(one)
    await shares(one, person_id)

    await one.withdraws(person_id, TRUST)

    assert await waiting(one) == [("SharedStub", True), ("SharedConsentWithdrawn", False)]
    (ended,) = await one.rows("select node_id, person_id, confidentiality_basis from share_ended")
    assert tuple(ended) == (TRUST, person_id, "AGREED")


async def test_what_rests_on_another_basis_and_what_is_about_others_leaves_as_it_was(two_houses: Houses) -> None:
    one, _, person_id = await ready(two_houses)
    await known(one, "APPOINTMENTS")
    await sent(one)
    await shares(one, person_id, basis=an_order())
    (other_person,) = await one.rows("select person_id from holding where person_id <> $1", person_id)
    await shares(one, other_person["person_id"])

    await one.withdraws(person_id, TRUST)

    assert [stub for _, stub in await waiting(one)] == [False, False, False]


async def test_he_agrees_to_less_and_what_he_no_longer_agrees_to_stops(two_houses: Houses) -> None:
    one, _, person_id = await ready(two_houses)
    await sent(one)
    await shares(one, person_id)

    await one.agrees(person_id, TRUST, "PLAN_GOALS", version=2)

    assert await waiting(one) == [("SharedStub", True), ("SharedConsentGranted", False)]


async def test_he_agrees_to_more_and_nothing_stops(two_houses: Houses) -> None:
    one, _, person_id = await ready(two_houses)
    await sent(one)
    await shares(one, person_id)

    await one.agrees(person_id, TRUST, "APPOINTMENTS", "PLAN_GOALS", "CRISIS_PLAN", version=2)

    assert await waiting(one) == [("SharedStub", False), ("SharedConsentGranted", False)]


@pytest.mark.parametrize("kind", [referral.ConsentDeclined, referral.ConsentExpired])
async def test_declined_and_run_out_are_as_taken_back(two_houses: Houses, kind: Any) -> None:
    one, _, person_id = await ready(two_houses)
    await sent(one)
    await shares(one, person_id)

    message = kind(purpose="SHARE", recipient=TRUST, scope_codes=["APPOINTMENTS"], version=2)
    await one.hears(await one.told(message, person_id, feed="consent"))

    assert await waiting(one) == [("SharedStub", True), ("SharedConsentWithdrawn", False)]


async def test_a_batch_that_is_on_its_way_is_waited_for(two_houses: Houses) -> None:
    one, _, person_id = await ready(two_houses)
    async with one.works.database.connection() as relay, one.works.database.connection() as gate:
        sending = relay.transaction()
        await sending.start()
        taken = await relay.fetch("delete from pending returning position")

        async def stub() -> int:
            async with gate.transaction():
                return await stub_pending(gate, INBOX, person_id)

        stubbing = asyncio.create_task(stub())
        await asyncio.sleep(0.3)
        assert taken
        assert not stubbing.done()
        await sending.rollback()

        assert await stubbing == 1


async def test_a_verdict_that_crosses_a_withdrawal_never_leaves_with_its_content(two_houses: Houses) -> None:
    one, _, _ = await ready(two_houses)
    for _ in range(15):
        person_id = await known(one, "APPOINTMENTS")
        await sent(one)

        async def crossing(person_id: UUID = person_id) -> bool:
            try:
                await shares(one, person_id)
            except Unmet:
                return False
            return True

        let_through, _ = await asyncio.gather(crossing(), one.withdraws(person_id, TRUST))

        left = [stub for kind, stub in await waiting(one) if kind == "SharedStub"]
        assert all(left)
        assert len(left) == let_through


async def test_another_purpose_stops_nothing_that_is_shared(two_houses: Houses) -> None:
    one, _, person_id = await ready(two_houses)
    await sent(one)
    await shares(one, person_id)

    message = referral.ConsentWithdrawn(purpose="PARTICIPATE", programme_id="p", version=2)
    await one.hears(await one.told(message, person_id, feed="consent"))

    assert await waiting(one) == [("SharedStub", False)]


async def test_a_node_that_does_not_know_of_him_is_told_nothing(two_houses: Houses) -> None:
    one, _, _ = await ready(two_houses)
    await sent(one)
    stranger = uuid4()
    await one.agrees(stranger, TRUST, "APPOINTMENTS")
    await one.withdraws(stranger, TRUST)
    await one.lists(stranger, "DENY", TRUST)

    assert await waiting(one) == []


async def test_the_other_house_applies_it_and_answers_and_this_one_tells_since_when(two_houses: Houses) -> None:
    one, other, person_id = await ready(two_houses)
    await other.hears_from(one)

    await one.withdraws(person_id, TRUST)
    assert (await other.hears_from(one))[-1:] == ["SharedConsentWithdrawn"]
    assert await one.hears_from(other) == ["SharedConsentApplied"]

    (row,) = await one.rows("select message from journal where fact_type = 'ConsentApplied'")
    applied = told.ConsentApplied.FromString(row["message"])
    assert (applied.node_id, applied.version) == (TRUST, 2)
    assert applied.applied_at.ToDatetime(tzinfo=UTC) <= await one.now()


async def _answers(other: House) -> list[Any]:
    return await other.rows("select 1 from journal where fact_type = 'ConsentHeard'")


async def test_heard_twice_it_is_answered_once(two_houses: Houses) -> None:
    one, other, person_id = await ready(two_houses)
    await one.withdraws(person_id, TRUST)
    await other.hears_from(one)
    ref = one.works.names.subject_ref(TRUST, person_id)

    await other.by_itself(leaves.hear_consent, "together", ref, version=1, categories=("APPOINTMENTS",), review_on=None)

    (leave,) = await other.rows("select consent_version, categories from leave")
    assert (leave["consent_version"], leave["categories"]) == (2, [])
    assert len(await _answers(other)) == 1


async def test_a_house_answers_for_those_it_was_told_of_and_for_nobody_else(two_houses: Houses) -> None:
    one, _, person_id = await ready(two_houses)
    ref, at = one.works.names.subject_ref(TRUST, person_id), await one.now()

    with pytest.raises(Unmet, match="never_told"):
        await one.by_itself(reach.hear_consent_applied, TRUST, "x" * 26, version=1, applied_at=at)
    with pytest.raises(Unmet, match="never_told"):
        await one.by_itself(reach.hear_consent_applied, TRUST, ref, version=9, applied_at=at)
    with pytest.raises(Unmet, match="never_told"):
        await one.by_itself(reach.hear_consent_applied, "women-in-prison", ref, version=1, applied_at=at)


async def test_the_lists_stop_everything_and_stay_where_they_are(two_houses: Houses) -> None:
    one, other, person_id = await ready(two_houses)
    await other.hears_from(one)
    await sent(one)
    await shares(one, person_id)
    await shares(one, person_id, basis=an_order())

    await one.lists(person_id, "DENY", TRUST, "staff-ew-1")

    assert await waiting(one) == [
        ("SharedStub", True),
        ("SharedStub", True),
        ("SharedAccessListChanged", False),
    ]
    (row,) = await one.rows("select message from journal where fact_type = 'ListTold'")
    assert shared.SharedAccessListChanged.FromString(row["message"]).excluded
    assert b"staff-ew-1" not in row["message"]
    await other.hears_from(one)
    await one.hears_from(other)
    (row,) = await one.rows("select message from journal where fact_type = 'ListApplied'")
    assert told.AccessListApplied.FromString(row["message"]).version == 1


async def test_a_list_that_does_not_name_the_other_house_stops_nothing(two_houses: Houses) -> None:
    one, _, person_id = await ready(two_houses)
    await sent(one)
    await shares(one, person_id)

    await one.lists(person_id, "DENY", "staff-ew-1")

    assert await waiting(one) == [("SharedStub", False), ("SharedAccessListChanged", False)]


@pytest.mark.parametrize("command", [agreements.suspend_isa, agreements.end_isa])
async def test_what_waits_under_an_agreement_that_stops_leaves_without_its_content(
    two_houses: Houses, command: Any
) -> None:
    one, _, person_id = await ready(two_houses)
    await sent(one)
    await shares(one, person_id)
    (isa,) = await one.rows("select id, version from sharing_agreement")

    await one.do(command, one.guardian, isa_id=isa["id"], expected=isa["version"])

    (said, isa_told) = await waiting(one)
    assert said == ("SharedStub", True)
    assert isa_told[1] is False
    assert [row["isa_id"] for row in await one.rows("select isa_id from share_ended")] == [isa["id"]]


async def test_so_it_does_where_the_other_guardian_stopped_it(two_houses: Houses) -> None:
    one, other, person_id = await ready(two_houses)
    await other.hears_from(one)
    await sent(one)
    await shares(one, person_id)
    (isa,) = await other.rows("select id, version from sharing_agreement")
    await other.do(agreements.suspend_isa, other.guardian, isa_id=isa["id"], expected=isa["version"])

    await one.hears_from(other)

    assert await waiting(one) == [("SharedStub", True)]


# What a partner lets us know of a man of his.


async def asks_for(other: House, ref: str, category: str = "APPOINTMENTS", basis: str = "AGREED") -> str:
    """Whether detail may be asked for; the code of the refusal, or nothing."""
    try:
        await other.by_itself(leaves.may_ask, "together", ref, basis=basis, categories=[category])
    except Unmet as no:
        return no.reason
    return ""


async def test_detail_may_be_asked_for_while_his_house_is_heard_and_he_agrees(two_houses: Houses) -> None:
    one, other, person_id = await ready(two_houses)
    ref = one.works.names.subject_ref(TRUST, person_id)
    assert await asks_for(other, ref) == "feed_stale"

    await one.by_itself(reach.give_word)
    await other.hears_from(one)
    assert await asks_for(other, ref) == ""
    await other.wind(minutes=16)
    assert await asks_for(other, ref) == "feed_stale"


async def test_a_change_that_has_not_arrived_closes_the_door_on_this_side_too(two_houses: Houses) -> None:
    one, other, person_id = await ready(two_houses)
    ref = one.works.names.subject_ref(TRUST, person_id)
    await one.by_itself(reach.give_word)
    await other.hears_from(one)

    await one.agrees(person_id, TRUST, "APPOINTMENTS", version=2)
    await one.by_itself(reach.give_word)
    last = (await one.rows("select max(position) from journal where topic = $1", INBOX))[0][0]
    other.heard_up_to["together"] = last - 1  # the word arrives, what it speaks of does not
    await other.hears_from(one)
    assert await asks_for(other, ref) == "feed_stale"

    other.heard_up_to.clear()
    await other.hears_from(one)
    assert await asks_for(other, ref) == ""


async def test_after_he_took_it_back_only_another_basis_opens_the_door(two_houses: Houses) -> None:
    one, other, person_id = await ready(two_houses)
    ref = one.works.names.subject_ref(TRUST, person_id)
    await one.withdraws(person_id, TRUST)
    await one.by_itself(reach.give_word)
    await other.hears_from(one)

    assert await asks_for(other, ref) == "consent_missing"
    assert await asks_for(other, ref, basis="COURT_ORDER") == ""
    await one.agrees(person_id, TRUST, "PLAN_GOALS", version=3)
    await one.by_itself(reach.give_word)
    await other.hears_from(one)
    assert await asks_for(other, ref, "PLAN_GOALS") == ""
    assert await asks_for(other, ref, "APPOINTMENTS") == "consent_missing"


async def test_whoever_is_excluded_asks_for_nothing_on_whatever_basis(two_houses: Houses) -> None:
    one, other, person_id = await ready(two_houses)
    ref = one.works.names.subject_ref(TRUST, person_id)
    await one.lists(person_id, "ALLOW", "staff-ew-1")
    await one.by_itself(reach.give_word)
    await other.hears_from(one)

    assert await asks_for(other, ref, basis="COURT_ORDER") == "listed"


# How far it reaches.


async def reached(one: House, case_id: UUID, actor: Any = None) -> queries.Reach:
    found: queries.Reach = await one.works.ask(queries.get_consent_reach, asks(actor or one.manager), case_id=case_id)
    return found


async def test_it_is_in_force_everywhere_once_every_node_that_holds_him_has_answered(two_houses: Houses) -> None:
    one, other, person_id = await ready(two_houses)
    await other.hears_from(one)
    (case,) = await one.rows("select case_id from case_known where person_id = $1", person_id)
    (before,) = (await reached(one, case["case_id"])).answers
    assert (before.state, before.nodes, before.everywhere_since) == ("GRANTED", (), before.since)

    await one.withdraws(person_id, TRUST)
    (told_only,) = (await reached(one, case["case_id"])).answers
    await other.hears_from(one)
    await one.hears_from(other)
    (there,) = (await reached(one, case["case_id"])).answers

    assert (told_only.state, told_only.everywhere_since) == ("WITHDRAWN", None)
    assert [(node.node_id, node.told_version, node.applied_version) for node in there.nodes] == [(TRUST, 2, 2)]
    assert there.everywhere_since == there.nodes[0].applied_at


async def test_a_node_that_is_not_heard_is_shown_as_failing_closed(two_houses: Houses) -> None:
    from partners.commands import nodes

    one, _, person_id = await ready(two_houses)
    await one.withdraws(person_id, TRUST)
    (case,) = await one.rows("select case_id from case_known where person_id = $1", person_id)
    assert [node.fails_closed for node in (await reached(one, case["case_id"])).answers[0].nodes] == [True]

    await one.by_itself(nodes.hear_node, node_id=TRUST, schema_versions=("throughcare.partners.v1",))
    assert [node.fails_closed for node in (await reached(one, case["case_id"])).answers[0].nodes] == [False]
    await one.wind(minutes=16)
    assert [node.fails_closed for node in (await reached(one, case["case_id"])).answers[0].nodes] == [True]


async def test_probation_does_not_read_it(two_houses: Houses) -> None:
    one, _, person_id = await ready(two_houses)
    (case,) = await one.rows("select case_id from case_known where person_id = $1", person_id)

    with pytest.raises(Denied):
        await reached(one, case["case_id"], one.staff(Role.PP, "probation"))
