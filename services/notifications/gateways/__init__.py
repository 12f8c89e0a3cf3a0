"""Systems outside this service: one file each, behind what they have in common."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from notifications.domain.letter import Letter, Outcome


class Gateway(Protocol):
    """One way to hand a letter over.

    `send` never raises what its channel may do; it says SILENCE wherever the letter may have left without an answer,
    and anything else only where it is certain. `tells`: it can be asked what became of a reference.
    """

    tells: bool

    async def send(self, letter: Letter, address: str) -> Outcome:
        """Hand it over, under its reference."""

    async def ask(self, reference: UUID) -> Outcome:
        """What became of a reference: SENT or DELIVERED where it left, NOT_NOW where it did not."""


class Addresses(Protocol):
    """Who knows the addresses of those who are not in the contact book."""

    async def of(self, letter: Letter) -> str | Outcome:
        """The address for this letter, or why there is none. It is not kept."""
