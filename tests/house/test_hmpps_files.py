"""Messages are taken out of files as they stand there; a file that is none says so."""

import json

import pytest

from house.hmpps_import import LARGEST, files, messages
from house.trouble import Trouble


def test_a_file_holds_one_message_byte_for_byte(tmp_path):
    path = tmp_path / "one.json"
    path.write_bytes(b'{ "eventType" : "x" }\n')
    assert list(messages(path)) == [b'{ "eventType" : "x" }\n']


def test_what_is_no_json_is_sent_as_it_is_for_the_service_to_refuse(tmp_path):
    path = tmp_path / "one.json"
    path.write_bytes(b"\xff not json")
    assert list(messages(path)) == [b"\xff not json"]


def test_a_list_in_a_file_is_a_message_each(tmp_path):
    path = tmp_path / "many.json"
    path.write_text('[{"a": 1}, {"b": 2}]')
    assert [json.loads(message) for message in messages(path)] == [{"a": 1}, {"b": 2}]


def test_a_file_of_lines_is_a_message_a_line_and_empty_lines_are_none(tmp_path):
    path = tmp_path / "many.jsonl"
    path.write_bytes(b'{"a": 1}\r\n\n  \n{"b": 2}')
    assert list(messages(path)) == [b'{"a": 1}', b'{"b": 2}']


@pytest.mark.parametrize("name", ["one.json", "many.jsonl"])
def test_of_a_message_that_is_too_large_no_more_than_that_is_held(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"x" * (LARGEST * 4) + b"\n")
    (message,) = messages(path)
    assert LARGEST < len(message) <= LARGEST + 2


def test_a_folder_is_read_in_the_order_of_its_names_with_what_lies_below(tmp_path):
    (tmp_path / "below").mkdir()
    for name in ("b.json", "a.jsonl", "below/c.json", "notes.txt"):
        (tmp_path / name).write_text("{}")
    assert [path.name for path in files(tmp_path)] == ["a.jsonl", "b.json", "c.json"]


@pytest.mark.parametrize("there", [False, True], ids=["no such path", "an empty folder"])
def test_nothing_to_read_is_said_with_exit_code_2(tmp_path, there):
    path = tmp_path if there else tmp_path / "nowhere"
    with pytest.raises(Trouble) as said:
        files(path)
    assert said.value.code == 2
