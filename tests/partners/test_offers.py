"""Offers as the service keeps them: told to every node, refused twice, stale once; and those of partners."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from chassis import projection
from chassis.access import Actor, Role
from chassis.aggregate import Conflict, Denied, Exists, Fault, Invalid, NotFound, Unmet
from chassis.database import wind
from chassis.deadlines import DeadlineLoop
from chassis.envelope import Envelope
from chassis.hearing import Heard
from partners.commands import nodes, organisations
from partners.commands import offers as commands
from partners.domain.codes import Aspect, Condition, Gender
from partners.domain.directory import Candidate, Origin
from partners.domain.offer import Capacity, Status
from partners.domain.terms import Terms
from partners.queries import offers as queries
from partners.subscriptions.offers import offer_heard
from tests.partners.domain.offers import terms
from tests.partners.node_cards import OPERATOR, SECOND, a_node, organisation, register
from tests.partners.people import MANAGER, PRACTITIONER, asks
from throughcare.partners.v1 import events_pb2 as told
from throughcare.partners.v1 import shares_pb2 as shared

if TYPE_CHECKING:
    from chassis.work import Works

MIGRATIONS = "partners.migrations"
ADMINISTRATOR = Actor(id="staff-pa-1", role=Role.PA, organisation="together")
FLATS = Actor(id="pw-flats-1", role=Role.PW, organisation="sig-penrose")
NOW = commands.Said(capacity=Capacity.HAS_CAPACITY)
FULL = commands.Said(capacity=Capacity.NO_CAPACITY, wait_days=90)


async def rows(works: Works[Any], sql: str, *given: object) -> list[Any]:
    async with works.database.connection() as conn:
        return await conn.fetch(sql, *given)


async def publish(
    works: Works[Any], *, actor: Actor = MANAGER, org_id: str = "sig-penrose", said: commands.Said = NOW, **given: Any
) -> UUID:
    """A new offer of an organisation that is registered."""
    answer = await works.do(
        commands.publish_offer,
        asks(actor),
        offer_id=None,
        org_id=org_id,
        terms=terms(**given),
        room=said,
        expected=None,
    )
    return UUID(answer["offer_id"])


async def again(
    works: Works[Any], offer_id: UUID, *, expected: int | None = None, new: Terms | None = None, actor: Actor = MANAGER
) -> int:
    answer = await works.do(
        commands.publish_offer, asks(actor), offer_id=offer_id, org_id="", terms=new, room=NOW, expected=expected
    )
    return int(answer["version"])


async def pause(works: Works[Any], offer_id: UUID, *, expected: int | None = None, actor: Actor = MANAGER) -> int:
    answer: int = await works.do(commands.pause_offer, asks(actor), offer_id=offer_id, expected=expected)
    return answer


async def seen(works: Works[Any], offer_id: UUID) -> Candidate:
    found, _ = await works.ask(queries.get_offer, asks(PRACTITIONER), offer_id=offer_id)
    assert isinstance(found, Candidate)
    return found


async def ahead(works: Works[Any], **given: float) -> None:
    async with works.database.connection() as conn:
        await wind(conn, timedelta(**given))


@pytest.fixture
async def penrose(works: Works[Any]) -> Works[Any]:
    """Penrose is registered, and a node of Women in Prison."""
    await organisation(works, "sig-penrose")
    await a_node(works)
    return works


# Telling.


async def test_a_published_offer_is_told_in_the_house_and_to_every_node_without_its_words(penrose: Works[Any]) -> None:
    await register_second(penrose)

    offer_id = await publish(penrose, name="Canary-7731", summary="Canary-7731", minimum_licence_months=12)

    lines = await rows(
        penrose, "select topic, key, message from journal where fact_type = 'Published' order by position"
    )
    assert [(row["topic"], row["key"]) for row in lines] == [
        ("together.partners.v1", str(offer_id)),
        ("share.sig-penrose.in.v1", str(offer_id)),
        ("share.women-in-prison.in.v1", str(offer_id)),
    ]
    assert all(b"Canary" not in row["message"] for row in lines)
    share = shared.SharedOffer.FromString(lines[1]["message"])
    assert (share.org_id, share.state, share.version) == ("sig-penrose", "PUBLISHED", 1)
    assert (list(share.aspect_codes), list(share.genders)) == (["SUPPORTED_HOUSING"], ["MALE"])
    assert (share.minimum_licence_months, share.capacity) == (12, "HAS_CAPACITY")


async def register_second(works: Works[Any]) -> None:
    await register(works, "sig-penrose", public_key=SECOND)


async def test_every_change_is_shared_as_the_offer_then_stands(penrose: Works[Any]) -> None:
    offer_id = await publish(penrose)
    await penrose.do(commands.update_capacity, asks(MANAGER), offer_id=offer_id, room=FULL, expected=1)
    await pause(penrose, offer_id, expected=2)
    await again(penrose, offer_id, expected=3, new=terms(name="Flats", aspects=(Aspect.SUPPORTED_HOUSING,), places=12))
    await penrose.do(commands.retire_offer, asks(MANAGER), offer_id=offer_id, expected=4)

    inbox = await rows(
        penrose, "select message from journal where topic = 'share.women-in-prison.in.v1' order by sequence"
    )
    said = [shared.SharedOffer.FromString(row["message"]) for row in inbox]
    assert [(each.state, each.capacity, each.wait_days, each.places, each.version) for each in said] == [
        ("PUBLISHED", "HAS_CAPACITY", 0, 0, 1),
        ("PUBLISHED", "NO_CAPACITY", 90, 0, 2),
        ("PAUSED", "NO_CAPACITY", 90, 0, 3),
        ("PUBLISHED", "HAS_CAPACITY", 0, 12, 4),
        ("RETIRED", "HAS_CAPACITY", 0, 12, 5),
    ]


async def test_a_node_that_has_retired_hears_nothing_and_one_that_rests_loses_nothing(penrose: Works[Any]) -> None:
    await register_second(penrose)
    await penrose.do(nodes.suspend_node, asks(OPERATOR), node_id="women-in-prison", expected=1)
    await penrose.do(nodes.retire_node, asks(OPERATOR), node_id="sig-penrose", expected=1)

    await publish(penrose)

    waiting = await rows(
        penrose, "select topic, held from pending join journal using (position) where topic like 'share%'"
    )
    assert [(row["topic"], row["held"]) for row in waiting] == [("share.women-in-prison.in.v1", True)]


async def test_a_node_that_is_new_hears_what_stands(penrose: Works[Any]) -> None:
    kept = await publish(penrose)
    gone = await publish(penrose, aspects=(Aspect.ADVOCACY,))
    await penrose.do(commands.retire_offer, asks(MANAGER), offer_id=gone, expected=1)
    await draft(penrose, aspects=(Aspect.FAMILY,))

    async with penrose.batch() as work:
        await commands.announce_offers.inside(work, "oxleas-nhs")
        await work.flush()

    lines = await rows(penrose, "select topic, key, message from journal where fact_type = 'Announced'")
    assert [(row["topic"], row["key"]) for row in lines] == [("share.oxleas-nhs.in.v1", str(kept))]
    assert shared.SharedOffer.FromString(lines[0]["message"]).version == (await seen(penrose, kept)).version == 2


# Who may.


async def test_a_partner_offers_for_its_own_organisation_alone(penrose: Works[Any]) -> None:
    await organisation(penrose, "oxleas-nhs")
    own = await publish(penrose, actor=FLATS)
    other = await publish(penrose, org_id="oxleas-nhs", aspects=(Aspect.PSYCHOLOGY,))

    with pytest.raises(Denied):
        await publish(penrose, actor=FLATS, org_id="oxleas-nhs", aspects=(Aspect.FAMILY,))
    with pytest.raises(Denied):
        await pause(penrose, other, actor=FLATS)

    assert await pause(penrose, own, actor=FLATS) == 2
    assert (await seen(penrose, other)).status is Status.PUBLISHED


@pytest.mark.parametrize("actor", [MANAGER, ADMINISTRATOR])
async def test_managers_and_administrators_may(penrose: Works[Any], actor: Actor) -> None:
    assert await publish(penrose, actor=actor)


async def test_nobody_else_may(penrose: Works[Any]) -> None:
    with pytest.raises(Denied):
        await publish(penrose, actor=PRACTITIONER)

    assert await rows(penrose, "select 1 from offer") == []
    assert len(await rows(penrose, "select 1 from audit where outcome = 'refused:not_permitted'")) == 1


async def test_an_old_version_is_refused(penrose: Works[Any]) -> None:
    offer_id = await publish(penrose)
    await pause(penrose, offer_id, expected=1)

    with pytest.raises(Conflict):
        await again(penrose, offer_id, expected=1)


# Guards.


async def draft(works: Works[Any], **given: Any) -> UUID:
    answer = await works.do(commands.draft_offer, asks(MANAGER), org_id="sig-penrose", terms=terms(**given))
    return UUID(answer["offer_id"])


async def test_the_same_is_not_offered_twice_by_one_organisation(penrose: Works[Any]) -> None:
    offer_id = await publish(penrose)
    women = await publish(penrose, genders=(Gender.FEMALE,))

    with pytest.raises(Exists, match="offer_exists") as refused:
        await publish(penrose, genders=())
    with pytest.raises(Exists):
        await again(penrose, women, new=terms(genders=(Gender.MALE,)))

    assert refused.value.reference in {str(offer_id), str(women)}
    assert len(await rows(penrose, "select 1 from offer")) == 2


async def test_what_is_retired_or_a_draft_stands_in_nobodys_way(penrose: Works[Any]) -> None:
    first = await publish(penrose)
    await penrose.do(commands.retire_offer, asks(MANAGER), offer_id=first, expected=1)
    waiting = await draft(penrose)

    second = await publish(penrose)

    with pytest.raises(Exists):
        await again(penrose, waiting, expected=1)
    assert (await seen(penrose, second)).status is Status.PUBLISHED


async def test_two_that_are_published_at_once_leave_one(penrose: Works[Any]) -> None:
    answers = await asyncio.gather(*(publish(penrose) for _ in range(4)), return_exceptions=True)

    assert sum(isinstance(answer, UUID) for answer in answers) == 1
    assert all(isinstance(answer, Exists) for answer in answers if not isinstance(answer, UUID))


async def test_a_draft_is_published_later_and_until_then_nobody_hears_of_it(penrose: Works[Any]) -> None:
    offer_id = await draft(penrose)
    assert await rows(penrose, "select 1 from journal where topic is not null and aggregate_type = 'offer'") == []

    assert await again(penrose, offer_id, expected=1) == 2

    assert (await seen(penrose, offer_id)).status is Status.PUBLISHED


async def test_faults_come_at_once_and_an_unknown_organisation_is_one(penrose: Works[Any]) -> None:
    with pytest.raises(Invalid) as unknown:
        await publish(penrose, org_id="nobody")
    with pytest.raises(Invalid) as faulty:
        await publish(penrose, aspects=(), areas=("E09000099",))
    with pytest.raises(Invalid) as without:
        await penrose.do(
            commands.publish_offer, asks(MANAGER), offer_id=None, org_id="sig-penrose", terms=None, room=NOW,
            expected=None,
        )  # fmt: skip

    assert unknown.value.fields == (Fault("org_id", "UNKNOWN_CODE"),)
    assert faulty.value.fields == (Fault("aspect_codes", "REQUIRED"), Fault("area_codes.0", "UNKNOWN_CODE"))
    assert without.value.fields == (Fault("terms", "REQUIRED"),)


# Successors.


async def test_an_offer_of_a_merged_organisation_is_its_successors_when_it_is_read(works: Works[Any]) -> None:
    for org_id in ("camden-islington-nhs", "north-london-nhs"):
        await organisation(works, org_id)
    offer_id = await publish(works, org_id="camden-islington-nhs")
    await works.do(
        organisations.merge_organisation, asks(MANAGER), org_id="camden-islington-nhs",
        successor_id="north-london-nhs", effective_on=date(2024, 11, 1), expected=1,
    )  # fmt: skip

    offer = await seen(works, offer_id)
    listed, _ = await works.ask(queries.list_offers, asks(MANAGER), org_id="north-london-nhs")

    assert (offer.org_id, offer.standing_id, offer.organisation) == (
        "camden-islington-nhs", "north-london-nhs", "north-london-nhs",
    )  # fmt: skip
    assert [each.id for each in listed] == [offer_id]
    with pytest.raises(Exists):
        await publish(works, org_id="north-london-nhs")
    with pytest.raises(Unmet, match="organisation_not_active"):
        await publish(works, org_id="camden-islington-nhs", aspects=(Aspect.FAMILY,))
    worker = Actor(id="pw-north-1", role=Role.PW, organisation="north-london-nhs")
    assert await pause(works, offer_id, actor=worker) == 2


async def test_nothing_is_offered_for_an_organisation_that_has_closed(penrose: Works[Any]) -> None:
    offer_id = await publish(penrose)
    given = {"org_id": "sig-penrose", "effective_on": date(2024, 11, 1), "expected": 1}
    await penrose.do(organisations.close_organisation, asks(MANAGER), **given)

    for offering in (publish(penrose, aspects=(Aspect.FAMILY,)), again(penrose, offer_id)):
        with pytest.raises(Unmet, match="organisation_not_active"):
            await offering


# Freshness.


async def test_after_thirty_days_without_a_word_it_is_told_once_as_stale(penrose: Works[Any]) -> None:
    offer_id = await publish(penrose)

    await ahead(penrose, days=29)
    await due(penrose)
    fresh = await rows(penrose, "select 1 from journal where fact_type = 'GrownStale'")
    await ahead(penrose, days=2)
    await due(penrose)
    await due(penrose)

    (stale,) = await rows(penrose, "select message from journal where fact_type = 'GrownStale'")
    assert fresh == []
    assert told.OfferStale.FromString(stale["message"]).offer_id == str(offer_id)
    found, at = await penrose.ask(queries.get_offer, asks(MANAGER), offer_id=offer_id)
    assert found.stale(at)


async def test_a_new_word_begins_thirty_new_days(penrose: Works[Any]) -> None:
    offer_id = await publish(penrose)
    await ahead(penrose, days=20)
    await penrose.do(commands.update_capacity, asks(MANAGER), offer_id=offer_id, room=NOW, expected=1)

    await ahead(penrose, days=29)
    await due(penrose)
    early = await rows(penrose, "select 1 from journal where fact_type = 'GrownStale'")
    await ahead(penrose, days=2)
    await due(penrose)

    assert early == []
    assert len(await rows(penrose, "select 1 from journal where fact_type = 'GrownStale'")) == 1


async def test_nobody_is_asked_of_what_is_paused(penrose: Works[Any]) -> None:
    await pause(penrose, await publish(penrose))
    await ahead(penrose, days=99)

    assert not await due(penrose)


async def due(works: Works[Any]) -> bool:
    """Deal with whatever is due, as the service's loop does; returns whether anything was."""
    loop, any_was = DeadlineLoop(works), False
    while await loop.fire():
        any_was = True
    return any_was


async def test_a_decline_for_want_of_room_is_said_by_the_offer_too(penrose: Works[Any]) -> None:
    offer_id = await publish(penrose)

    for _ in range(2):
        async with penrose.batch() as work:
            await commands.say_full(work, offer_id)
            await commands.say_full(work, uuid4())
            await work.flush()

    offer = await seen(penrose, offer_id)
    assert offer.room is not None
    assert (offer.room.capacity, offer.version) == (Capacity.NO_CAPACITY, 2)


# Heard of others.


def heard(node: str = "women-in-prison", seq: int = 1, *, offer_id: UUID | None = None, **given: Any) -> Heard[Any]:
    """What a node said of an offer of its own."""
    at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    id = offer_id or uuid4()
    fitting = {
        "offer_id": str(id), "org_id": node, "state": "PUBLISHED", "aspect_codes": ["WOMENS_SERVICE"],
        "genders": ["FEMALE"], "capacity": "WAITLIST", "as_at": at, "wait_days": 14, "version": seq,
    }  # fmt: skip
    envelope = Envelope(
        event_id=uuid4(), type="throughcare.partners.v1.SharedOffer", schema_version=1, reach="SHARE",
        source_node=node, aggregate_type="offer", aggregate_id=id, stream_sequence=seq, aggregate_version=seq,
        person_id=None, case_id=None, occurred_at=at, recorded_at=at, actor_role="", actor_ref="",
        correlation_id=uuid4(), causation_id=None, traceparent="", sensitivity="STANDARD", detail_ref="",
    )  # fmt: skip
    return Heard(shared.SharedOffer(**(fitting | given)), envelope, "share.together.in.v1", f"{node}/{id}")


async def hear(works: Works[Any], *messages: Heard[Any]) -> None:
    async with works.database.transaction() as conn:
        await projection.write(conn, [row for message in messages for row in offer_heard(message)])


async def test_a_partners_offer_is_kept_as_it_was_said_with_when(penrose: Works[Any]) -> None:
    message = heard(condition_codes=["ON_LICENCE"], minimum_age=18)
    await hear(penrose, message)

    offer = await seen(penrose, message.envelope.aggregate_id)

    assert (offer.origin, offer.source, offer.org_id) == (Origin.PARTNER, "women-in-prison", "women-in-prison")
    assert (offer.terms.aspects, offer.terms.genders) == ((Aspect.WOMENS_SERVICE,), (Gender.FEMALE,))
    assert (offer.terms.conditions, offer.terms.minimum_age) == ((Condition.ON_LICENCE,), 18)
    assert offer.room is not None
    assert (offer.room.capacity, offer.room.wait_days) == (Capacity.WAITLIST, 14)
    assert offer.last_heard_at == message.envelope.recorded_at


async def test_an_older_word_never_covers_a_newer_one(penrose: Works[Any]) -> None:
    id = uuid4()
    newer = heard(seq=2, offer_id=id, state="RETIRED")

    await hear(penrose, newer)
    await hear(penrose, heard(seq=1, offer_id=id))

    assert (await seen(penrose, id)).status is Status.RETIRED


async def test_codes_of_a_later_version_are_kept_in_words(penrose: Works[Any]) -> None:
    message = heard(aspect_codes=["HORSES"], genders=["X"], capacity="SOON", state="RESTING", condition_codes=["NEW"])
    await hear(penrose, message)

    offer = await seen(penrose, message.envelope.aggregate_id)

    assert (offer.terms.aspects, offer.status, offer.room) == ((Aspect.OTHER,), Status.PAUSED, None)
    assert offer.terms.eligibility_note == "HORSES; X; NEW; SOON"


async def test_nobody_speaks_for_us_or_for_an_organisation_with_a_node_of_its_own(penrose: Works[Any]) -> None:
    await register_second(penrose)
    ours = await publish(penrose)
    forged = [heard(org_id="together"), heard(org_id="sig-penrose"), heard(offer_id=ours, org_id="women-in-prison")]
    fair = heard(org_id="oxleas-nhs")
    await hear(penrose, *forged, fair)

    for message in forged[:2]:
        with pytest.raises(NotFound):
            await seen(penrose, message.envelope.aggregate_id)
    assert (await seen(penrose, ours)).origin is Origin.OURS
    assert (await seen(penrose, fair.envelope.aggregate_id)).org_id == "oxleas-nhs"


def test_a_word_under_anothers_id_leaves_nothing() -> None:
    message = heard()
    crooked = Heard(shared.SharedOffer(offer_id=str(uuid4())), message.envelope, message.topic, message.key)

    assert list(offer_heard(crooked)) == []
    assert len(list(offer_heard(message))) == 1
