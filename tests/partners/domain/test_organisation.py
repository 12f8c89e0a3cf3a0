"""Names by date, one successor, no way back."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.aggregate import Fault, Invalid, Refused, Unmet
from partners.domain.organisation import Closed, MergedInto, Organisation, Registered, Renamed, Sector, Status

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
BEGAN = date(2020, 4, 1)


def an_organisation(org_id: str = "camden-islington-nhs", **given: Any) -> Organisation:
    fitting = {"name": "Camden & Islington NHS FT", "sector": Sector.SECONDARY_CARE, "effective_on": BEGAN}
    return Organisation.register(uuid4(), org_id=org_id, at=AT, **(fitting | given))


def test_it_is_registered_under_its_first_name() -> None:
    organisation = an_organisation(name="  Together ")

    assert organisation.status is Status.ACTIVE
    assert organisation.name_on(BEGAN) == "Together"
    assert [type(fact) for fact in organisation.news] == [Registered]


@pytest.mark.parametrize("org_id", ["", "Together", "a", "-a", "a b", "a/../b", "ä-org", "a" * 64])
def test_an_id_of_another_shape_is_refused(org_id: str) -> None:
    with pytest.raises(Invalid) as refused:
        an_organisation(org_id)

    assert refused.value.fields == (Fault("org_id", "INVALID_FORMAT"),)


@pytest.mark.parametrize(
    ("name", "code"),
    [("  ", "REQUIRED"), ("x" * 201, "TOO_LONG"), ("a\u202eb", "INVALID_FORMAT"), ("a\nb", "INVALID_FORMAT")],
)
def test_a_name_that_is_none_is_refused_together_with_the_other_faults(name: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        an_organisation("Wrong Id", name=name)

    assert refused.value.fields == (Fault("org_id", "INVALID_FORMAT"), Fault("name", code))


def test_a_new_name_holds_from_its_day_and_history_keeps_the_old_one() -> None:
    penrose = an_organisation("sig-penrose", name="Penrose")

    renamed = penrose.rename("SIG Penrose", effective_on=date(2022, 1, 1), at=AT)

    assert renamed.name_on(date(2021, 12, 31)) == "Penrose"
    assert renamed.name_on(date(2022, 1, 1)) == "SIG Penrose"
    assert renamed.name_on(date(1999, 1, 1)) == "Penrose"
    assert type(renamed.news[-1]) is Renamed


def test_a_name_learnt_late_takes_its_place_between_the_others() -> None:
    one = an_organisation(name="First").rename("Third", effective_on=date(2024, 1, 1), at=AT)

    two = one.rename("Second", effective_on=date(2022, 1, 1), at=AT)

    assert [name.name for name in two.names] == ["First", "Second", "Third"]


def test_two_names_on_one_day_and_a_day_before_the_first_are_refused() -> None:
    with pytest.raises(Invalid) as clash:
        an_organisation().rename("Other", effective_on=BEGAN, at=AT)
    with pytest.raises(Invalid) as early:
        an_organisation().rename("Other", effective_on=date(2020, 3, 31), at=AT)

    assert clash.value.fields == (Fault("effective_on", "CONFLICTS_WITH(names)"),)
    assert early.value.fields == (Fault("effective_on", "BEFORE_START"),)


def test_after_a_merger_another_stands_for_it_from_that_day() -> None:
    merged = an_organisation().merge(an_organisation("north-london-nhs"), effective_on=date(2024, 11, 1), at=AT)

    assert merged.successor_on(date(2024, 10, 31)) is None
    assert merged.status_on(date(2024, 10, 31)) is Status.ACTIVE
    assert merged.successor_on(date(2024, 11, 1)) == "north-london-nhs"
    assert merged.status_on(date(2024, 11, 1)) is Status.MERGED_INTO
    assert type(merged.news[-1]) is MergedInto


def test_it_can_neither_follow_itself_nor_one_that_has_gone() -> None:
    gone = an_organisation("b-b").close(effective_on=BEGAN, at=AT)

    with pytest.raises(Invalid):
        an_organisation("a-a").merge(an_organisation("a-a"), effective_on=BEGAN, at=AT)
    with pytest.raises(Unmet, match="successor_not_active"):
        an_organisation("a-a").merge(gone, effective_on=BEGAN, at=AT)


def test_nobody_follows_before_he_is_there_himself() -> None:
    successor = an_organisation("north-london-nhs", effective_on=date(2024, 11, 1))

    with pytest.raises(Invalid) as refused:
        an_organisation().merge(successor, effective_on=date(2024, 10, 31), at=AT)

    assert refused.value.fields == (Fault("effective_on", "BEFORE_START"),)


def test_closed_nobody_stands_for_it() -> None:
    closed = an_organisation().close(effective_on=date(2023, 1, 1), at=AT)

    assert closed.status_on(date(2023, 1, 1)) is Status.CLOSED
    assert closed.successor_on(date(2023, 1, 1)) is None
    assert type(closed.news[-1]) is Closed


@pytest.mark.parametrize(
    "verb",
    [
        lambda o: o.rename("Other", effective_on=date(2025, 1, 1), at=AT),
        lambda o: o.merge(an_organisation("north-london-nhs"), effective_on=date(2025, 1, 1), at=AT),
        lambda o: o.close(effective_on=date(2025, 1, 1), at=AT),
    ],
)
@pytest.mark.parametrize("end", ["merge", "close"])
def test_what_has_ended_stays_as_it_is(verb: Any, end: str) -> None:
    organisation = an_organisation()
    ended = (
        organisation.merge(an_organisation("north-london-nhs"), effective_on=BEGAN, at=AT)
        if end == "merge"
        else organisation.close(effective_on=BEGAN, at=AT)
    )

    with pytest.raises(Unmet, match="invalid_transition"):
        verb(ended)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=12))
def test_however_they_merge_no_chain_of_successors_is_a_ring(mergers: list[tuple[int, int]]) -> None:
    held = {f"org-{n}": an_organisation(f"org-{n}") for n in range(5)}
    for one, other in mergers:
        try:
            held[f"org-{one}"] = held[f"org-{one}"].merge(held[f"org-{other}"], effective_on=BEGAN, at=AT)
        except Refused:
            continue

    for start in held:
        met, at = set(), start
        while (following := held[at].successor_id) is not None:
            assert at not in met
            met.add(at)
            at = following
        assert held[at].status is Status.ACTIVE
