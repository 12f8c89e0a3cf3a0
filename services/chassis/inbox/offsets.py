"""How far a group has read each partition: in PostgreSQL, moved by compare-and-set, so that it is a fence too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chassis.bus import Place

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from chassis.database import Connection

_KNOWN = "select topic, partition, next from consumer_offset where cluster = $1 and grp = $2"
_ADVANCE = """
with moved as (
    update consumer_offset as held set next = given.next
    from unnest($3::text[], $4::int[], $5::bigint[], $6::bigint[]) as given(topic, partition, expected, next)
    where held.cluster = $1 and held.grp = $2 and held.topic = given.topic and held.partition = given.partition
        and held.next = given.expected
    returning 1
)
select house_now() as at, (select count(*) from moved) as moved
"""
_BEGIN = """
insert into consumer_offset (cluster, grp, topic, partition, next)
select $1, $2, * from unnest($3::text[], $4::int[], $5::bigint[]) order by 3, 4 on conflict do nothing
"""
_PUT = "update consumer_offset set next = $5 where cluster = $1 and grp = $2 and topic = $3 and partition = $4"
_SEEN = "insert into bus_seen values ($1, $2) on conflict (grp) do update set cluster = excluded.cluster"


class Fenced(Exception):  # noqa: N818 - not an error: somebody else has the partition
    """The table does not stand where this member believed: it is a zombie."""


class Offsets:
    """One group's offsets on one cluster. `expected` is what the table is believed to hold: set when it is read,
    moved only after a commit."""

    def __init__(self, group: str) -> None:
        self.group, self.cluster = group, ""
        self.expected: dict[Place, int] = {}

    async def seen(self, conn: Connection) -> str | None:
        """The cluster this group last spoke to."""
        return await conn.fetchval("select cluster from bus_seen where grp = $1", self.group)  # type: ignore[no-any-return]

    async def see(self, conn: Connection) -> None:
        """From now on it is this one."""
        await conn.execute(_SEEN, self.group, self.cluster)

    async def read(self, conn: Connection) -> dict[Place, int]:
        """What the table says."""
        rows = await conn.fetch(_KNOWN, self.cluster, self.group)
        found = {Place(row["topic"], row["partition"]): row["next"] for row in rows}
        # Added to, not replaced: two readers may overlap, and what one of them began the other may not see yet.
        self.expected.update(found)
        return found

    async def begin(self, conn: Connection, first: Mapping[Place, int]) -> None:
        """Partitions that the table does not know begin here."""
        places = sorted(first)
        await conn.execute(
            _BEGIN, self.cluster, self.group, [p.topic for p in places], [p.partition for p in places],
            [first[p] for p in places],
        )  # fmt: skip

    async def put(self, conn: Connection, offsets: Mapping[Place, int]) -> None:
        """Set them, whatever they were; only after what lies between was read from the journals."""
        for place, offset in sorted(offsets.items()):
            await conn.execute(_PUT, self.cluster, self.group, *place, offset)

    async def advance(self, conn: Connection, following: Mapping[Place, int]) -> datetime:
        """Move on, in the transaction of the effects; Fenced where the table is not where it is believed to be.

        Returns the time: the clock is read with it."""
        places = sorted(following)
        (row,) = await conn.fetch(
            _ADVANCE, self.cluster, self.group, [p.topic for p in places], [p.partition for p in places],
            [self.expected[p] for p in places], [following[p] for p in places],
        )  # fmt: skip
        if row["moved"] != len(places):
            raise Fenced
        return row["at"]  # type: ignore[no-any-return]


async def accept_bus(conn: Connection, group: str) -> None:
    """An operator's word, after the runbook, that the bus was replaced: the group reads the journals and goes on."""
    await conn.execute("delete from bus_seen where grp = $1", group)
