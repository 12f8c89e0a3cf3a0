"""Offers of tests: plausible by default, one argument to differ."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from hypothesis import strategies as st

from partners.domain.codes import BOROUGHS, Aspect, Condition, Gender
from partners.domain.directory import Candidate, Origin
from partners.domain.offer import Capacity, Offer, Room, Status
from partners.domain.terms import LONGEST_DAYS, LONGEST_LICENCE, MOST_PLACES, OLDEST, Terms

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
CAMDEN, ISLINGTON, HACKNEY = "E09000007", "E09000019", "E09000012"
NODES = ("north-london-nhs", "women-in-prison")


def terms(**given: Any) -> Terms:
    """Supported flats for men."""
    fitting = {"name": "Supported housing", "aspects": (Aspect.SUPPORTED_HOUSING,), "genders": (Gender.MALE,)}
    return Terms(**(fitting | given))


def room(capacity: Capacity = Capacity.HAS_CAPACITY, as_at: datetime = AT, **given: Any) -> Room:
    """There is room now."""
    return Room(capacity=capacity, as_at=as_at, **given)


def a_draft(**given: Any) -> Offer:
    """An offer nobody has been told of."""
    offer = Offer.draft(uuid4(), org_id="sig-penrose", terms=terms(**given), at=AT)
    return kept(offer)


def an_offer(**given: Any) -> Offer:
    """A published one."""
    return kept(a_draft(**given).publish(terms=None, room=room(), to=NODES, at=AT))


def kept(offer: Offer) -> Offer:
    """As it is read back: its news told."""
    from dataclasses import replace

    return replace(offer, version=offer.version + len(offer.news), news=())


def a_candidate(**given: Any) -> Candidate:
    """An offer as the directory knows it; members of its terms may be given by name."""
    own = {name: given.pop(name) for name in list(given) if name in Candidate.__dataclass_fields__}
    fitting: dict[str, Any] = {
        "id": uuid4(), "origin": Origin.OURS, "source": "", "org_id": "sig-penrose", "standing_id": "sig-penrose",
        "organisation": "SIG Penrose", "status": Status.PUBLISHED, "room": room(), "last_heard_at": None, "version": 1,
    }  # fmt: skip
    return Candidate(**(fitting | {"terms": terms(**given)} | own))


def _codes(kind: Any) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.sets(st.sampled_from(sorted(kind)), max_size=3).map(lambda found: tuple(sorted(found)))


_TEXT = st.text(st.characters(exclude_categories=("Cc", "Cf", "Cs", "Co", "Cn")), max_size=40)
_LINE = _TEXT.map(lambda text: " ".join(text.split()))


@st.composite
def any_terms(draw: st.DrawFn) -> Terms:
    """Any terms that are sound, tidied."""
    ages = sorted(draw(st.lists(st.integers(0, OLDEST), min_size=2, max_size=2)))
    least, most = (draw(st.sampled_from((None, age))) for age in ages)
    found = Terms(
        name=draw(_LINE.filter(bool)),
        aspects=draw(_codes(Aspect).filter(bool)),
        summary=draw(_TEXT),
        areas=draw(_codes(BOROUGHS)),
        area_note=draw(
            _LINE.filter(lambda text: text.casefold() not in {name.casefold() for name in BOROUGHS.values()})
        ),
        minimum_age=least,
        maximum_age=most,
        genders=draw(_codes(Gender)),
        minimum_licence_months=draw(st.none() | st.integers(0, LONGEST_LICENCE)),
        conditions=draw(_codes(Condition)),
        eligibility_note=draw(_TEXT),
        places=draw(st.none() | st.integers(0, MOST_PLACES)),
        length_months=draw(st.none() | st.integers(0, LONGEST_LICENCE)),
        panel_days=draw(st.none() | st.integers(0, LONGEST_DAYS)),
        url=draw(st.sampled_from(("", "https://example.org/flats"))),
        email=draw(st.sampled_from(("", "flats@example.org"))),
        phone=draw(st.sampled_from(("", "020 7946 0177"))),
    )
    return found.tidied()


def any_room() -> st.SearchStrategy[Room]:
    """Any word about room."""
    return st.builds(
        Room,
        capacity=st.sampled_from(Capacity),
        as_at=st.integers(0, 10**9).map(lambda seconds: AT - timedelta(microseconds=seconds)),
        wait_days=st.none() | st.integers(0, LONGEST_DAYS),
    )


def any_id() -> st.SearchStrategy[UUID]:
    """Any id."""
    return st.uuids(version=4)
