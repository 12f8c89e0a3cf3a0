"""The console: letters as lines of JSON in a file or on standard output, for one machine. It stands in for pages and
text messages too. It shows whom a letter is for by his reference, never by an address."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

from notifications.domain.codes import Channel, Failure
from notifications.domain.letter import Answer, Letter, Outcome


class Console:
    """Writes each letter once. A file can be asked what stands in it; standard output cannot."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self.tells = file is not None

    async def send(self, letter: Letter, address: str) -> Outcome:
        """Write it; a page has been shown with that."""
        try:
            await asyncio.to_thread(self._write, _line(letter))
        except OSError:
            # What was written in part has no end of line and is no letter; standard output gives no such promise.
            return Outcome(answer=Answer.NOT_NOW if self.tells else Answer.SILENCE, reason=Failure.UNREACHABLE)
        return _arrived(letter.channel)

    async def ask(self, reference: UUID) -> Outcome:
        """Whether a whole line of this reference stands in the file."""
        channel = await asyncio.to_thread(self._find, str(reference))
        if channel is None:
            return Outcome(answer=Answer.NOT_NOW, reason=Failure.UNREACHABLE)
        return _arrived(channel)

    def _write(self, line: str) -> None:
        if self._file is None:
            sys.stdout.write(line)
            sys.stdout.flush()
            return
        descriptor = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            # One write of a whole line: it stands there, or it does not.
            if os.write(descriptor, line.encode()) != len(line.encode()):
                raise OSError
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _find(self, reference: str) -> Channel | None:
        if self._file is None or not self._file.exists():
            return None
        with self._file.open() as lines:
            for line in lines:
                if reference in line and line.endswith("}\n"):
                    return Channel(json.loads(line)["channel"])
        return None


def _line(letter: Letter) -> str:
    shown: dict[str, Any] = {
        "letter": str(letter.reference),
        "channel": letter.channel.value,
        "to": letter.ref,
        "subject": letter.subject,
        "body": letter.body,
    }
    return json.dumps(shown, ensure_ascii=False) + "\n"


def _arrived(channel: Channel) -> Outcome:
    return Outcome(answer=Answer.DELIVERED if channel is Channel.PAGE else Answer.SENT)
