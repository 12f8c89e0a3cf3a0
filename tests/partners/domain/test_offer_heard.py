"""An offer of another house, as its node last said."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest

from chassis.aggregate import Unmet
from partners.domain.codes import Aspect
from partners.domain.offer import Status
from partners.domain.offer_heard import HeardPaused, HeardPublished, HeardRetired, OfferHeard, Word
from tests.partners.domain.offers import AT, room

WORD = Word(org_id="sig-penrose", status=Status.PUBLISHED, aspects=(Aspect.FAMILY,), room=room())


def an_offer_heard() -> OfferHeard:
    value = OfferHeard.first(uuid4(), "penrose-house", WORD, at=AT)
    return replace(value, version=1, news=())


def test_the_first_word_is_told_with_all_that_a_service_may_know() -> None:
    (fact,) = OfferHeard.first(uuid4(), "penrose-house", WORD, at=AT).news

    assert isinstance(fact, HeardPublished)
    assert (fact.org_id, fact.aspects, fact.room) == ("sig-penrose", (Aspect.FAMILY,), room())


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        (replace(WORD, status=Status.PAUSED), HeardPaused),
        (replace(WORD, status=Status.RETIRED), HeardRetired),
        (replace(WORD, aspects=(Aspect.GRANTS,)), HeardPublished),
        (replace(WORD, room=None), HeardPaused),
    ],
    ids=["paused", "retired", "another service", "room in words that are not known here"],
)
def test_each_change_is_told_as_what_it_is(word: Word, kind: type[object]) -> None:
    assert [type(fact) for fact in an_offer_heard().hear("penrose-house", word, at=AT).news] == [kind]


def test_what_says_nothing_new_tells_nothing() -> None:
    assert an_offer_heard().hear("penrose-house", WORD, at=AT).news == ()


def test_another_node_that_speaks_for_it_is_refused() -> None:
    with pytest.raises(Unmet, match="offer_of_another"):
        an_offer_heard().hear("another-house", replace(WORD, status=Status.RETIRED), at=AT)
