"""The ways to hand a letter over: one contract for all of them, and SMTP against a real server that misbehaves."""

from __future__ import annotations

import asyncio
import json
import socket
import stat
import time
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from aiosmtpd.controller import Controller

from notifications.domain.codes import Channel, Failure, Kind
from notifications.domain.letter import Answer, Letter, Outcome, Part
from notifications.gateways.console import Console
from notifications.gateways.email import Email
from tests.notifications.gateways import Memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ADDRESS = "ew-1@together.example"
NOT_NOW, NEVER, SENT, SILENCE = Answer.NOT_NOW, Answer.NEVER, Answer.SENT, Answer.SILENCE


def a_letter(channel: Channel = Channel.EMAIL, **given: Any) -> Letter:
    reference = uuid4()
    fitting: dict[str, Any] = {
        "reference": reference,
        "channel": channel,
        "kind": Kind.STAFF,
        "ref": "staff-ew-1",
        "case_id": uuid4(),
        "subject": "Case 7KQ2-M9RJ: a promise is late",
        "body": "First line\n.\n.. dots – and a dash\nlast line",
        "address": ADDRESS,
        "parts": (Part(notice_id=reference, attempt=1),),
    }
    return Letter(**fitting | given)


@dataclass
class Server:
    """A mail server that keeps what it takes and answers as it is told."""

    rcpt: str = "250 OK"
    data: str = "250 Taken"
    waits: float = 0
    hangs_up: bool = False
    taken: list[Any] = field(default_factory=list)

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if self.rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.data.startswith("250"):
            self.taken.append(envelope)
        if self.hangs_up:
            server.transport.close()
        await asyncio.sleep(self.waits)
        return self.data

    @property
    def references(self) -> list[str]:
        return [line for e in self.taken for line in e.content.decode().splitlines() if line.startswith("Message-ID")]


@pytest.fixture
def server() -> Iterator[Server]:
    handler = Server()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    handler.port = port  # type: ignore[attr-defined]
    yield handler
    controller.stop()


def mail(server: Any, **given: Any) -> Email:
    fitting = {"host": "127.0.0.1", "port": server.port, "sender": "Together <no-reply@together.example>", "seconds": 2}
    return Email(**fitting | {"security": "NONE"} | given)


@dataclass
class Outside:
    """A gateway with a look at what arrived behind it."""

    gateway: Any
    arrived: Callable[[], list[str]]
    refuses: Callable[[], None]


@pytest.fixture(params=["memory", "memory that tells", "console", "e-mail"])
def outside(request: pytest.FixtureRequest, tmp_path: Path, server: Server) -> Outside:
    if request.param.startswith("memory"):
        memory = Memory(tells=request.param.endswith("tells"))
        refuse = Outcome(answer=NOT_NOW, reason=Failure.BUSY)
        return Outside(memory, lambda: [str(x.reference) for x in memory.taken], lambda: memory.answers.append(refuse))
    if request.param == "console":
        folder = tmp_path / "letters"
        folder.mkdir()
        file = folder / "letters.jsonl"

        def lines() -> list[str]:
            return [json.loads(line)["letter"] for line in file.read_text().splitlines()] if file.exists() else []

        return Outside(Console(file), lines, file.mkdir)

    def ids() -> list[str]:
        return [reference.split("<")[1].split("@")[0] for reference in server.references]

    def busy() -> None:
        server.rcpt = "450 Later"

    return Outside(mail(server), ids, busy)


async def test_what_it_says_it_took_has_arrived_once_under_its_reference(outside: Outside) -> None:
    letter = a_letter()

    assert (await outside.gateway.send(letter, ADDRESS)).answer is SENT
    assert outside.arrived() == [str(letter.reference)]


async def test_what_it_says_it_did_not_take_has_not_arrived(outside: Outside) -> None:
    outside.refuses()

    outcome = await outside.gateway.send(a_letter(), ADDRESS)

    assert outcome.answer is NOT_NOW
    assert outcome.reason is not None
    if not isinstance(outside.gateway, Console):
        assert outside.arrived() == []


async def test_it_says_what_became_of_a_reference_or_that_it_cannot(outside: Outside) -> None:
    letter = a_letter()
    await outside.gateway.send(letter, ADDRESS)
    there, not_there = await outside.gateway.ask(letter.reference), await outside.gateway.ask(uuid4())

    if outside.gateway.tells:
        assert (there.answer, not_there.answer) == (SENT, NOT_NOW)
    else:
        assert not_there.answer is SILENCE


async def test_a_letter_arrives_whole_as_written_and_from_us(server: Server) -> None:
    letter = a_letter()
    await mail(server).send(letter, ADDRESS)

    [envelope] = server.taken
    message: Any = message_from_bytes(envelope.content, policy=default)
    assert (envelope.mail_from, envelope.rcpt_tos) == ("no-reply@together.example", [ADDRESS])
    assert message["Subject"] == letter.subject
    assert message["Message-ID"] == f"<{letter.reference}@together.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content().splitlines() == letter.body.splitlines()


@pytest.mark.parametrize(
    ("rcpt", "data", "answer", "reason"),
    [
        ("450 Later", "250 Taken", NOT_NOW, Failure.BUSY),
        ("550 Nobody", "250 Taken", NEVER, Failure.REFUSED),
        ("250 OK", "451 Later", NOT_NOW, Failure.BUSY),
        ("250 OK", "554 Never", NEVER, Failure.REFUSED),
    ],
)
async def test_the_server_s_word_is_for_now_or_for_good(
    server: Server, rcpt: str, data: str, answer: Answer, reason: Failure
) -> None:
    server.rcpt, server.data = rcpt, data

    assert await mail(server).send(a_letter(), ADDRESS) == Outcome(answer=answer, reason=reason)
    assert server.taken == []


async def test_a_server_that_takes_it_and_says_nothing_leaves_it_unknown(server: Server) -> None:
    server.waits = 3
    began = time.monotonic()

    outcome = await mail(server, seconds=0.4).send(a_letter(), ADDRESS)

    assert outcome.answer is SILENCE
    assert time.monotonic() - began < 2
    assert len(server.taken) == 1


async def test_a_server_that_hangs_up_after_the_text_leaves_it_unknown(server: Server) -> None:
    server.hangs_up = True

    assert (await mail(server).send(a_letter(), ADDRESS)).answer is SILENCE
    assert len(server.taken) == 1


async def test_nobody_at_the_door_means_that_nothing_left() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]

    outcome = await Email(host="127.0.0.1", port=port, sender="a@x.example", security="NONE").send(a_letter(), ADDRESS)

    assert outcome == Outcome(answer=NOT_NOW, reason=Failure.UNREACHABLE)


async def test_a_server_that_never_greets_is_given_up_and_holds_nobody(server: Server) -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        gateway = Email(
            host="127.0.0.1", port=mute.getsockname()[1], sender="a@x.example", security="NONE", seconds=0.3
        )
        outcomes = await asyncio.gather(*(gateway.send(a_letter(), ADDRESS) for _ in range(6)))

    assert set(outcomes) == {Outcome(answer=NOT_NOW, reason=Failure.UNREACHABLE)}


async def test_a_server_without_the_security_asked_for_is_our_fault_and_gets_no_letter(server: Server) -> None:
    outcome = await mail(server, security="STARTTLS").send(a_letter(), ADDRESS)

    assert outcome == Outcome(answer=Answer.BROKEN, reason=Failure.MISCONFIGURED)
    assert server.taken == []


@pytest.mark.parametrize("address", ["a@x.example\r\nBcc: b@y.example", "nobody", ""])
async def test_what_is_no_address_reaches_no_server(server: Server, address: str) -> None:
    outcome = await mail(server).send(a_letter(), address)

    assert outcome == Outcome(answer=NEVER, reason=Failure.NO_ADDRESS)
    assert server.taken == []


async def test_the_console_shows_a_reference_for_an_address_and_only_its_owner(tmp_path: Path) -> None:
    file = tmp_path / "letters.jsonl"
    await Console(file).send(a_letter(Channel.PAGE), ADDRESS)
    [line] = file.read_text().splitlines()

    assert json.loads(line)["to"] == "staff-ew-1"
    assert ADDRESS not in line
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_a_page_on_the_console_has_been_shown(tmp_path: Path) -> None:
    gateway = Console(tmp_path / "letters.jsonl")
    letter = a_letter(Channel.PAGE)

    assert (await gateway.send(letter, "")).answer is Answer.DELIVERED
    assert (await gateway.ask(letter.reference)).answer is Answer.DELIVERED


async def test_a_line_that_was_cut_off_is_no_letter(tmp_path: Path) -> None:
    file, letter = tmp_path / "letters.jsonl", a_letter()
    file.write_text(f'{{"letter": "{letter.reference}", "channel": "EMAIL", "su')

    assert (await Console(file).ask(letter.reference)).answer is NOT_NOW


async def test_without_a_file_it_writes_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    letter = a_letter(Channel.SMS)

    assert (await Console().send(letter, "+447700900123")).answer is SENT
    assert json.loads(capsys.readouterr().out)["letter"] == str(letter.reference)


def test_a_letter_never_shows_its_address_or_text() -> None:
    assert ADDRESS not in repr(a_letter())
    assert "promise" not in repr(a_letter())
