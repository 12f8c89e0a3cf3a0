"""What a notice may say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.aggregate import Invalid, Unmet
from notifications.domain.codes import Channel
from notifications.domain.lint import Reader, Use, lint
from notifications.domain.template import Status, Text, fill
from tests.notifications.builders import MONDAY, PACK, a_template, stored


def drafted(**given):
    return stored(a_template(**given).draft(at=MONDAY))


def linted(**given):
    template, found = drafted(**given).lint(PACK, at=MONDAY)
    assert found == ()
    return stored(template)


def test_it_is_drafted_linted_approved_by_another_person_and_retired():
    approved = stored(linted().approve(by="staff-sm-2", pack=PACK, at=MONDAY))

    assert (approved.status, approved.version) == (Status.APPROVED, 3)
    assert approved.retire(by="staff-sm-1", at=MONDAY).status is Status.RETIRED


def test_its_author_does_not_approve_it():
    with pytest.raises(Unmet, match="second_person_required"):
        linted().approve(by="staff-sm-1", pack=PACK, at=MONDAY)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("An offender waits.", "STIGMA"),  # codespell:ignore
        ("Two Offenders wait.", "STIGMA"),  # codespell:ignore
        ("He has a personality  disorder.", "DIAGNOSIS"),
        ("Ring 020 7946 0999 now.", "LONG_NUMBER"),
        ("Pay 1234 5678 9012 3456.", "CARD_OR_ACCOUNT"),
        ("Sort code 12-34-56.", "CARD_OR_ACCOUNT"),
    ],
)
def test_words_that_hurt_and_what_may_not_stand_in_a_message_block_it(body, code):
    draft, found = drafted(body=body).lint(PACK, at=MONDAY)

    assert (draft.status, [each.code for each in found]) == (Status.DRAFT, [code])
    assert [each.path for each in found] == ["texts.0.body"]
    with pytest.raises(Unmet, match="stigma_lint"):
        draft.approve(by="staff-sm-2", pack=PACK, at=MONDAY)


def test_what_the_man_reads_names_no_service_that_reveals_justice():
    assert lint("Your probation worker", PACK, use=Use.TEMPLATE, reader=Reader.PERSON)
    assert not lint("Your probation worker", PACK, use=Use.TEMPLATE, reader=Reader.STAFF)
    assert not lint("Your probation worker", PACK, use=Use.CASE_TEXT, reader=Reader.PERSON)


@given(st.text(alphabet="of endrs.-{", max_size=40))
def test_a_finding_says_where_and_never_what(text):
    for finding in lint(text, PACK, use=Use.CASE_TEXT):
        assert (
            text[finding.starts_at : finding.starts_at + finding.length]
            .lower()
            .startswith("offender")  # codespell:ignore
        )
        assert finding.prefer == "person on probation"


@pytest.mark.parametrize(
    ("texts", "faults"),
    [
        ((), {("texts", "REQUIRED")}),
        (
            (
                Text(channel=Channel.EMAIL, subject="", body="Dear {name}"),
                Text(channel=Channel.SMS, subject="x", body=" "),
            ),
            {
                ("texts.0.subject", "REQUIRED"),
                ("texts.0.body", "UNKNOWN_CODE"),
                ("texts.1.subject", "CONFLICTS_WITH(channel)"),
                ("texts.1.body", "REQUIRED"),
            },
        ),
        ((Text(channel=Channel.SMS, body="{what}"),), {("texts.0.body", "UNKNOWN_CODE")}),
        ((Text(channel=Channel.SMS, body="x" * 161),), {("texts.0.body", "TOO_LONG")}),
        ((Text(channel=Channel.PAGE, body="half {open"),), {("texts.0.body", "UNKNOWN_CODE")}),
        (
            (Text(channel=Channel.PAGE, body="a"), Text(channel=Channel.PAGE, body="b")),
            {("texts.1.channel", "CONFLICTS_WITH(texts)")},
        ),
    ],
)
def test_everything_that_cannot_be_sent_is_named_at_once(texts, faults):
    with pytest.raises(Invalid) as refusal:
        a_template(texts=texts).draft(at=MONDAY)

    assert {(fault.path, fault.code) for fault in refusal.value.fields} == faults


def test_only_what_is_listed_is_filled_in():
    text = Text(channel=Channel.EMAIL, subject="{reference}", body="{what}, due {due_on}")
    filled = fill(text, {"reference": "7KQ2-M9RJ", "what": "a first contact", "name": "Canary"})

    assert (filled.subject, filled.body) == ("7KQ2-M9RJ", "a first contact, due see the case")
