"""Redirect: the person agrees, the offer is open, and what became of it comes back."""

from uuid import UUID, uuid4

import pytest

from chassis.aggregate import Denied, NotFound, Unmet
from referral import commands, queries
from referral.domain.codes import EndReason
from tests.referral import steps
from tests.referral.conftest import EW1, PP1, SM1
from throughcare.partners.v1 import events_pb2 as partners

MIGRATIONS = "referral.migrations"
OFFER = "0195569a-0000-7000-8000-0000000000f1"
NOTE = "She asked for a service for women."


async def published(ears, offer=OFFER):
    await ears.hear(None, partners.OfferPublished(offer_id=offer, org_id="women-in-prison"), about=offer)


async def redirecting(desk, case, actor=SM1, *, offer=OFFER):
    case.version = await desk.do(
        commands.redirect_referral,
        actor,
        referral_id=case.referral_id,
        reason=EndReason.COHORT,
        note=NOTE,
        offer_id=UUID(offer),
        agreed_on=await steps.today(desk),
        expected=case.version,
    )


async def seen(desk, case, actor=SM1):
    return await desk.ask(queries.get_referral, actor, referral_id=case.referral_id, case_reference="")


async def step(ears, case, message, handoff_id, **given):
    await ears.hear(case, message(handoff_id=handoff_id, side="SENDER", partner="women-in-prison", **given))


async def test_a_woman_who_agreed_is_redirected_and_triage_has_kept_its_promise(desk, ears):
    await steps.a_programme(desk)
    await published(ears)
    case = await steps.in_triage(desk)
    start = await desk.position()

    await redirecting(desk, case)

    found = await seen(desk, case)
    assert (found["status"], found["redirected_to"], found["onward_state"]) == ("REDIRECTED", OFFER, "")
    assert await desk.told(start) == ["Redirected"]
    assert await desk.value("select kept_at is not null from promises where code = 'L2'")


async def test_what_is_told_names_the_offer_and_nothing_of_the_person(desk, ears):
    await steps.a_programme(desk)
    await published(ears)
    case = await steps.in_triage(desk)

    await redirecting(desk, case)

    wire = await desk.value("select message from journal where fact_type = 'Redirected'")
    from throughcare.referral.v1.events_pb2 import ReferralRedirected

    said = ReferralRedirected.FromString(wire)
    assert said == ReferralRedirected(reason_group="ELIGIBILITY", by_party="SERVICE", offer_id=OFFER)
    assert NOTE.encode() not in await desk.value("select fact from journal where fact_type = 'Redirected'")


@pytest.mark.parametrize(
    ("heard", "reason"),
    [([], "offer_unknown"), ([partners.OfferPaused], "offer_closed"), ([partners.OfferRetired], "offer_closed")],
    ids=["never heard of", "paused", "retired"],
)
async def test_an_offer_that_takes_nobody_is_refused_and_the_referral_stays_in_triage(desk, ears, heard, reason):
    await steps.a_programme(desk)
    if heard:
        await published(ears)
    for message in heard:
        await ears.hear(None, message(offer_id=OFFER), about=OFFER)
    case = await steps.in_triage(desk)

    with pytest.raises(Unmet, match=reason):
        await redirecting(desk, case)

    assert (await seen(desk, case))["status"] == "IN_TRIAGE"


async def test_a_pause_that_has_ended_is_over(desk, ears):
    await steps.a_programme(desk)
    await published(ears)
    await ears.hear(None, partners.OfferPaused(offer_id=OFFER), about=OFFER)
    await published(ears)
    case = await steps.in_triage(desk)

    await redirecting(desk, case)

    assert (await seen(desk, case))["status"] == "REDIRECTED"


@pytest.mark.parametrize(("actor", "kind"), [(PP1, Denied), (EW1, (Denied, NotFound))], ids=["PP", "EW"])
async def test_only_triage_redirects(desk, ears, actor, kind):
    await steps.a_programme(desk)
    await published(ears)
    case = await steps.in_triage(desk)

    with pytest.raises(kind):
        await redirecting(desk, case, actor)


async def test_what_came_of_it_is_shown_with_the_referral(desk, ears):
    await steps.a_programme(desk)
    await published(ears)
    case = await steps.in_triage(desk)
    await redirecting(desk, case)
    onward, other = str(uuid4()), str(uuid4())

    states = []
    for message, handoff_id, given in [
        (partners.HandoffOffered, onward, {"origin": "REDIRECT", "kind": "REFERRAL_ON"}),
        (partners.HandoffReceived, onward, {}),
        (partners.HandoffOffered, other, {"origin": "WORK", "kind": "SHARED_CARE"}),
        (partners.HandoffDeclined, other, {}),
        (partners.HandoffAccepted, onward, {}),
        (partners.HandoffStarted, onward, {}),
    ]:
        await step(ears, case, message, handoff_id, **given)
        states.append((await seen(desk, case))["onward_state"])

    assert states == ["OFFERED", "RECEIVED", "RECEIVED", "RECEIVED", "ACCEPTED", "IN_PROGRESS"]


async def test_who_was_redirected_is_not_opened_again_here(desk, ears):
    await steps.a_programme(desk)
    await published(ears)
    case = await steps.in_triage(desk)
    await redirecting(desk, case)

    with pytest.raises(Unmet, match="invalid_transition"):
        await desk.do(commands.reopen_referral, SM1, referral_id=case.referral_id, note="again", expected=case.version)
