"""`doctor --audit`: journals, topics, watermarks and projections of a running house compared at stated positions.

First the journals are looked at, then the bus, then what each group has applied: whatever the first look saw as sent
must stand on the bus (as far back as it keeps records) and, where a group has read that far, have been applied or be
parked. Nothing is changed; a projection is rebuilt beside the live one and thrown away.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

import asyncpg

from house import bus_reading, digests, streams, topics
from house.composition import client_of
from house.environment import read_url
from house.names import SERVICES
from house.postgres import database_of, named
from house.status import group_ids, running
from house.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from house.folder import Folder, Run

_SHOWN: Final = 20
DECIDING: Final = ("lost", "ghost", "doubled", "out_of_order")


@dataclass
class Audit:
    """What was found; the first four and the digest decide. `repeated` counts records sent again, which is allowed."""

    lost: int = 0
    ghost: int = 0
    doubled: int = 0
    out_of_order: int = 0
    parked: int = 0
    held: int = 0
    pending: int = 0
    unknown_notices: int = 0
    digest_equal: bool = True
    repeated: int = 0
    facts: int = 0
    records: int = 0
    lag: int = 0
    positions: dict[str, int] = field(default_factory=dict)
    offsets: dict[str, int] = field(default_factory=dict)
    digests: dict[str, dict[str, Any]] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Nothing lost, invented, doubled or out of order, and the projections are what the journals say."""
        return not any(getattr(self, name) for name in DECIDING) and self.digest_equal

    def note(self, findings: Iterator[streams.Finding]) -> None:
        """Count findings and keep the first few in words."""
        for what, text in findings:
            setattr(self, what, getattr(self, what) + 1)
            self.say(f"{what}: {text}")

    def say(self, text: str) -> None:
        """Keep a finding in words, as long as there are few."""
        if len(self.findings) < _SHOWN:
            self.findings.append(text)

    def as_json(self) -> dict[str, Any]:
        """What `doctor --audit --json` prints."""
        return {**asdict(self), "clean": self.clean}


async def audit(folder: Folder) -> Audit:
    """Look at everything once. Raises `Trouble` where the databases or the bus do not answer."""
    run = running(folder)
    found = Audit()
    try:
        await _compare(folder, run, found)
        await digests.compare(folder, run, found)
    except bus_reading.BusAway:
        raise Trouble("The bus does not answer.", mend="Wait until it is back, then audit again.") from None
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as away:
        raise Trouble(
            f"A database does not answer ({type(away).__name__}).", mend="Wait until it is back, then audit again."
        ) from None
    return found


async def _compare(folder: Folder, run: Run, found: Audit) -> None:
    url = read_url(folder)
    databases = {service: named(url, database_of(run.node, service)) for service in SERVICES}
    told: streams.Journals = {}
    for service, database in databases.items():
        figures, journal = await streams.journal(database)
        found.pending, found.parked = found.pending + figures.pending, found.parked + figures.parked
        found.held, found.unknown_notices = found.held + figures.held, found.unknown_notices + figures.unknown
        found.positions[service] = figures.position
        found.facts += sum(len(events) for events in journal.values())
        told |= journal
    found.note(streams.numbered(told))

    client = client_of(run.bus_servers)
    seen = await asyncio.to_thread(bus_reading.look, client, [topic.name for topic in topics.registry(run.node)])
    on_bus = await asyncio.to_thread(streams.on_bus, client, seen.extents)
    found.records, found.repeated = on_bus.records, on_bus.repeated
    found.offsets = {f"{place.topic}/{place.partition}": extent.end for place, extent in seen.extents.items()}
    found.note(iter(on_bus.findings))
    keeps_all = run.bus != "embedded" and _nothing_expired(seen) and await _first_of_all(databases, seen.cluster)
    found.note(streams.sent(told, on_bus, keeps_all=keeps_all))
    for service, database in databases.items():
        found.note(iter(await streams.committed(database, f"{run.node}.{service}.v1", on_bus)))
        for group, read in group_ids(run.node, service).items():
            applied = await streams.applied(database, seen, group, read)
            found.lag += applied.lag
            found.note(streams.effective(told, on_bus, applied, await streams.heads(databases, read)))
        found.note(iter(await streams.twice(database, told)))


async def _first_of_all(databases: Mapping[str, str], cluster: str) -> bool:
    """Whether no group here ever read another bus: one that was put in its place holds only what was told since."""
    return not any([await streams.read_another(database, cluster) for database in databases.values()])


def _nothing_expired(seen: bus_reading.Seen) -> bool:
    """Whether the bus still holds everything ever sent."""
    return not any(extent.first for extent in seen.extents.values())
