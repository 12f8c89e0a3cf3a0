"""What is wrong with a referral file is known line by line, in bounded memory, before any service is asked."""

import io
import tracemalloc

import pytest

from house.referral_file import COLUMNS, LONGEST, Line, read
from house.trouble import Trouble

HEADER = ",".join(COLUMNS).encode()
ROW = b",".join([b"DELIUS", b"ref-1", *[b""] * 36])


def lines_of(*lines: bytes, end: bytes = b"\n") -> list[Line]:
    return list(read(io.BytesIO(end.join([HEADER, *lines, b""]))))


def test_the_header_is_that_of_the_rules():
    assert len(COLUMNS) == 38
    assert COLUMNS[:3] == ["source", "external_reference", "programme"]
    assert COLUMNS[-1] == "needs"


@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["without mark", "with byte order mark"])
def test_rows_are_read_with_their_line_numbers(end, mark):
    found = list(read(io.BytesIO(mark + HEADER + end + ROW + end + end + ROW)))
    assert [line.number for line in found] == [2, 4]
    assert found[0].values[:2] == ("DELIUS", "ref-1")
    assert found[0].fault == ""


@pytest.mark.parametrize(
    "first",
    [
        b"",
        HEADER + b",extra",
        HEADER.replace(b"crn", b"CRN"),
        HEADER.replace(b",", b";"),
        b" " + HEADER,
        b"\xef\xbb\xbf\xef\xbb\xbf" + HEADER,
        b"x" * (LONGEST + 10),
    ],
    ids=["empty", "more", "case", "semicolons", "blank before", "two marks", "too long"],
)
def test_another_first_line_refuses_the_file(first):
    with pytest.raises(Trouble, match="unknown_column") as refused:
        list(read(io.BytesIO(first + b"\n" + ROW if first else b"")))
    assert refused.value.code == 2


def with_name(name: bytes) -> bytes:
    values = ROW.split(b",")
    values[18] = name
    return b",".join(values)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (ROW, ""),
        (with_name(b'"Invented, Sam"'), ""),
        (with_name(b'"called ""Sam"""'), ""),
        (with_name("Zoë".encode()), ""),
        (ROW + b",", "line:INVALID_FORMAT"),
        (ROW[:-1], "line:INVALID_FORMAT"),
        (b"just words", "line:INVALID_FORMAT"),
        (with_name(b'"never closed'), "line:INVALID_FORMAT"),
        (with_name(b'"closed"too early'), "line:INVALID_FORMAT"),
        (with_name(b"n" * LONGEST), "line:TOO_LONG"),
        (with_name(b"n" * (3 * LONGEST)), "line:TOO_LONG"),
        (with_name(b"n" * (LONGEST - len(ROW))), ""),
        (with_name(b"n" * (LONGEST - len(ROW) + 1)), "line:TOO_LONG"),
    ],
    ids=[
        "good", "comma in quotes", "quotes in quotes", "not ASCII", "a field more", "a field less", "no fields",
        "open quote", "text after a quote", "too long", "much too long", "exactly the longest", "one more",
    ],
)  # fmt: skip
@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
def test_a_fault_of_a_line_is_that_line_s_alone(line, fault, end):
    before, it, after = lines_of(ROW, line, ROW, end=end)
    assert (before.fault, it.fault, after.fault) == ("", fault, "")
    assert (before.number, it.number, after.number) == (2, 3, 4)


def test_a_line_that_is_not_utf_8_stops_the_reading_with_its_number():
    reading = read(io.BytesIO(b"\n".join([HEADER, ROW, with_name(b"\xff\xfe"), ROW])))
    assert next(reading).number == 2
    with pytest.raises(Trouble, match="Line 3 is not UTF-8") as stopped:
        next(reading)
    assert stopped.value.code == 2


def test_a_line_without_end_takes_no_more_memory_than_a_short_one(tmp_path):
    file = tmp_path / "endless.csv"
    with file.open("wb") as out:
        out.write(HEADER + b"\n")
        for _ in range(320):
            out.write(b"x" * LONGEST)  # 20 MiB
    tracemalloc.start()
    with file.open("rb") as source:
        assert [line.fault for line in read(source)] == ["line:TOO_LONG"]
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 2 * 1024 * 1024
