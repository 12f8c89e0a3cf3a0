"""Requests read as values: every fault at once, with its path and code, never with the value."""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import StrEnum
from uuid import UUID

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2
from hypothesis import given
from hypothesis import strategies as st

from chassis.aggregate import Fault, Invalid
from chassis.rpc import Form, uuid_of

FIELD = descriptor_pb2.FieldDescriptorProto
SEVEN = "0192f3a1-7c4e-7b3a-9d2e-0123456789ab"


class Kind(StrEnum):
    NEW = "NEW"
    BY_PHONE = "BY_PHONE"


def _request_class():
    """A contract made for the test: one field of each sort."""
    file = descriptor_pb2.FileDescriptorProto(
        name="form_test.proto", package="form.test", syntax="proto3", dependency=[timestamp_pb2.DESCRIPTOR.name]
    )
    enum = file.enum_type.add(name="RequestKind")
    for number, name in enumerate(("UNSPECIFIED", "NEW", "BY_PHONE", "ONLY_IN_CONTRACT")):
        enum.value.add(name=f"REQUEST_KIND_{name}", number=number)
    goal = file.message_type.add(name="Goal")
    goal.field.add(name="text", number=1, type=FIELD.TYPE_STRING, label=FIELD.LABEL_OPTIONAL)
    message = file.message_type.add(name="Request")
    scalar = {"id": 9, "note": 9, "word": 9, "day": 9, "role": 9, "expected_version": 3, "number": 3, "sure": 8}
    for number, (name, kind) in enumerate(scalar.items(), 1):
        message.field.add(name=name, number=number, type=kind, label=FIELD.LABEL_OPTIONAL)
    kinded = {"type": FIELD.TYPE_ENUM, "type_name": ".form.test.RequestKind"}
    message.field.add(name="kind", number=20, label=FIELD.LABEL_OPTIONAL, **kinded)
    message.field.add(name="kinds", number=21, label=FIELD.LABEL_REPEATED, **kinded)
    inner = {"type": FIELD.TYPE_MESSAGE, "type_name": ".form.test.Goal"}
    message.field.add(name="goals", number=22, label=FIELD.LABEL_REPEATED, **inner)
    message.field.add(name="goal", number=23, label=FIELD.LABEL_OPTIONAL, **inner)
    message.field.add(name="at", number=24, label=FIELD.LABEL_OPTIONAL, type=11, type_name=".google.protobuf.Timestamp")
    message.oneof_decl.add(name="_places")
    message.field.add(name="places", number=25, label=FIELD.LABEL_OPTIONAL, type=3, proto3_optional=True, oneof_index=0)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("form.test.Request"))


Request = _request_class()


def faults(read, **fields):
    form = Form(Request(**fields))
    read(form)
    with pytest.raises(Invalid) as caught:
        form.done()
    return caught.value.fields


def value(read, **fields):
    form = Form(Request(**fields))
    found = read(form)
    form.done()
    return found


def test_everything_that_is_wrong_is_said_at_once_and_no_value_with_it():
    def read(form):
        form.uuid("id")
        form.text("note", limit=5)
        form.date("day")
        form.code("kind", Kind)
        form.version()
        for goal in form.each("goals"):
            goal.line("text", limit=10)

    found = faults(read, id="canary-1", note="canary-2", day="canary", kind=3, goals=[{"text": "fine"}, {}])

    assert found == (
        Fault("id", "INVALID_FORMAT"),
        Fault("note", "TOO_LONG"),
        Fault("day", "INVALID_FORMAT"),
        Fault("kind", "UNKNOWN_CODE"),
        Fault("expected_version", "REQUIRED"),
        Fault("goals.1.text", "REQUIRED"),
    )
    assert "canary" not in str(Invalid(*found))


@pytest.mark.parametrize("text", [SEVEN, "994cee46-59f6-47ad-99f2-808eba1bf8cc"])
def test_an_id_of_version_four_or_seven_passes(text):
    assert value(lambda form: form.uuid("id"), id=text) == UUID(text)
    assert uuid_of(text, "id") == UUID(text)


@pytest.mark.parametrize(
    "text",
    [
        "00000000-0000-0000-0000-000000000000",
        SEVEN.upper(),
        f"{{{SEVEN}}}",
        f"urn:uuid:{SEVEN}",
        SEVEN.replace("-", ""),
        f" {SEVEN}",
        f"{SEVEN}\n",
        "6ba7b810-9dad-11d1-80b4-00c04fd430c8",  # version 1 tells where and when
        "0192f3a1-7c4e-7b3a-0d2e-0123456789ab",  # not the variant of RFC 9562
    ],
)
def test_an_id_in_any_other_form_does_not(text):
    assert faults(lambda form: form.uuid("id"), id=text) == (Fault("id", "INVALID_FORMAT"),)
    with pytest.raises(Invalid) as caught:
        uuid_of(text, "id")
    assert caught.value.fields == (Fault("id", "INVALID_FORMAT"),)


def test_what_is_left_out_is_required_or_none():
    readers = {
        "id": (Form.uuid, Form.uuid_or_none),
        "day": (Form.date, Form.date_or_none),
        "at": (Form.instant, Form.instant_or_none),
        "word": (Form.opaque, Form.opaque_or_none),
    }
    for name, (required, optional) in readers.items():
        assert faults(lambda form, r=required, n=name: r(form, n)) == (Fault(name, "REQUIRED"),)
        assert value(lambda form, o=optional, n=name: o(form, n)) is None
    assert faults(lambda form: form.code("kind", Kind)) == (Fault("kind", "REQUIRED"),)
    assert value(lambda form: form.code_or_none("kind", Kind)) is None
    assert value(lambda form: form.text("note", limit=9, required=False)) == ""
    assert value(lambda form: form.count_or_none("places")) is None
    assert value(lambda form: form.count_or_none("places"), places=0) == 0
    assert faults(lambda form: form.part("goal")) == (Fault("goal", "REQUIRED"),)
    assert value(lambda form: form.part_or_none("goal")) is None


def test_text_is_normalised_and_trimmed_and_its_limit_counts_characters():
    assert value(lambda form: form.text("note", limit=5), note=" Zoe\u0308\r\nok ".replace("ok", "")) == "Zoë"
    assert value(lambda form: form.text("note", limit=2), note="👍👍") == "👍👍"
    assert value(lambda form: form.text("note", limit=20), note="one\r\ntwo\tthree") == "one\ntwo\tthree"
    assert faults(lambda form: form.text("note", limit=20), note=" \n ") == (Fault("note", "REQUIRED"),)
    assert faults(lambda form: form.line("note", limit=20), note="one\ntwo") == (Fault("note", "INVALID_FORMAT"),)


@pytest.mark.parametrize("bad", ["\u202e", "\u2066", "\u200b", "\x00", "\x1b", "\x7f", "\u0085", "\ue000", "\u2028"])
def test_control_characters_and_overrides_of_reading_direction_are_refused(bad):
    assert faults(lambda form: form.text("note", limit=99), note=f"a{bad}b") == (Fault("note", "INVALID_FORMAT"),)
    assert faults(lambda form: form.line("note", limit=99), note=f"a{bad}b") == (Fault("note", "INVALID_FORMAT"),)


def test_names_of_many_scripts_pass():
    for name in ("Zoë O’Brien-Núñez", "محمد", "Łukasz", "Nguyễn Văn A", "שלמה", "王小明", "नी\u200dति"):
        assert value(lambda form: form.line("note", limit=50), note=name) == name


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("2026-02-29", "INVALID_FORMAT"),
        ("2026-2-1", "INVALID_FORMAT"),
        ("20260201", "INVALID_FORMAT"),
        ("2026-W01-1", "INVALID_FORMAT"),
        ("24/11/2026", "INVALID_FORMAT"),
        ("1899-12-31", "OUT_OF_RANGE"),
        ("9999-12-31", "OUT_OF_RANGE"),
    ],
)
def test_a_day_is_year_month_day_within_reason(text, code):
    assert faults(lambda form: form.date("day"), day=text) == (Fault("day", code),)


def test_days_and_instants_are_read():
    assert value(lambda form: form.date("day"), day="2028-02-29") == date(2028, 2, 29)
    assert value(lambda form: form.instant("at"), at={"seconds": 1_800_000_000}) == datetime(2027, 1, 15, 8, tzinfo=UTC)
    for seconds in (-(10**11), 10**15):
        wrong = faults(lambda form: form.instant("at"), at={"seconds": seconds})
        assert wrong[0].code in {"OUT_OF_RANGE", "INVALID_FORMAT"}


def test_codes_of_the_contract_and_codes_as_text_are_the_domains_own():
    assert value(lambda form: form.code("kind", Kind), kind=2) is Kind.BY_PHONE
    assert value(lambda form: form.code("role", Kind), role="BY_PHONE") is Kind.BY_PHONE
    assert value(lambda form: form.codes("kinds", Kind), kinds=[2, 1, 2]) == (Kind.BY_PHONE, Kind.NEW)
    assert faults(lambda form: form.code("role", Kind), role="canary") == (Fault("role", "UNKNOWN_CODE"),)
    assert faults(lambda form: form.code("kind", Kind), kind=77) == (Fault("kind", "UNKNOWN_CODE"),)
    assert faults(lambda form: form.codes("kinds", Kind), kinds=[1, 0]) == (Fault("kinds.1", "UNKNOWN_CODE"),)


def test_numbers_and_lists_keep_their_bounds():
    assert value(lambda form: form.count("number", least=0, most=9), number=0) == 0
    assert faults(lambda form: form.count("number", most=9), number=10) == (Fault("number", "OUT_OF_RANGE"),)
    assert faults(lambda form: form.count("number"), number=-1) == (Fault("number", "OUT_OF_RANGE"),)
    assert faults(lambda form: form.version(), expected_version=-1) == (Fault("expected_version", "OUT_OF_RANGE"),)
    assert faults(lambda form: form.each("goals", least=1)) == (Fault("goals", "REQUIRED"),)
    many = [{"text": "a"}] * 5
    assert faults(lambda form: form.each("goals", most=3), goals=many) == (Fault("goals", "OUT_OF_RANGE"),)
    assert value(lambda form: form.flag("sure"), sure=True) is True


@pytest.mark.parametrize("text", ["Staff-1", "staff_1", "-staff", "a b", "staff@x"])
def test_an_opaque_id_is_lower_case_letters_digits_and_hyphens(text):
    assert faults(lambda form: form.opaque("word"), word=text) == (Fault("word", "INVALID_FORMAT"),)
    assert value(lambda form: form.opaque("word"), word="staff-ew-1") == "staff-ew-1"
    assert faults(lambda form: form.opaque("word"), word="a" * 65) == (Fault("word", "TOO_LONG"),)


def test_a_fault_found_elsewhere_stands_beside_the_others():
    def read(form):
        form.part("goal").fault("text", "CONFLICTS_WITH(note)")
        form.fault("day", "IN_PAST")

    assert faults(read, goal={"text": "x"}) == (Fault("goal.text", "CONFLICTS_WITH(note)"), Fault("day", "IN_PAST"))


@given(st.text(max_size=80))
def test_whatever_is_typed_is_read_or_refused_and_never_raises_otherwise(typed):
    form = Form(Request(id=typed, note=typed, day=typed, word=typed, role=typed))
    form.uuid("id"), form.date("day"), form.opaque("word"), form.code("role", Kind)
    text = form.text("note", limit=80, required=False)

    with pytest.raises(Invalid) as caught:  # no text is an id, a day, a staff id and a code at once
        form.done()
    assert {fault.path for fault in caught.value.fields} >= {"id", "day"}
    assert len(text) <= 80
