"""A gateway and an address book in memory. The gateway passes the contract of the real ones (`test_gateways.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from notifications.domain.codes import Channel
from notifications.domain.letter import Answer, Letter, Outcome

SENT = Outcome(answer=Answer.SENT)
SILENCE = Outcome(answer=Answer.SILENCE)


@dataclass
class Memory:
    """Keeps what it took. `answers` are given in turn before it takes anything; SILENCE takes it and says nothing."""

    tells: bool = False
    taken: list[Letter] = field(default_factory=list)
    addressed: list[str] = field(default_factory=list)
    answers: list[Outcome | BaseException] = field(default_factory=list)

    async def send(self, letter: Letter, address: str) -> Outcome:
        answer = self.answers.pop(0) if self.answers else _arrived(letter.channel)
        if isinstance(answer, BaseException):
            raise answer
        if answer.answer in {Answer.SENT, Answer.DELIVERED, Answer.SILENCE}:
            self.taken.append(letter)
            self.addressed.append(address)
        return answer

    async def ask(self, reference: UUID) -> Outcome:
        for letter in self.taken:
            if letter.reference == reference:
                return _arrived(letter.channel)
        return Outcome(answer=Answer.NOT_NOW) if self.tells else SILENCE

    @property
    def bodies(self) -> Sequence[str]:
        return [letter.body for letter in self.taken]


def _arrived(channel: Channel) -> Outcome:
    return Outcome(answer=Answer.DELIVERED) if channel is Channel.PAGE else SENT


@dataclass
class Addressed:
    """Who is not in the contact book, by case; asked each time."""

    address: str | Outcome = "practitioner@probation.example"
    asked: list[Letter] = field(default_factory=list)

    async def of(self, letter: Letter) -> str | Outcome:
        self.asked.append(letter)
        return self.address
