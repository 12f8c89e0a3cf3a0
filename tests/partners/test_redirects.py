"""A redirect becomes a handoff where an agreement lets it be known; offers of other houses are heard of in this one."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from chassis.aggregate import Unmet
from chassis.streams import retry
from partners.commands import offers
from partners.commands.nodes import hear_node
from partners.commands.offers_heard import hear_offer
from partners.domain.agreement.codes import Category
from partners.domain.offer import Capacity, Status
from partners.domain.offer_heard import Word
from tests.partners.agreements import terms as agreement
from tests.partners.domain.offers import terms
from tests.partners.handoff_houses import CANARY, TRUST, Pair, parked, told
from tests.partners.houses import in_force
from tests.partners.owners import Asked, handed_on
from throughcare.partners.v1 import events_pb2 as partners
from throughcare.referral.v1 import events_pb2 as referral

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.partners.houses import House

Houses = tuple["House", "House"]
TOPIC = "together.partners.v1"


@pytest.fixture
async def pair(two_houses: Houses) -> Pair:
    """An agreement is in force that lets be known how somebody is reached."""
    ours, theirs = two_houses
    agreed = agreement(categories=(Category.APPOINTMENTS, Category.CONTACT_DETAILS))
    isa_id = await in_force(ours, theirs, of=agreed)
    person_id = uuid4()
    case_id = await ours.a_case(person_id)
    await ours.hears(await ours.confirms())
    return Pair(ours, theirs, isa_id, person_id, case_id)


async def publish(house: House) -> UUID:
    given = {
        "offer_id": None,
        "org_id": house.node,
        "terms": terms(),
        "room": offers.Said(capacity=Capacity.HAS_CAPACITY),
    }
    answer = await house.do(offers.publish_offer, house.manager, **given, expected=None)
    return UUID(answer["offer_id"])


async def redirected(house: House, person_id: UUID, case_id: UUID, offer_id: UUID) -> None:
    message = referral.ReferralRedirected(reason_group="ELIGIBILITY", by_party="SERVICE", offer_id=str(offer_id))
    await house.hears(await house.told(message, person_id, case_id=case_id))


async def agreed_to(pair: Pair) -> UUID:
    """An offer of the other house, which may know how to reach him: he has agreed, and that is known to be current."""
    offer_id = await publish(pair.theirs)
    await pair.exchange()
    await pair.ours.agrees(pair.person_id, TRUST, "CONTACT_DETAILS")
    await pair.ours.hears(await pair.ours.confirms())
    return offer_id


async def held(house: House) -> list[tuple[str, str, str]]:
    rows = await house.rows("select kind, origin, status from handoff order by id")
    return [(row["kind"], row["origin"], row["status"]) for row in rows]


async def test_whoever_agreed_is_offered_there(pair: Pair) -> None:
    offer_id = await agreed_to(pair)

    await redirected(pair.ours, pair.person_id, pair.case_id, offer_id)
    await handed_on(pair.ours)
    await pair.exchange()

    assert await held(pair.ours) == await held(pair.theirs) == [("REFERRAL_ON", "REDIRECT", "RECEIVED")]
    (offered,) = await told(pair.ours, TOPIC, partners.HandoffOffered)
    assert (offered.origin, offered.side, offered.offer_id) == ("REDIRECT", "SENDER", str(offer_id))


async def test_without_an_agreement_it_stays_a_signpost(two_houses: Houses) -> None:
    ours, theirs = two_houses
    offer_id = await publish(theirs)
    await ours.hears_from(theirs)
    person_id = uuid4()
    case_id = await ours.a_case(person_id)
    await ours.hears(await ours.confirms())

    await redirected(ours, person_id, case_id, offer_id)

    assert await held(ours) == []
    assert await parked(ours) == []
    assert await ours.count("audit where outcome = 'ignored:isa_not_in_force'") == 1


async def waits(house: House) -> list[tuple[str, str]]:
    rows = await house.rows("select reason, sentence from parked order by nth")
    return [(row["reason"], row["sentence"]) for row in rows]


async def looked_again(house: House) -> None:
    """What is due among that which waits is tried again, as the inbox does it."""
    while await retry(house.ear, house.works, Journals()):
        pass


class Journals:
    """Nothing is missing from a stream in these tests."""

    async def read(self, topic: str, **where: Any) -> AsyncIterator[Any]:
        return
        yield


async def test_without_her_agreement_nothing_of_her_leaves_and_somebody_is_told_how_to_mend_it(pair: Pair) -> None:
    offer_id = await publish(pair.theirs)
    await pair.exchange()

    await redirected(pair.ours, pair.person_id, pair.case_id, offer_id)
    await pair.exchange()

    assert await held(pair.ours) == await held(pair.theirs) == []
    ((reason, sentence),) = await waits(pair.ours)
    assert reason == "consent_missing"
    assert "Record his agreement to share CONTACT_DETAILS" in sentence
    assert TRUST not in sentence


async def test_it_goes_on_by_itself_once_she_agrees(pair: Pair) -> None:
    offer_id = await publish(pair.theirs)
    await pair.exchange()
    await redirected(pair.ours, pair.person_id, pair.case_id, offer_id)
    await pair.wind(hours=2)
    for _ in range(6):  # every try of its own has failed: from now on it would wait for a person
        await looked_again(pair.ours)
        await pair.wind(hours=2)

    await pair.ours.agrees(pair.person_id, TRUST, "CONTACT_DETAILS")
    await looked_again(pair.ours)
    await handed_on(pair.ours)
    await pair.exchange()

    assert await waits(pair.ours) == []
    assert await held(pair.ours) == await held(pair.theirs) == [("REFERRAL_ON", "REDIRECT", "RECEIVED")]


async def test_what_may_be_read_of_her_is_kept_with_its_digest(pair: Pair) -> None:
    offer_id = await agreed_to(pair)
    owners = Asked()

    await redirected(pair.ours, pair.person_id, pair.case_id, offer_id)
    await handed_on(pair.ours, owners)
    await pair.exchange()

    read = json.dumps({"referral": {"preferred_name": CANARY}})
    digest = hashlib.sha256(read.encode()).hexdigest()
    assert owners.asked == [(pair.person_id, pair.case_id, ("CONTACT_DETAILS",))]
    assert [row["scope_hash"] for row in await pair.theirs.rows("select scope_hash from handoff")] == [digest]
    assert [row["scope_hash"] for row in await pair.ours.rows("select scope_hash from handoff")] == [digest]


async def test_while_her_details_cannot_be_read_it_waits(pair: Pair) -> None:
    offer_id = await agreed_to(pair)
    owners = Asked()
    owners.away = True

    await redirected(pair.ours, pair.person_id, pair.case_id, offer_id)
    await handed_on(pair.ours, owners)
    assert (await held(pair.ours), await pair.ours.count("disclosure")) == ([], 0)

    owners.away = False
    await handed_on(pair.ours, owners)
    assert await held(pair.ours) == []  # somebody may still be reading
    await pair.ours.wind(seconds=11)
    await handed_on(pair.ours, owners)
    await handed_on(pair.ours, owners)
    assert await held(pair.ours) == [("REFERRAL_ON", "REDIRECT", "OFFERED")]
    assert await pair.ours.count("redirect_kept") == 0


async def test_what_she_takes_back_meanwhile_is_not_handed_on(pair: Pair) -> None:
    offer_id = await agreed_to(pair)
    await redirected(pair.ours, pair.person_id, pair.case_id, offer_id)
    await pair.ours.withdraws(pair.person_id, TRUST)

    await handed_on(pair.ours)

    assert (await held(pair.ours), await pair.ours.count("redirect_kept")) == ([], 0)
    assert await pair.ours.count("audit where outcome = 'ignored:consent_missing'") == 1


async def test_while_it_cannot_be_judged_again_it_waits(pair: Pair) -> None:
    offer_id = await agreed_to(pair)
    await redirected(pair.ours, pair.person_id, pair.case_id, offer_id)
    await pair.ours.wind(minutes=30)  # nothing was confirmed since: what he agreed to is not known to be current

    await handed_on(pair.ours)
    assert (await held(pair.ours), await pair.ours.count("redirect_kept")) == ([], 1)

    await pair.ours.hears(await pair.ours.confirms())
    await pair.ours.wind(seconds=11)
    await handed_on(pair.ours)
    assert await held(pair.ours) == [("REFERRAL_ON", "REDIRECT", "OFFERED")]
    assert await pair.ours.count("redirect_kept") == 0


# Offers of other houses.


async def heard_of(house: House) -> list[tuple[str, ...]]:
    """What the house told its own services of offers."""
    found: list[tuple[str, ...]] = []
    for kind in (partners.OfferPublished, partners.OfferPaused, partners.OfferRetired):
        found += [(kind.DESCRIPTOR.name, message.offer_id) for message in await told(house, TOPIC, kind)]
    return found


async def test_this_house_hears_how_an_offer_of_another_stands(pair: Pair) -> None:
    offer_id = await publish(pair.theirs)
    await pair.exchange()
    (published,) = await told(pair.ours, TOPIC, partners.OfferPublished)
    await pair.theirs.do(offers.pause_offer, pair.theirs.manager, offer_id=offer_id, expected=None)
    await pair.exchange()
    await pair.theirs.do(offers.retire_offer, pair.theirs.manager, offer_id=offer_id, expected=None)
    await pair.exchange()

    assert (published.org_id, list(published.aspect_codes), published.capacity) == (
        TRUST,
        ["SUPPORTED_HOUSING"],
        "HAS_CAPACITY",
    )
    of = str(offer_id)
    assert await heard_of(pair.ours) == [("OfferPublished", of), ("OfferPaused", of), ("OfferRetired", of)]


ANNOUNCED = "select count(*) as n from journal where fact_type = 'Announced' and topic like 'share.%'"


async def test_a_house_announces_its_offers_to_another_and_never_to_itself(pair: Pair) -> None:
    await publish(pair.ours)

    await pair.ours.by_itself(offers.announce_offers, node_id=pair.ours.node)
    itself = (await pair.ours.rows(ANNOUNCED))[0]["n"]
    await pair.ours.by_itself(offers.announce_offers, node_id=TRUST)

    assert (itself, (await pair.ours.rows(ANNOUNCED))[0]["n"]) == (0, 1)


async def test_offers_are_told_again_once_the_other_house_says_that_it_knows_this_one(pair: Pair) -> None:
    """Whoever registered it first was not believed before."""
    await publish(pair.ours)
    says = {"node_id": TRUST, "schema_versions": ("throughcare.partners.v1",)}

    counts = []
    for known in ((), ("women-in-prison",), (pair.ours.node,), (pair.ours.node,), (), (pair.ours.node,)):
        await pair.ours.by_itself(hear_node, **says, known_nodes=known)
        counts.append((await pair.ours.rows(ANNOUNCED))[0]["n"])

    assert counts == [0, 0, 1, 1, 1, 2]


async def test_a_node_that_speaks_under_the_id_of_an_offer_of_ours_is_not_believed(pair: Pair) -> None:
    offer_id = await publish(pair.ours)
    before = await heard_of(pair.ours)
    word = Word(org_id=TRUST, status=Status.RETIRED, aspects=(), room=None)

    with pytest.raises(Unmet, match="offer_of_another"):
        await pair.ours.by_itself(hear_offer, source_node=TRUST, offer_id=offer_id, word=word)

    assert await heard_of(pair.ours) == before
