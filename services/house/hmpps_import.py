"""`throughcare import hmpps`: messages of HMPPS from a file or a folder, sent one by one through the public door.

A `.jsonl` file holds a message a line, any other file one message, or a JSON list of them. What a message is, the
service judges; here only its size is known to be too much.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from house.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from chassis.access import Actor
    from house.clients import Clients

LARGEST: Final = 256 * 1024
ANSWERS: Final = ("TAKEN", "IGNORED", "REFUSED")
NO_TYPE: Final = "(no type)"
_SUFFIXES: Final = (".json", ".jsonl")


@dataclass
class Counted:
    """Answers by type of event, and the codes of refusals."""

    answers: Counter[tuple[str, str]] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)

    @property
    def messages(self) -> int:
        """How many were sent."""
        return sum(self.answers.values())

    def of(self, answer: str) -> dict[str, int]:
        """Counts by type for one answer."""
        return {kind: count for (given, kind), count in sorted(self.answers.items()) if given == answer}

    @property
    def exit_code(self) -> int:
        """1 where a message was refused."""
        return 1 if self.of("REFUSED") else 0


def files(path: Path) -> list[Path]:
    """The files to read, in the order of their names. Raises `Trouble` where there are none."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise Trouble(f"There is no file or folder {path}.", code=2)
    found = sorted(each for each in path.rglob("*") if each.suffix in _SUFFIXES and each.is_file())
    if not found:
        raise Trouble(f"There is no .json or .jsonl file in {path}.", code=2)
    return found


def messages(path: Path) -> Iterator[bytes]:
    """The messages of one file, as they stand in it; never more than one message is held."""
    if path.suffix == ".jsonl":
        with path.open("rb") as lines:
            while piece := lines.readline(LARGEST + 2):
                whole = piece
                while not piece.endswith(b"\n") and (piece := lines.readline(LARGEST)):
                    pass  # the rest of a line that is too long: what is held says enough
                if whole.strip():
                    yield whole.strip(b"\r\n")
        return
    with path.open("rb") as one:
        whole = one.read(LARGEST + 1)
    if whole.lstrip()[:1] == b"[":
        yield from _listed(path.read_bytes())
    else:
        yield whole


def _listed(text: bytes) -> Iterator[bytes]:
    try:
        found = json.loads(text)
    except ValueError:
        yield text[: LARGEST + 1]
        return
    for each in found:
        yield json.dumps(each).encode()


async def run(clients: Clients, actor: Actor, paths: list[Path], *, progress: Callable[[], Any]) -> Counted:
    """Send every message of these files; `progress` is told of each."""
    found = Counted()
    for path in paths:
        for message in messages(path):
            answer, kind, codes = await _sent(clients, actor, message)
            found.answers[answer, kind or NO_TYPE] += 1
            found.codes.update(codes)
            progress()
    return found


async def _sent(clients: Clients, actor: Actor, message: bytes) -> tuple[str, str, tuple[str, ...]]:
    if len(message) > LARGEST:
        return "REFUSED", "", ("message:TOO_LONG",)
    # A key of its own for each: a message about a man not known now may be taken another time.
    answer = await clients.call(actor, "ReceiveExternalEvent", source="HMPPS", message=_base64(message))
    return answer.outcome, answer.event_type, tuple(answer.codes)


def _base64(message: bytes) -> str:
    """Bytes as the JSON form of a contract writes them."""
    return base64.b64encode(message).decode()
