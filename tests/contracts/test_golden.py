"""Every event has an example on file, and every example ever written is still understood, byte for byte."""

import pytest
from google.protobuf import json_format

from chassis.envelope import check, check_leaving
from tests.contracts.facts import published
from tests.contracts.golden import FOLDER, Golden, encoded, goldens_of, missing, shown, write
from tests.contracts.messages import events, reach_of
from throughcare.options.v1 import options_pb2

FILES = sorted(FOLDER.rglob("*.json"))
BY_TYPE = {each.DESCRIPTOR.full_name: each for each in events()}


def test_every_event_has_an_example_of_all_its_fields():
    assert [event.DESCRIPTOR.full_name for event, _ in missing()] == [], "run `make golden`"


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_an_example_is_of_an_event_that_is_still_known(path):
    golden = Golden.read(path)

    assert golden.type == path.parent.name
    assert golden.type in BY_TYPE, "an event ever told stays readable: a new meaning is a new message"


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_an_example_decodes_and_encodes_to_the_same_bytes(path):
    golden = Golden.read(path)
    event = BY_TYPE[golden.type]

    from_bytes = event.FromString(golden.value)
    from_json = json_format.ParseDict(golden.message, event())

    assert encoded(from_bytes) == golden.value
    assert encoded(from_json) == golden.value
    assert shown(from_bytes) == golden.message


@pytest.mark.parametrize("event", events(), ids=lambda event: event.DESCRIPTOR.full_name)
def test_the_examples_of_an_event_are_numbered_without_gaps(event):
    assert [int(golden.path.stem) for golden in goldens_of(event)] == list(range(1, len(goldens_of(event)) + 1))


def test_an_example_that_stands_is_never_written_over():
    standing = FILES[0]

    with pytest.raises(FileExistsError):
        write(BY_TYPE[standing.parent.name], int(standing.stem))


TOLD = [event for event in events() if any(golden.fact for golden in goldens_of(event)[-1:])]


@pytest.mark.parametrize("event", TOLD, ids=lambda event: event.DESCRIPTOR.full_name)
def test_a_publication_makes_the_example_of_its_fixed_fact(event):
    """The newest example is what the code tells today: another answer is a change of what partners receive."""
    newest = goldens_of(event)[-1]

    assert newest.value in {encoded(message) for message in published()[newest.fact] if isinstance(message, event)}


@pytest.mark.parametrize("fact", sorted(published()))
def test_every_fact_that_is_told_makes_messages_its_contract_allows(fact):
    for message in published()[fact]:
        assert type(message) in events(), f"{fact} tells what is no event"
        leaves = reach_of(message.DESCRIPTOR) == options_pb2.REACH_SHARE
        (check_leaving if leaves else check)(message)
