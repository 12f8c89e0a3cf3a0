"""Identifiers as rules.md 1 says, and as public services test them."""

import csv
import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from referral.domain import identifiers
from referral.domain.identifiers import Wrong
from tests.referral.builders import shared_data

TODAY = date(2026, 11, 22)
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


def pnc(text):
    return identifiers.pnc(text, today=TODAY)


@pytest.mark.parametrize(
    ("read", "text", "stored"),
    [
        (identifiers.crn, " x123456 ", "X123456"),
        (identifiers.prison_number, "a1234bc", "A1234BC"),
        (pnc, "79/163001B", "1979/0163001B"),
        (pnc, "20020073319Z", "2002/0073319Z"),
        (pnc, "033Y", "2003/0000003Y"),
        (pnc, "2004/0712343W", "2004/0712343W"),
        (identifiers.cro, "65656/91H", "065656/91H"),
        (identifiers.cro, "265416/21G", "265416/21G"),
        (identifiers.cro, "SF83/50058Z", "SF83/50058Z"),
        (identifiers.nhs_number, "987 654 3210", "9876543210"),
        (identifiers.nhs_number, "943-476-5919", "9434765919"),
        (identifiers.postcode, "n1  9gu", "N1 9GU"),
        (identifiers.postcode, "no_fixed_abode", "NO_FIXED_ABODE"),
        (identifiers.case_reference, "7kq2 m9rj", "7KQ2-M9RJ"),
        (identifiers.organisation_code, "rv3", "RV3"),
        (identifiers.ni_number, "ab123456c", "AB123456C"),
    ],
)
def test_an_identifier_is_stored_in_one_form(read, text, stored):
    assert read(text) == stored


@pytest.mark.parametrize(
    ("read", "text", "code"),
    [
        (identifiers.crn, "X12345", "INVALID_FORMAT"),
        (identifiers.crn, "X12345６", "INVALID_FORMAT"),
        (identifiers.prison_number, "A1234B", "INVALID_FORMAT"),
        (pnc, "20030011985Z", "INVALID_CHECK_CHARACTER"),
        (pnc, "2001/0171310S", "INVALID_CHECK_CHARACTER"),
        (pnc, "01234567890", "INVALID_FORMAT"),
        (identifiers.cro, "065656/91J", "INVALID_CHECK_CHARACTER"),
        (identifiers.cro, "65656 91H", "INVALID_FORMAT"),
        (identifiers.nhs_number, "9434765910", "INVALID_CHECK_CHARACTER"),
        (identifiers.nhs_number, "1111111111", "INVALID_FORMAT"),
        (identifiers.ni_number, "GB123456A", "INVALID_FORMAT"),
        (identifiers.case_reference, "7KQ2-MR9J", "INVALID_CHECK_CHARACTER"),
        (identifiers.case_reference, "7KQ2-M0RJ", "INVALID_FORMAT"),
    ],
)
def test_a_wrong_identifier_is_refused_with_its_code(read, text, code):
    with pytest.raises(Wrong) as wrong:
        read(text)

    assert wrong.value.code == code
    assert text not in str(wrong.value)


def test_no_check_digit_ten_exists_in_an_nhs_number():
    refused = 0
    for last in range(10):
        try:
            identifiers.nhs_number(f"999000003{last}")
        except Wrong:
            refused += 1

    assert refused in {9, 10}


@given(st.text(ALPHABET, min_size=7, max_size=7), st.integers(0, 7), st.sampled_from(ALPHABET))
def test_every_substitution_in_a_case_reference_is_caught(body, place, other):
    whole = body + identifiers.reference_check(body)
    changed = whole[:place] + other + whole[place + 1 :]

    if changed == whole:
        assert identifiers.case_reference(changed) == f"{whole[:4]}-{whole[4:]}"
    else:
        with pytest.raises(Wrong):
            identifiers.case_reference(changed)


@given(st.lists(st.integers(0, 2**32), min_size=7, max_size=7))
def test_a_drawn_case_reference_reads_back(drawn):
    reference = identifiers.draw_case_reference(drawn)

    assert reference is None or identifiers.case_reference(reference.lower()) == reference


def test_an_offensive_case_reference_is_not_drawn():
    drawn = [ALPHABET.index(char) for char in "CUNT234"]

    assert identifiers.draw_case_reference(drawn) is None


def test_published_police_numbers():
    with (shared_data() / "police-identifiers" / "numbers.csv").open() as lines:
        for case in csv.DictReader(lines):
            read = pnc if case["kind"] == "PNC" else identifiers.cro
            try:
                stored = read(case["input"])
            except Wrong:
                stored = ""
            assert (stored != "") == (case["valid"] == "yes"), case["case_id"]
            assert stored == case["expected_canonical"], case["case_id"]


def test_published_police_numbers_that_are_the_same():
    with (shared_data() / "police-identifiers" / "same_number.csv").open() as lines:
        for case in csv.DictReader(lines):
            try:
                same = pnc(case["a"]) == pnc(case["b"])
            except Wrong:
                same = False
            assert same == (case["same"] == "yes"), case["case_id"]


@pytest.mark.parametrize("kind", ["pnc", "cro", "nhs_number", "case_reference", "other_identifiers"])
def test_rule_examples(kind):
    examples = json.loads((shared_data() / "rule-examples" / "examples.json").read_text())[kind]
    for example in examples:
        assert _answer(kind, example["input"]).items() >= example["expected"].items(), example["why"]


def _answer(kind, asked):
    if "body" in asked:
        check = identifiers.reference_check(asked["body"])
        return {"check": check, "written": identifiers.case_reference(asked["body"] + check)}
    read = getattr(identifiers, asked.get("kind", kind))
    extra = {"today": date.fromisoformat(asked["today"])} if "today" in asked else {}
    try:
        stored = read(asked["text"], **extra)
    except Wrong as wrong:
        return {"valid": False, "code": wrong.code}
    shown = identifiers.nhs_number_shown(stored) if kind == "nhs_number" else ""
    return {"valid": True, "stored": stored, "written": stored, "shown": shown}
