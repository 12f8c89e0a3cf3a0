"""Sends what is due: claimed and committed, its channel called without a transaction, the answer recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from notifications import commands
from notifications.domain.codes import Channel, Failure, Kind
from notifications.domain.letter import Answer, Letter, Outcome
from notifications.gateways import Addresses, Gateway
from notifications.storage import Work

# With the gateways' own limits this stays below the lease of a claim.
BEGIN_WITHIN = 30.0


class Sender:
    """One gateway and the channels it serves. A gateway that is slow holds up nobody else's letters."""

    def __init__(self, gateway: Gateway, channels: Sequence[Channel], addresses: Addresses) -> None:
        self.name = f"notices_{'_'.join(channel.lower() for channel in channels)}"
        self._gateway, self._channels, self._addresses = gateway, tuple(channels), addresses

    async def claim(self, work: Work) -> Sequence[Letter]:
        """What is to be sent now, taken for a minute."""
        tells = frozenset(self._channels) if self._gateway.tells else frozenset[Channel]()
        now = asyncio.get_running_loop().time()
        letters: list[Letter] = await commands.claim_notices.inside(work, self._channels, tells)
        return [replace(letter, taken_at=now) for letter in letters]

    async def call(self, item: Letter) -> Outcome:
        """Call the channel; who is not of the house is asked for now, and his address is not kept.

        What waited too long for its turn is not begun: its claim might end while its channel is being called.
        """
        if asyncio.get_running_loop().time() - item.taken_at > BEGIN_WITHIN:
            return Outcome(answer=Answer.NOT_NOW, reason=Failure.BUSY)
        if item.asks:
            return await self._gateway.ask(item.reference)
        if item.kind in {Kind.STAFF, Kind.TEAM} or item.channel is Channel.PAGE:
            return await self._gateway.send(item, item.address)
        found = await self._addresses.of(item)
        if isinstance(found, Outcome):
            return found
        return await self._gateway.send(item, found)

    async def record(self, work: Work, item: Letter, outcome: Outcome) -> None:
        """Write down what the channel said. Silence is written by nobody: the lease ends, and it is unknown."""
        if outcome.answer is not Answer.SILENCE:
            await commands.record_answer.inside(work, item, outcome)
