"""What came in from other houses and was not believed: who it claimed to be from, why, and a digest; never content."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from chassis.database import Connection

KEPT: Final = timedelta(days=90)
# A flood must not fill the table: of what follows within an hour only the count goes on, in the metrics.
MOST_AN_HOUR: Final = 1_000
_KEEP: Final = """
insert into quarantined (topic, partition, record_offset, source, reason, digest, at)
select topic, partition, record_offset, source, reason, digest, $1
from unnest($2::text[], $3::int[], $4::bigint[], $5::text[], $6::text[], $7::bytea[]) with ordinality
    as given(topic, partition, record_offset, source, reason, digest, nth)
where (select count(*) from quarantined where at > $1::timestamptz - interval '1 hour') < $8 order by nth
"""


@dataclass(frozen=True, kw_only=True)
class Quarantined:
    """One record: where it lay, who it claimed to be from, and why it was not believed."""

    topic: str
    partition: int
    offset: int
    source: str
    reason: str
    value: bytes


async def keep(conn: Connection, found: Sequence[Quarantined], *, at: datetime) -> None:
    """Write them down, with the effects of the batch they came in; what is older than 90 days goes."""
    if not found:
        return
    await conn.execute(
        _KEEP,
        at,
        [each.topic for each in found],
        [each.partition for each in found],
        [each.offset for each in found],
        [each.source[:63] for each in found],
        [each.reason for each in found],
        [hashlib.sha256(each.value).digest() for each in found],
        MOST_AN_HOUR,
    )
    await conn.execute("delete from quarantined where at < $1", at - KEPT)
