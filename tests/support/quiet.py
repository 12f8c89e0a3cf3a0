"""Whether houses have come to rest: everything told has been heard, parked or quarantined, and nothing is due."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from chassis.database import TRY_AGAIN
from chassis.shares import between_houses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chassis.service import Parts
    from tests.support.house import House

_HEADS = "select topic, key, seq from stream_head"
_HEARD = "select key, seq from watermark where grp = $1 and topic = $2"
_PARKED = "select distinct key from parked where grp = $1 and topic = $2"
_DOUBTED = "select distinct source from quarantined where topic = $1"
# What waits for a house that is suspended waits until it is resumed.
_WAITS = "select exists (select from pending where not held)"


async def until_quiet(houses: Sequence[House], *, within: float) -> None:
    """Wait until they have come to rest; fails saying which has not, and why."""
    why = "nothing was looked at"
    try:
        async with asyncio.timeout(within):
            while why := await _unquiet(houses):
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"not at rest: {why}") from None


async def _unquiet(houses: Sequence[House]) -> str:
    every = [(house.node, name, parts) for house in houses for name, parts in house.parts.items()]
    for node, name, parts in every:
        if await _fired(parts):
            return f"{name} of {node} had a promise due"
        for loop in parts.outside:
            if await loop.turn():
                return f"{name} of {node} had something to do outside"
    for node, name, parts in every:
        async with parts.database.connection() as conn:
            if await conn.fetchval(_WAITS):
                return f"{name} of {node} has rows to send"
    for node, name, parts in every:
        async with parts.database.connection() as conn:
            heads = await conn.fetch(_HEADS)
        for hearing, _, hearer in every:
            if why := await _unheard(hearer, heads, node):
                return f"in {hearing}, of {name} of {node}, {why}"
    return ""


async def _fired(parts: Parts) -> bool:
    try:
        return await parts.deadlines.fire()
    except TRY_AGAIN:  # the service's own loop was at it, too, and has it
        return True


async def _unheard(hearer: Parts, heads: Sequence[Any], teller: str) -> str:
    for inbox in hearer.inboxes:
        for topic in {head["topic"] for head in heads} & set(inbox.topics):
            between = between_houses(topic)
            async with hearer.database.connection() as conn:
                seen = {row["key"]: row["seq"] for row in await conn.fetch(_HEARD, inbox.group, topic)}
                parked = {row["key"] for row in await conn.fetch(_PARKED, inbox.group, topic)}
                doubted = {row["source"] for row in await conn.fetch(_DOUBTED, topic)} if between else set()
            for head in heads:
                key = f"{teller}/{head['key']}" if between else head["key"]
                if head["topic"] != topic or key in parked or (key not in seen and teller in doubted):
                    continue
                if seen.get(key, 0) < head["seq"]:
                    return f"{inbox.group} has not heard {topic}"
    return ""
