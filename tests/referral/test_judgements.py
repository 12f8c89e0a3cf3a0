"""Eligibility, priority, screening and places: pure judgements."""

import json
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.aggregate import Invalid
from referral.domain import places
from referral.domain.answers import ethnicity_of
from referral.domain.codes import Gender, ReferrerKind, Rosh
from referral.domain.eligibility import Decision, Rule, judge
from referral.domain.identifiers import Wrong
from referral.domain.person import age_on, birth_fault
from referral.domain.priority import Band, base_band, effective_band
from referral.domain.screening import Held, Result, Source, current_of, is_stale, result_of
from tests.referral.builders import SCREENED_IN, TODAY, known, rules, shared_data


def verdict(rule_changes=None, **known_changes):
    return judge(known(**known_changes), rules(**(rule_changes or {})), on=TODAY)


def test_everything_known_and_met_passes_with_the_rules_behind_it():
    passed = verdict()

    assert passed.decision is Decision.PASS
    assert {Rule.MINIMUM_AGE, Rule.SCREENED_IN, Rule.GENDER_CRITERION} <= set(passed.rule_ids)


@pytest.mark.parametrize(("born", "decision"), [(date(2008, 11, 2), Decision.PASS), (date(2008, 11, 3), Decision.FAIL)])
def test_the_minimum_age_is_18_on_the_day(born, decision):
    assert verdict(born=born).decision is decision


def test_screened_out_fails_and_the_newest_counts():
    out = Held(source=Source.PP_ATTESTED, completed_on=date(2026, 6, 1), result=Result.SCREENED_OUT)

    assert [refusal.reason for refusal in verdict(screening=out).failures] == ["not_screened_in"]
    assert verdict({"screening_required": False}, screening=out).decision is Decision.PASS


@pytest.mark.parametrize("gender", [Gender.FEMALE, Gender.NOT_STATED, None])
def test_any_other_gender_goes_to_triage_and_is_never_refused(gender):
    asked = verdict(gender=gender)

    assert asked.decision is Decision.REFER_TO_TRIAGE
    assert asked.rule_ids == (Rule.GENDER_CRITERION,)
    assert verdict({"gender_criterion": False}, gender=gender).decision is Decision.PASS


def test_outside_the_area_is_a_redirect_and_an_unknown_borough_goes_to_triage():
    local = {"area": ("E09000007", "E09000019")}

    assert verdict(local, borough="E09000033").decision is Decision.REDIRECT
    assert verdict(local, borough="E09000019").decision is Decision.PASS
    assert verdict(local, borough="NOT_KNOWN").decision is Decision.REFER_TO_TRIAGE


def test_the_threshold_of_risk():
    asked = {"rosh_at_least": Rosh.HIGH}

    assert verdict(asked, rosh=Rosh.MEDIUM).failures[0].reason == "rosh_below_threshold"
    assert verdict(asked, rosh=Rosh.VERY_HIGH).decision is Decision.PASS


def test_other_referrers_only_where_the_programme_allows_them():
    assert verdict(referrer_kind=ReferrerKind.SELF).failures[0].reason == "referrer_kind_not_allowed"
    allowed = {"referrer_kinds": (ReferrerKind.SELF,)}
    assert verdict(allowed, referrer_kind=ReferrerKind.SELF).decision is Decision.PASS


def test_old_evidence_warns_and_never_refuses():
    old = Held(source=Source.OASYS_EVENT, completed_on=date(2024, 11, 1), result=Result.SCREENED_IN)

    assert verdict(screening=old).warnings == ("screening_stale",)
    assert verdict(screening=old).decision is Decision.PASS
    assert not is_stale(date(2024, 11, 2), on=TODAY)


def test_a_calculated_result_never_counts():
    calculated = Held(source=Source.CALCULATED, completed_on=date(2026, 10, 1), result=Result.SCREENED_OUT)

    assert current_of([SCREENED_IN, calculated]) is SCREENED_IN
    assert current_of([calculated]) is None


def test_of_one_day_the_later_record_counts():
    later = Held(source=Source.PP_ATTESTED, completed_on=SCREENED_IN.completed_on, result=Result.SCREENED_OUT)

    assert current_of([SCREENED_IN, later]) is later


@given(st.sampled_from(Band), st.integers(0, 400))
def test_waiting_never_lowers_a_band_and_nobody_starves(base, days):
    on = TODAY + timedelta(days=days)
    band = effective_band(base, submitted_on=TODAY, on=on)

    assert band <= base
    assert days < 60 or band is Band.P1


def test_rule_examples_of_the_front_door():
    examples = json.loads((shared_data() / "rule-examples" / "examples.json").read_text())
    for kind, ask in {
        "screening_evidence": _screening,
        "priority_band": _band,
        "date_of_birth": _born,
        "ethnicity_import": _ethnicity,
        "borough_quadrant": _borough,
    }.items():
        for example in examples[kind]:
            assert ask(example["input"]).items() >= example["expected"].items(), example["why"]


def _screening(asked):
    if asked["operation"] == "record":
        try:
            result = result_of(
                Result(asked["base_result"]), override=asked["override"], reason=asked["override_reason"] or ""
            )
        except Invalid as no:
            return {"accepted": False, "field": no.fields[0].path, "code": no.fields[0].code, "reason": no.reason}
        return {"accepted": True, "result": result}
    evidence = [
        Held(
            source=Source(held["source"]),
            completed_on=date.fromisoformat(held["completed_on"]),
            result=Result(held["result"]),
        )
        for held in asked["evidence"]
    ]
    judged = judge(known(screening=current_of(evidence)), rules(), on=date.fromisoformat(asked["on"]))
    if judged.failures:
        return {"accepted": False, "code": judged.failures[0].reason}
    return {"accepted": True, "warnings": list(judged.warnings)}


def _band(asked):
    submitted_on = date.fromisoformat(asked["submitted_on"])
    base = base_band(
        ethnicity=asked["ethnicity"],
        born=date.fromisoformat(asked["date_of_birth"]),
        submitted_on=submitted_on,
        include_w3_w5=asked["include_w3_w5"],
    )
    on = date.fromisoformat(asked["as_of"])
    return {"base": base, "effective": effective_band(base, submitted_on=submitted_on, on=on)}


def _born(asked):
    born, on = date.fromisoformat(asked["date_of_birth"]), date.fromisoformat(asked["submitted_on"])
    if fault := birth_fault(born, on):
        return {"accepted": False, "field": "date_of_birth", "code": fault}
    age = age_on(born, on)
    return {"accepted": age >= asked["min_age"], "age": age}


def _ethnicity(asked):
    try:
        return {"stored": ethnicity_of(asked["code"])}
    except Wrong as wrong:
        return {"error": wrong.code}


def _borough(asked):
    if "count_by_quadrant" in asked:
        counts = {str(q): sum(held is q for _, held in places.BOROUGHS.values()) for q in places.Quadrant}
        return {**counts, "total": len(places.BOROUGHS)}
    if fault := places.borough_fault(asked["borough"]):
        return {"error": fault}
    name, quadrant = places.BOROUGHS[asked["borough"]]
    return {"name": name, "quadrant": quadrant}


def test_somebody_born_on_29_february_has_his_birthday_on_1_march():
    assert age_on(date(2008, 2, 29), date(2026, 2, 28)) == 17
    assert age_on(date(2008, 2, 29), date(2026, 3, 1)) == 18


@pytest.mark.parametrize(
    ("base", "override", "reason", "code"),
    [
        (Result.SCREENED_IN, True, "why", "CONFLICTS_WITH(base_result)"),
        (Result.SCREENED_OUT, True, "   ", "REQUIRED"),
        (Result.SCREENED_OUT, False, "why", "CONFLICTS_WITH(override)"),
    ],
)
def test_an_override_exists_only_on_out_and_says_why(base, override, reason, code):
    with pytest.raises(Invalid) as no:
        result_of(base, override=override, reason=reason)

    assert no.value.fields[0].code == code
