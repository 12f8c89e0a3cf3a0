"""What every contract must say of itself, and that nobody can say it otherwise later unnoticed."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contracts.image import RELEASED, ROOT, build_image, options_of, read_image
from tests.contracts.messages import (
    LAST_KIND_OF_EVENTS,
    TIMESTAMP,
    events,
    fields,
    is_event,
    key_of,
    kind_of,
    list_of,
    messages,
    reach_of,
    topic_of,
)
from tests.contracts.options import changed_options
from throughcare.options.v1 import options_pb2

BUF = Path(sys.executable).parent / "buf"
SERVICES = {"referral", "casework", "partners", "notifications"}


def named(each):
    return each.DESCRIPTOR.full_name


def test_there_are_events_of_every_service():
    assert {each.DESCRIPTOR.file.package.split(".")[1] for each in events()} >= SERVICES


@pytest.mark.parametrize("event", events(), ids=named)
def test_an_event_says_its_reach_its_topic_and_its_key(event):
    descriptor = event.DESCRIPTOR

    assert reach_of(descriptor) != options_pb2.REACH_UNSPECIFIED
    assert key_of(descriptor) != options_pb2.KEY_UNSPECIFIED
    if reach_of(descriptor) == options_pb2.REACH_NODE:
        assert topic_of(descriptor) == descriptor.file.package.split(".")[1]
    if reach_of(descriptor) == options_pb2.REACH_SHARE:
        assert topic_of(descriptor) in {"share", "control"}
    if reach_of(descriptor) == options_pb2.REACH_AGGREGATE:
        assert key_of(descriptor) == options_pb2.KEY_TYPE


@pytest.mark.parametrize("event", events(), ids=named)
def test_an_event_cannot_declare_free_text_or_an_identifier_of_a_person(event):
    for field in fields(event.DESCRIPTOR):
        nested = field.message_type is not None and field.message_type.full_name != TIMESTAMP
        assert nested or options_pb2.KIND_UNSPECIFIED < kind_of(field) <= LAST_KIND_OF_EVENTS, field.full_name
        assert field.type != field.TYPE_BYTES, f"{field.full_name}: bytes can hide anything"


@pytest.mark.parametrize("message", messages(), ids=named)
def test_every_string_field_says_what_it_holds(message):
    for field in fields(message.DESCRIPTOR):
        if field.type == field.TYPE_STRING:
            assert kind_of(field) != options_pb2.KIND_UNSPECIFIED, field.full_name


@pytest.mark.parametrize("message", messages(), ids=named)
def test_the_kind_of_a_field_fits_its_type(message):
    texts = {
        options_pb2.KIND_ID, options_pb2.KIND_HASH, options_pb2.KIND_REF, options_pb2.KIND_DATE,
        options_pb2.KIND_NAME, options_pb2.KIND_TEXT, options_pb2.KIND_CONTACT, options_pb2.KIND_IDENTIFIER,
    }  # fmt: skip
    for field in fields(message.DESCRIPTOR):
        kind, whole = kind_of(field), field.cpp_type in {field.CPPTYPE_INT32, field.CPPTYPE_INT64}
        if kind in texts:
            assert field.type == field.TYPE_STRING, field.full_name
        if kind == options_pb2.KIND_INSTANT:
            assert field.message_type.full_name == TIMESTAMP, field.full_name
        if kind == options_pb2.KIND_COUNT:
            assert whole or field.cpp_type in {field.CPPTYPE_UINT32, field.CPPTYPE_UINT64}, field.full_name
        if kind == options_pb2.KIND_FLAG:
            assert field.type == field.TYPE_BOOL, field.full_name
        if kind == options_pb2.KIND_CODE:
            assert field.type in {field.TYPE_STRING, field.TYPE_ENUM}, field.full_name


@pytest.mark.parametrize("event", events(), ids=named)
def test_a_code_of_an_event_names_its_list(event):
    for field in fields(event.DESCRIPTOR):
        if kind_of(field) == options_pb2.KIND_CODE and field.type == field.TYPE_STRING:
            assert list_of(field), field.full_name


@pytest.mark.parametrize("message", [m for m in messages() if not is_event(m.DESCRIPTOR)], ids=named)
def test_what_is_not_an_event_has_no_reach_and_so_cannot_be_told(message):
    assert reach_of(message.DESCRIPTOR) == options_pb2.REACH_UNSPECIFIED


def test_no_option_has_changed_since_the_last_image():
    assert changed_options(options_of(read_image(RELEASED)), options_of(build_image())) == []


# Each check below has been seen to fail: a copy of the contracts, one planted change.

CHANGES = {
    "reach": ("REACH_NODE", "REACH_SHARE"),
    "topic": ('.topic) = "referral"', '.topic) = "share"'),
    "key": ("KEY_CASE", "KEY_PERSON"),
    "kind": ("KIND_COUNT", "KIND_FLAG"),
    "list": ('.list) = "reason_group"', '.list) = "reason"'),
}


def a_copy_of_the_contracts(folder: Path) -> Path:
    shutil.copytree(ROOT / "proto" / "throughcare", folder / "proto" / "throughcare")
    shutil.copy(ROOT / "buf.yaml", folder)
    return folder / "proto"


def plant(proto: Path, old: str, new: str) -> None:
    file = proto / "throughcare" / "referral" / "v1" / "events.proto"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def buf_breaking(folder: Path) -> subprocess.CompletedProcess[str]:
    image = folder / "before.binpb"
    subprocess.run([BUF, "build", "-o", image], cwd=ROOT, check=True)
    return subprocess.run(
        [BUF, "breaking", "--against", image], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("option", CHANGES)
def test_a_changed_option_is_found_though_buf_does_not_see_it(option, tmp_path):
    proto = a_copy_of_the_contracts(tmp_path)
    plant(proto, *CHANGES[option])

    found = changed_options(options_of(build_image()), options_of(build_image(proto)))
    by_buf = buf_breaking(tmp_path)

    assert len(found) == 1
    assert f": {option} was " in found[0]
    assert by_buf.returncode == 0, by_buf.stdout


def test_a_removed_option_is_found(tmp_path):
    proto = a_copy_of_the_contracts(tmp_path)
    plant(proto, "  option (throughcare.options.v1.reach) = REACH_NODE;\n", "")

    found = changed_options(options_of(build_image()), options_of(build_image(proto)))

    assert [each.split(": ")[1] for each in found] == ["reach was 1, is not set"]


def test_a_changed_type_is_found_by_buf(tmp_path):
    proto = a_copy_of_the_contracts(tmp_path)
    plant(proto, "string expires_on = 2", "int64 expires_on = 2")

    answer = buf_breaking(tmp_path)

    assert answer.returncode != 0
    assert "expires_on" in answer.stdout


def test_a_removed_field_is_found_by_buf(tmp_path):
    proto = a_copy_of_the_contracts(tmp_path)
    plant(proto, "  string expires_on = 2 [(throughcare.options.v1.kind) = KIND_DATE];\n", "")

    answer = buf_breaking(tmp_path)

    assert answer.returncode != 0
    assert "ReferralExpiring" in answer.stdout
