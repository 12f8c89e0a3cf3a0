"""Draft, published, paused, retired; and how long a word about room holds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chassis.aggregate import Fault, Invalid, Unmet
from partners.domain.offer import (
    Capacity,
    CapacityChanged,
    Changed,
    Discarded,
    Drafted,
    GrownStale,
    Offer,
    Paused,
    Published,
    Retired,
    Status,
)
from tests.partners.domain.offers import AT, NODES, a_draft, an_offer, kept, room, terms

LATER = AT + timedelta(days=2)


def test_a_draft_tells_nobody_outside() -> None:
    draft = Offer.draft(a_draft().id, org_id="sig-penrose", terms=terms(), at=AT)

    assert draft.status is Status.DRAFT
    assert [type(fact) for fact in draft.news] == [Drafted]


def test_it_is_published_as_it_then_stands_to_every_node() -> None:
    draft = a_draft()

    offer = draft.publish(terms=terms(name="Flats"), room=room(wait_days=14), to=NODES, at=AT)

    (fact,) = offer.news
    assert isinstance(fact, Published)
    assert fact.to == NODES
    assert (fact.standing.status, fact.standing.terms.name) == (Status.PUBLISHED, "Flats")
    assert fact.standing.version == kept(offer).version == 2
    assert (offer.status, offer.room) == (Status.PUBLISHED, room(wait_days=14))


def test_a_pause_ends_when_it_is_published_again_with_the_terms_it_had() -> None:
    paused = kept(an_offer().pause(to=NODES, at=AT))

    again = paused.publish(terms=None, room=room(as_at=LATER), to=NODES, at=LATER)

    assert paused.status is Status.PAUSED
    assert (again.status, again.terms, again.room) == (Status.PUBLISHED, paused.terms, room(as_at=LATER))


def test_room_is_said_anew_and_that_it_is_the_same_is_news_too() -> None:
    offer = an_offer()

    same = kept(offer.update_capacity(room(as_at=LATER), to=NODES, at=LATER))
    full = same.update_capacity(room(Capacity.NO_CAPACITY, LATER), to=NODES, at=LATER)

    assert same.version == offer.version + 1
    assert full.room == room(Capacity.NO_CAPACITY, LATER)
    assert [type(fact) for fact in full.news] == [CapacityChanged]


@pytest.mark.parametrize(
    ("as_at", "code"),
    [
        (AT + timedelta(seconds=1), "IN_FUTURE"),
        (AT - timedelta(days=28, seconds=1), "OUT_OF_RANGE"),
        (AT - timedelta(days=1), "BEFORE_START"),
    ],
)
def test_a_word_about_room_is_of_now_or_lately_and_not_older_than_the_last(as_at: object, code: str) -> None:
    offer = an_offer()

    with pytest.raises(Invalid) as refused:
        offer.update_capacity(room(as_at=as_at), to=NODES, at=AT)  # type: ignore[arg-type]

    assert refused.value.fields == (Fault("room.as_at", code),)


def test_a_wait_that_cannot_be_is_refused() -> None:
    with pytest.raises(Invalid) as refused:
        a_draft().publish(terms=None, room=room(wait_days=3661), to=NODES, at=AT)

    assert refused.value.fields == (Fault("room.wait_days", "OUT_OF_RANGE"),)


def test_after_thirty_days_without_a_word_it_is_stale_and_that_is_told_once() -> None:
    offer = an_offer()

    fresh = offer.grow_stale(at=AT + timedelta(days=30) - timedelta(seconds=1))
    stale = offer.grow_stale(at=AT + timedelta(days=30))
    again = kept(stale).grow_stale(at=AT + timedelta(days=31))

    assert fresh is offer
    assert [type(fact) for fact in stale.news] == [GrownStale]
    assert again.news == ()


def test_a_new_word_makes_it_fresh_and_it_may_grow_stale_again() -> None:
    at = AT + timedelta(days=40)
    stale = kept(an_offer().grow_stale(at=at))

    said = kept(stale.update_capacity(room(as_at=at), to=NODES, at=at))
    again = said.grow_stale(at=at + timedelta(days=30))

    assert (stale.stale, said.stale, again.stale) == (True, False, True)


def test_what_takes_nobody_does_not_grow_stale() -> None:
    paused = kept(an_offer().pause(to=NODES, at=AT))

    assert paused.grow_stale(at=AT + timedelta(days=99)) is paused


def test_it_is_retired_for_good_and_a_draft_ends_without_a_word() -> None:
    retired = an_offer().retire(to=NODES, at=AT)
    dropped = a_draft().retire(to=NODES, at=AT)

    assert [type(fact) for fact in retired.news] == [Retired]
    assert [type(fact) for fact in dropped.news] == [Discarded]
    for over in (kept(retired), kept(dropped)):
        with pytest.raises(Unmet, match="invalid_transition"):
            over.publish(terms=None, room=room(), to=NODES, at=AT)


def _pause(offer: Offer) -> Offer:
    return offer.pause(to=NODES, at=AT)


def _say(offer: Offer) -> Offer:
    return offer.update_capacity(room(), to=NODES, at=AT)


@pytest.mark.parametrize("change", [_pause, _say])
def test_only_what_is_on_offer_is_paused_or_has_room(change: Callable[[Offer], Offer]) -> None:
    for offer in (a_draft(), kept(an_offer().pause(to=NODES, at=AT)), kept(an_offer().retire(to=NODES, at=AT))):
        with pytest.raises(Unmet, match="invalid_transition"):
            change(offer)


class Offers(RuleBasedStateMachine):
    """Any history of one offer: what partners were last told is what it is."""

    @initialize()
    def begin(self) -> None:
        self.at = AT
        self.offer = a_draft()
        self.told: Changed | None = None

    def take(self, offer: Offer) -> None:
        """Keep what was told."""
        for fact in offer.news:
            if isinstance(fact, Changed):
                self.told = fact
        self.offer = kept(offer)

    @rule()
    def time_passes(self) -> None:
        self.at += timedelta(days=11)

    @precondition(lambda self: self.offer.status is not Status.RETIRED)
    @rule()
    def publish(self) -> None:
        self.take(self.offer.publish(terms=None, room=room(as_at=self.at), to=NODES, at=self.at))

    @precondition(lambda self: self.offer.status is Status.PUBLISHED)
    @rule()
    def pause(self) -> None:
        self.take(self.offer.pause(to=NODES, at=self.at))

    @precondition(lambda self: self.offer.status is Status.PUBLISHED)
    @rule()
    def say_full(self) -> None:
        self.take(self.offer.update_capacity(room(Capacity.NO_CAPACITY, self.at), to=NODES, at=self.at))

    @rule()
    def look_whether_it_is_stale(self) -> None:
        self.take(self.offer.grow_stale(at=self.at))

    @precondition(lambda self: self.offer.status is not Status.RETIRED)
    @rule()
    def retire(self) -> None:
        self.take(self.offer.retire(to=NODES, at=self.at))

    @invariant()
    def partners_know_it_as_it_is(self) -> None:
        if self.told is not None:
            standing = self.told.standing
            assert (standing.status, standing.room, standing.terms) == (
                self.offer.status,
                self.offer.room,
                self.offer.terms,
            )
            assert standing.version <= self.offer.version

    @invariant()
    def what_is_stale_is_old_and_on_offer_or_was(self) -> None:
        if self.offer.stale:
            assert self.offer.room is not None
            assert self.at >= self.offer.room.stale_at()


test_any_history_of_an_offer = Offers.TestCase


def test_paused_is_told_too() -> None:
    (fact,) = an_offer().pause(to=NODES, at=AT).news

    assert isinstance(fact, Paused)
    assert fact.standing.status is Status.PAUSED
