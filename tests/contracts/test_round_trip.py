"""Any message survives the wire: what was encoded is what is decoded."""

import pytest
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contracts.messages import any_message, events, messages

sentence = [pytest.param(each, id=each.DESCRIPTOR.full_name) for each in messages()]


@pytest.mark.parametrize("message", sentence)
@settings(max_examples=20)
@given(data=st.data())
def test_a_message_decodes_to_itself(message, data):
    sent = data.draw(any_message(message))

    received = message.FromString(sent.SerializeToString(deterministic=True))

    assert received == sent
    assert received.SerializeToString(deterministic=True) == sent.SerializeToString(deterministic=True)


@pytest.mark.parametrize("event", [pytest.param(e, id=e.DESCRIPTOR.full_name) for e in events()])
@settings(max_examples=10)
@given(data=st.data())
def test_an_event_survives_being_shown_as_json(event, data):
    sent = data.draw(any_message(event))

    received = json_format.ParseDict(json_format.MessageToDict(sent), event())

    assert received == sent


@settings(max_examples=50)
@given(data=st.data(), unknown=st.binary(min_size=1, max_size=20))
def test_a_field_of_a_later_release_is_carried_and_not_minded(data, unknown):
    event = data.draw(st.sampled_from(events()))
    sent = data.draw(any_message(event))
    later = bytes([0xFA, 0x3F, len(unknown)]) + unknown  # field 1023, length-delimited

    received = event.FromString(sent.SerializeToString() + later)

    for field in event.DESCRIPTOR.fields:
        assert getattr(received, field.name) == getattr(sent, field.name)
