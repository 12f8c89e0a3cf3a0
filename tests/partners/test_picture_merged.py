"""One picture of a man whose records turned out to be two, and two again once they are apart."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis import projection
from chassis.aggregate import NotFound
from partners.projections.picture import heard, queries
from partners.projections.picture.joined import man_of
from partners.projections.picture.registers import Register, Registers, fold
from partners.projections.picture.tables import rows
from partners.projections.picture.view import compose
from tests.partners.histories import PROGRAMME, TOGETHER
from tests.partners.people import MANAGER, WORKER, asks
from tests.partners.story import REFERENCES, Story

if TYPE_CHECKING:
    from chassis.work import Works
    from partners.projections.picture.shapes import Picture

MIGRATIONS = "partners.migrations"


def two() -> tuple[Story, Story]:
    """Two cases under two records."""
    old, into = Story(0, REFERENCES[0]).opened(), Story(1, REFERENCES[1]).opened()
    into.offered(1)
    return old, into


def join(into: Story, old: UUID, *, version: int = 3, holds: bool = True) -> None:
    into.of_person(heard.joined, old_id=old, into_id=into.person if holds else None, version=version)


async def hear(works: Works[Any], *stories: Story) -> None:
    async with works.database.transaction() as conn:
        told = [(told, registers) for story in stories for told, registers in story.facts]
        await projection.write(conn, [row for told, registers in told for row in rows(told, registers)])


async def picture_of(works: Works[Any], story: Story, actor: Any = MANAGER) -> Picture:
    picture, _ = await works.ask(queries.get_picture, asks(actor), case_id=story.case)
    return picture


async def test_handoffs_of_either_record_stand_in_the_pictures_of_both(works: Works[Any]) -> None:
    old, into = two()
    await hear(works, old, into)
    assert (await picture_of(works, old)).handoffs == ()

    join(into, old.person)
    await hear(works, into)

    shown = [(await picture_of(works, each)).handoffs or () for each in (old, into)]
    assert [each.handoff_id for each in shown[0]] == [each.handoff_id for each in shown[1]] != []
    join(into, old.person, version=4, holds=False)
    await hear(works, into)
    assert (await picture_of(works, old)).handoffs == ()


async def test_the_record_he_goes_on_by_says_whether_he_takes_part_and_evidence_counts_under_either(
    works: Works[Any],
) -> None:
    old, into = two()
    agreed = {"purpose": "PARTICIPATE", "programme_id": PROGRAMME, "review_on": "2027-03-02", "replaces": ""}
    old.of_person(heard.consent, agreed=True, **agreed)
    old.of_person(heard.screening, completed_on="2026-01-05", is_current=True)
    into.of_person(heard.consent, agreed=False, **agreed)
    join(into, old.person)
    await hear(works, old, into)

    for each in (old, into):
        picture = await picture_of(works, each)
        assert picture.taking_part is not None
        assert not picture.taking_part.agreed
        assert picture.screening is not None
        assert picture.screening.current


async def test_lists_of_either_record_hide_both(works: Works[Any]) -> None:
    old, into = two()
    old.of_person(heard.access_list, kind="DENY", entries=(WORKER.id,), version=1)
    await hear(works, old, into)
    assert await picture_of(works, into, WORKER)

    join(into, old.person)
    await hear(works, into)

    for each in (old, into):
        with pytest.raises(NotFound):
            await picture_of(works, each, WORKER)
        with pytest.raises(NotFound):
            await picture_of(works, Story(2), WORKER)


PEOPLE = [UUID(int=n + 1) for n in range(4)]
_FACTS = st.lists(st.tuples(st.sampled_from(PEOPLE), st.sampled_from([*PEOPLE, None])), max_size=8)


@given(_FACTS, st.randoms(use_true_random=False))
def test_whatever_the_order_and_the_repetition_the_same_records_are_one_man(
    told: list[tuple[UUID, UUID | None]], random: Any
) -> None:
    """Any facts of records that are joined and taken apart, each record's own in versions of its own."""
    told = [(old, into) for old, into in told if old != into]
    facts = [_fact(nth, old, into) for nth, (old, into) in enumerate(told)]
    shuffled = [*facts, *facts]
    random.shuffle(shuffled)

    held, again = fold([facts]), fold([[each] for each in shuffled])

    assert [man_of(held, each) for each in PEOPLE] == [man_of(again, each) for each in PEOPLE]
    for each in PEOPLE:
        man = man_of(held, each)
        assert all(man_of(held, other) == man for other in man.records)
        assert man.goes_by is None or man.goes_by in man.records


def _fact(nth: int, old: UUID, into: UUID | None) -> Register:
    story = Story()
    story.of_person(heard.joined, old_id=old, into_id=into, version=nth + 1)
    return next(iter(story.facts[0][1]))


def test_a_circle_that_is_heard_for_a_moment_takes_part_in_nothing() -> None:
    old, into = two()
    agreed = {"purpose": "PARTICIPATE", "programme_id": PROGRAMME, "review_on": "2027-03-02", "replaces": ""}
    for each in (old, into):
        each.of_person(heard.consent, agreed=True, **agreed)
    join(into, old.person)
    join(old, into.person)
    held: Registers = fold([registers for story in (old, into) for _, registers in story.facts])

    picture = compose(held, old.case, house=replace(TOGETHER), at=old.at)

    assert picture is not None
    assert picture.taking_part is None
