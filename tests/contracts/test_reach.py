"""A message cannot travel further than its contract says, nor hold what no event may: the chassis refuses it before
anything is encoded. The contracts here are planted; such ones do not pass the build (test_options.py)."""

import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_tools import protoc

from chassis.envelope import ContractBroken, check, key_of, topic_of
from tests.contracts.image import ROOT
from tests.contracts.messages import events, example, reach_of
from throughcare.options.v1 import options_pb2

CASE, PERSON, AGGREGATE = "0195b3f0-0000-7000-8000-00000000000a", "b", "c"


def planted(folder, options="", field="string a = 1 [(throughcare.options.v1.kind) = KIND_ID];"):
    """A message class with these options and this field, from a contract of our own."""
    declared = "".join(
        f"  option (throughcare.options.v1.{name}) = {value};\n"
        for name, value in (
            {"reach": "REACH_NODE", "topic": '"referral"', "key": "KEY_CASE"} | dict(options or {})
        ).items()
        if value
    )
    (folder / "planted.proto").write_text(
        'syntax = "proto3";\npackage throughcare.referral.v1;\n'
        'import "google/protobuf/timestamp.proto";\nimport "throughcare/options/v1/options.proto";\n'
        f"message Planted {{\n{declared}  {field}\n}}\n"
    )
    bundled = Path(protoc.__file__).parent / "_proto"
    subprocess.run(
        [sys.executable, "-m", "grpc_tools.protoc", f"-I{folder}", f"-I{ROOT / 'proto'}", f"-I{bundled}",
         "--include_imports", f"--descriptor_set_out={folder / 'image'}", str(folder / "planted.proto")],
        check=True,
    )  # fmt: skip
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString((folder / "image").read_bytes()).file:
        pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("throughcare.referral.v1.Planted"))


def test_what_is_planted_rightly_is_allowed(tmp_path):
    check(planted(tmp_path)(a="x"))


@pytest.mark.parametrize("option", ["reach", "topic", "key"])
def test_a_message_that_does_not_say_its_option_is_refused(option, tmp_path):
    with pytest.raises(ContractBroken):
        check(planted(tmp_path, {option: ""})())


@pytest.mark.parametrize("topic", ["share", "control"])
def test_a_message_of_the_house_is_refused_on_a_topic_between_houses(topic, tmp_path):
    with pytest.raises(ContractBroken):
        check(planted(tmp_path, {"topic": f'"{topic}"'})())


def test_a_shared_message_is_refused_on_a_topic_of_the_house(tmp_path):
    with pytest.raises(ContractBroken):
        check(planted(tmp_path, {"reach": "REACH_SHARE"})())


def test_a_shared_message_leaves_by_the_gate_alone(tmp_path):
    with pytest.raises(ContractBroken):
        check(planted(tmp_path, {"reach": "REACH_SHARE", "topic": '"share"'})())


@pytest.mark.parametrize("kind", ["KIND_NAME", "KIND_TEXT", "KIND_CONTACT", "KIND_IDENTIFIER", "KIND_UNSPECIFIED"])
def test_a_message_that_holds_what_no_event_may_is_refused(kind, tmp_path):
    with pytest.raises(ContractBroken):
        check(planted(tmp_path, field=f"string a = 1 [(throughcare.options.v1.kind) = {kind}];")(a="x"))


@pytest.mark.parametrize("event", [e for e in events() if reach_of(e.DESCRIPTOR) == options_pb2.REACH_NODE],
                         ids=lambda event: event.DESCRIPTOR.full_name)  # fmt: skip
def test_a_message_of_the_house_goes_to_the_topic_of_its_service(event):
    check(example(event))

    assert topic_of(event, "together") == f"together.{event.DESCRIPTOR.file.package.split('.')[1]}.v1"


@pytest.mark.parametrize("event", events(), ids=lambda event: event.DESCRIPTOR.full_name)
def test_every_message_has_a_key_whatever_it_concerns(event):
    for case, person in ((CASE, PERSON), (None, PERSON), (None, None)):
        assert key_of(event, case=case, person=person, aggregate=AGGREGATE)
