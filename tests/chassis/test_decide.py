"""The gate's judgement: a truth table that people have read, and that less never permits more."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.access import (
    Agreement,
    Asked,
    Category,
    Confidentiality,
    Consent,
    GateRefusal,
    Ground,
    Known,
    LawfulBasis,
    Lists,
    Purpose,
    Regime,
    Rest,
    Statute,
    Terms,
    decide,
    newest,
)

TABLE = Path(__file__).with_name("decide.csv")
BASE = {
    "owner": "together",
    "recipient": "north-london-nhs",
    "staff": "",
    "category": "APPOINTMENTS",
    "purpose": "HANDOFF",
    "basis": "AGREED",
    "reference": "",
    "at": "2026-11-25T10:00Z",
    "recipients": "north-london-nhs group:camden",
    "purposes": "HANDOFF DELIVER_SUPPORT",
    "categories": "APPOINTMENTS PLAN_GOALS RISK_SUMMARY",
    "bases": "STATUTE COURT_ORDER",
    "statutes": "OMA_2007_S14",
    "standing_basis": "",
    "standing_recipients": "",
    "associates": "",
    "regime": "PART2",
    "lawful_basis": "LEGITIMATE_INTERESTS",
    "rests": "",
    "ended_at": "",
    "consent": "granted",
    "consent_recipient": "north-london-nhs",
    "consent_categories": "APPOINTMENTS PLAN_GOALS CRISIS_PLAN",
    "review_on": "2027-02-01",
    "allow": "",
    "deny": "",
    "related": "yes",
    "held": "no",
    "feed_age": "5",
    "sector": "SECONDARY_CARE",
}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def rest(text: str) -> Rest:
    since, until = text.split("/")
    return Rest(since=at(since), until=at(until) if until else None)


def question(row: dict[str, str]) -> tuple[Asked, Known]:
    """What a row of the table asks, and what is known."""
    terms = Terms(regime=row["regime"], lawful_basis=row["lawful_basis"])
    agreement = Agreement(
        isa_id="isa-1",
        parties={"together": terms, "north-london-nhs": terms},
        recipients=words(row["recipients"]),
        purposes=words(row["purposes"]),
        categories=words(row["categories"]),
        valid_from=date(2026, 1, 1),
        valid_to=date(2027, 3, 31),
        bases=words(row["bases"]),
        statutes=words(row["statutes"]),
        standing_basis=row["standing_basis"],
        standing_recipients=words(row["standing_recipients"]),
        associates=words(row["associates"]),
        rests=tuple(map(rest, row["rests"].split())),
        ended_at=at(row["ended_at"]) if row["ended_at"] else None,
    )
    answer = Consent(
        recipient=row["consent_recipient"],
        categories=words(row["consent_categories"]),
        version=1,
        granted=row["consent"] == "granted",
        review_on=date.fromisoformat(row["review_on"]) if row["review_on"] else None,
    )
    known = Known(
        agreements=(agreement,),
        consents={} if row["consent"] == "none" else {answer.recipient: answer},
        lists=Lists(allow=(words(row["allow"]),), deny=words(row["deny"])),
        related=row["related"] == "yes",
        held=row["held"] == "yes",
        feed_age=timedelta(seconds=int(row["feed_age"])) if row["feed_age"] else None,
        sector=row["sector"],
    )
    asked = Asked(
        owner=row["owner"],
        person_id=UUID(int=1),
        category=row["category"],
        purpose=row["purpose"],
        recipient=row["recipient"],
        at=at(row["at"]),
        ground=Ground(basis=row["basis"], reference=row["reference"]),
        staff=row["staff"],
    )
    return asked, known


def table() -> list[dict[str, str]]:
    return list(csv.DictReader(TABLE.read_text().splitlines()))


def changed(row: dict[str, str]) -> dict[str, str]:
    changes = [part.strip().split("=", 1) for part in row["changes"].split(";") if part.strip()]
    assert {name for name, _ in changes} <= set(BASE), row
    return BASE | dict(changes)


@pytest.mark.parametrize("row", table(), ids=lambda row: f"{row['condition']}: {row['changes'] or 'nothing'}")
def test_the_verdict_is_the_one_in_the_table(row: dict[str, str]) -> None:
    verdict = decide(*question(changed(row)))

    said, *bases = row["verdict"].split()
    assert (verdict.refusal or "permitted") == said
    if bases:
        assert [verdict.regime, verdict.lawful_basis, verdict.confidentiality_basis] == bases
    if verdict.permitted:
        assert verdict.isa_id == "isa-1"


def test_the_table_covers_every_refusal_and_both_sides_of_every_condition() -> None:
    rows = table()
    both = {row["condition"] for row in rows if row["verdict"].startswith("permitted")} & {
        row["condition"] for row in rows if not row["verdict"].startswith("permitted")
    }

    assert {row["verdict"] for row in rows} >= {code.value for code in GateRefusal}
    one_side = {"everything holds", "recipients", "held", "relation"}
    assert {row["condition"] for row in rows} - both == one_side


def test_no_row_stands_in_the_table_twice() -> None:
    assert len({row["changes"] for row in table()}) == len(table())


def test_of_two_agreements_the_one_that_permits_decides() -> None:
    asked, known = question(BASE)
    narrow = replace(known.agreements[0], isa_id="isa-0", categories=frozenset())

    verdict = decide(asked, replace(known, agreements=(narrow, *known.agreements)))

    assert (verdict.permitted, verdict.isa_id) == (True, "isa-1")


def test_of_two_that_refuse_the_answer_is_of_the_one_that_came_closer() -> None:
    asked, known = question(BASE | {"consent": "none"})
    other = replace(known.agreements[0], isa_id="isa-0", ended_at=asked.at)

    assert decide(asked, replace(known, agreements=(other, *known.agreements))).refusal == "consent_missing"


def test_the_newest_answer_counts_in_whatever_order_they_were_heard() -> None:
    granted = Consent(recipient="oxleas", categories=frozenset({"APPOINTMENTS"}), version=3, granted=True)
    withdrawn = replace(granted, version=4, granted=False)

    assert newest([withdrawn, granted]) == newest([granted, withdrawn]) == {"oxleas": withdrawn}


# Less never permits more. A handful of values each, so that the pieces meet.
ORGS = ["together", "north-london-nhs", "sig-penrose", "group:camden"]
STAFF = ["", "nurse-1", "nurse-2"]
MOMENTS = [datetime(2026, 11, day, 10, tzinfo=UTC) for day in (1, 10, 20, 25)]


def some(values: list[str]) -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(st.sampled_from(values))


def agreements() -> st.SearchStrategy[Agreement]:
    terms = st.builds(
        Terms, regime=st.sampled_from([*Regime, "PART4"]), lawful_basis=st.sampled_from([*LawfulBasis, "AGREED"])
    )
    rests = st.builds(Rest, since=st.sampled_from(MOMENTS), until=st.none() | st.sampled_from(MOMENTS))
    return st.builds(
        Agreement,
        isa_id=st.sampled_from(["isa-1", "isa-2", "isa-3"]),
        parties=st.dictionaries(st.sampled_from(ORGS[:3]), terms, min_size=1),
        recipients=some(ORGS),
        purposes=some(["HANDOFF", "EVALUATION"]),
        categories=some(["APPOINTMENTS", "RISK_SUMMARY"]),
        valid_from=st.sampled_from([date(2026, 1, 1), date(2026, 11, 20)]),
        valid_to=st.sampled_from([date(2026, 11, 20), date(2027, 1, 1)]),
        bases=some(list(Confidentiality)),
        statutes=some(list(Statute)),
        standing_basis=st.sampled_from(["", "STATUTE"]),
        standing_recipients=some(ORGS),
        associates=some(ORGS),
        rests=st.lists(rests, max_size=1).map(tuple),
        ended_at=st.none() | st.sampled_from(MOMENTS),
    )


def answers() -> st.SearchStrategy[Consent]:
    return st.builds(
        Consent,
        recipient=st.sampled_from(ORGS),
        categories=some(["APPOINTMENTS", "RISK_SUMMARY"]),
        version=st.integers(1, 3),
        granted=st.booleans(),
        review_on=st.none() | st.sampled_from([date(2026, 11, 5), date(2027, 1, 1)]),
    )


KNOWN = st.builds(
    Known,
    agreements=st.lists(agreements(), max_size=3).map(tuple),
    consents=st.lists(answers(), max_size=4).map(newest),
    lists=st.builds(
        Lists,
        allow=st.lists(some([*ORGS, *STAFF[1:]]), max_size=2).map(tuple),
        deny=some([*ORGS, *STAFF[1:]]) | st.just(frozenset()),
    ),
    related=st.booleans(),
    held=st.just(False) | st.booleans(),
    feed_age=st.none() | st.sampled_from([timedelta(0), timedelta(seconds=60), timedelta(seconds=61)]),
    sector=st.sampled_from(["", "VOLUNTARY", "POLICE"]),
)
ASKED = st.builds(
    Asked,
    owner=st.sampled_from(ORGS[:3]),
    person_id=st.just(UUID(int=1)),
    category=st.sampled_from(["APPOINTMENTS", "RISK_SUMMARY", "DIARY"]),
    purpose=st.sampled_from(["HANDOFF", "EVALUATION", "CURIOSITY"]),
    recipient=st.sampled_from(ORGS),
    at=st.sampled_from(MOMENTS),
    ground=st.builds(
        Ground,
        basis=st.sampled_from([*Confidentiality, "HUNCH"]),
        reference=st.sampled_from(["", "order-7", *Statute]),
    ),
    staff=st.sampled_from(STAFF),
)


@st.composite
def less(draw: st.DrawFn, known: Known) -> Known:
    """The same knowledge with something taken away, or somebody more excluded."""
    gone = draw(st.sampled_from(sorted(known.consents) or ["none"]))
    excluded = draw(st.sampled_from([*ORGS, *STAFF[1:]]))
    smaller = (
        {"agreements": known.agreements[1:]},
        {"consents": {who: each for who, each in known.consents.items() if who != gone}},
        {"related": False},
        {"lists": replace(known.lists, deny=known.lists.deny | {excluded})},
        {"lists": replace(known.lists, allow=(*known.lists.allow, frozenset({excluded})))},
        {"feed_age": None},
        {"held": True},
    )
    which = draw(st.integers(0, len(smaller) + 2))
    if which < len(smaller):
        return replace(known, **smaller[which])
    fields = ("bases", "statutes", "recipients", "purposes", "categories", "associates", "standing_recipients")
    name = draw(st.sampled_from(fields))
    return replace(
        known,
        agreements=tuple(
            replace(each, **{name: frozenset(sorted(getattr(each, name))[1:])}) for each in known.agreements
        ),
    )


@given(asked=ASKED, known=KNOWN, data=st.data())
def test_taking_something_away_never_permits_more(asked: Asked, known: Known, data: st.DataObject) -> None:
    smaller = data.draw(less(known))

    if decide(asked, smaller).permitted:
        assert decide(asked, known).permitted


@given(asked=ASKED, known=KNOWN)
def test_nothing_unknown_is_ever_permitted(asked: Asked, known: Known) -> None:
    verdict = decide(asked, known)

    if verdict.permitted:
        assert asked.category in set(Category)
        assert asked.purpose in set(Purpose)
        assert verdict.lawful_basis in set(LawfulBasis)
        assert verdict.regime in set(Regime)
        assert known.feed_age is not None
        assert not known.lists.deny & {asked.recipient, asked.staff}
        assert all(not each or each & {asked.recipient, asked.staff} for each in known.lists.allow)
    assert (verdict.isa_id != "") == verdict.permitted


@given(st.data())
def test_by_itself_nothing_is_permitted(data: st.DataObject) -> None:
    assert not decide(data.draw(ASKED), Known()).permitted
