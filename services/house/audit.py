"""`doctor --audit`: journals, topics, watermarks and projections of running houses compared at stated positions.

First the journals are looked at, then the bus, then what each group has applied: whatever the first look saw as sent
must stand on the bus (as far back as it keeps records) and, where a group has read that far, have been applied or be
parked. What one house told another is followed across both. Nothing is changed; a projection is rebuilt beside the
live one and thrown away.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from house import bus_access, bus_reading, digests, streams
from house.environment import read_url
from house.postgres import AWAY, database_of, named
from house.status import registry, running
from house.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from house.folder import Folder, Run
    from house.streams import Owner

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
    quarantined: int = 0
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
    """Look once at every house, or at the named one. Raises `Trouble` where the databases or the bus do not answer."""
    run = running(folder)
    wanted = tuple(house.node for house in folder.houses() if house.node in run.houses)
    found = Audit()
    try:
        await _compare(folder, run, wanted, found)
        for node in wanted:
            await digests.compare(folder, replace(run, node=node), found)
    except bus_reading.BusAway:
        raise Trouble("The bus does not answer.", mend="Wait until it is back, then audit again.") from None
    except AWAY as away:
        raise Trouble(
            f"A database does not answer ({type(away).__name__}).", mend="Wait until it is back, then audit again."
        ) from None
    return found


async def _compare(folder: Folder, run: Run, wanted: Sequence[str], found: Audit) -> None:
    url, known = read_url(folder), registry(folder)
    between = frozenset(topic.name for topic in known.topics if topic.between_houses)
    services = [(node, service) for node in wanted for service in run.houses[node].addresses]
    databases = {each: named(url, database_of(*each)) for each in services}
    told = await _journals(databases, between, found)
    found.note(streams.numbered(told))

    client = bus_access.reader(folder, bus=run.bus, servers=run.bus_servers)
    names = [topic.name for topic in known.topics if topic.house in (*wanted, "")]
    seen = await asyncio.to_thread(bus_reading.look, client, names)
    on_bus = await asyncio.to_thread(streams.on_bus, client, seen.extents, between)
    found.records, found.repeated = on_bus.records, on_bus.repeated
    found.offsets = {f"{place.topic}/{place.partition}": extent.end for place, extent in seen.extents.items()}
    found.note(iter(on_bus.findings))
    looked_at = {stream: events for stream, events in told.items() if stream[0] in names}
    keeps_all = run.bus != "embedded" and _nothing_expired(seen) and await _first_of_all(databases, seen.cluster)
    found.note(streams.sent(looked_at, on_bus, keeps_all=keeps_all))
    for each, database in databases.items():
        found.note(iter(await streams.committed(database, each, on_bus, between)))
        for group, read in known.groups_of(*each).items():
            applied = await streams.applied(database, seen, group, read)
            found.lag += applied.lag
            newest = await streams.heads(databases, read, between)
            found.note(streams.effective(told, on_bus, streams.told_by(applied, databases, between), newest))
        found.note(iter(await streams.twice(database, told)))


async def _first_of_all(databases: Mapping[Owner, str], cluster: str) -> bool:
    """Whether no group here ever read another bus: one that was put in its place holds only what was told since."""
    return not any([await streams.read_another(database, cluster) for database in databases.values()])


async def _journals(databases: Mapping[Owner, str], between: frozenset[str], found: Audit) -> streams.Journals:
    """What every service told; its figures are counted on the way."""
    told: streams.Journals = {}
    single = len({node for node, _ in databases}) == 1
    for (node, service), database in databases.items():
        figures, journal = await streams.journal(database, node, between)
        found.pending, found.parked = found.pending + figures.pending, found.parked + figures.parked
        found.held, found.unknown_notices = found.held + figures.held, found.unknown_notices + figures.unknown
        found.quarantined += figures.quarantined
        found.positions[service if single else f"{node}.{service}"] = figures.position
        found.facts += sum(len(events) for events in journal.values())
        told |= journal
    return told


def _nothing_expired(seen: bus_reading.Seen) -> bool:
    """Whether the bus still holds everything ever sent."""
    return not any(extent.first for extent in seen.extents.values())
