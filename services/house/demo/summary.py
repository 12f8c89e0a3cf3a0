"""What there is to see after the story: counts per service, addresses, three things to try."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import asyncpg

from chassis.access import Purpose
from house import output, staff
from house.clients import Clients
from house.environment import read_url
from house.postgres import database_of, named
from house.status import running

if TYPE_CHECKING:
    from house.folder import Folder


@dataclass(frozen=True)
class Summary:
    """Counts and addresses of a played house."""

    data: str
    counts: dict[str, dict[str, int]]
    cases: dict[str, int]
    addresses: dict[str, dict[str, str]]
    reference: str

    def as_json(self) -> dict[str, Any]:
        """The same for programs."""
        return {"counts": self.counts, "cases": self.cases, "addresses": self.addresses, "reference": self.reference}

    def show(self) -> None:
        """The same for people."""
        columns = ("service", "facts", "told", "promises missed", "gRPC", "operations")
        rows = [
            (service, held["facts"], held["told"], held["missed"], *self.addresses[service].values())
            for service, held in self.counts.items()
        ]
        output.table(columns, rows)
        output.line()
        output.line("Cases: " + ", ".join(f"{count} {state.lower()}" for state, count in sorted(self.cases.items())))
        output.line()
        output.line("Three things to try:")
        output.line(f"  throughcare case {self.reference} --data {self.data}")
        output.line(f"  throughcare status --data {self.data}")
        output.line(f"  throughcare doctor --audit --data {self.data}")


async def summary(folder: Folder) -> Summary:
    """Look at the house."""
    run = running(folder)
    url, counts = read_url(folder), {}
    for service in run.services:
        conn = await asyncpg.connect(named(url, database_of(run.node, service)), timeout=10)
        try:
            row = await conn.fetchrow(
                "select (select count(*) from journal) as facts,"
                " (select count(*) from journal where topic is not null) as told,"
                " (select count(*) from promises where missed_at is not null) as missed"
            )
        finally:
            await conn.close()
        counts[service] = {name: int(value) for name, value in (row or {}).items()}
    async with Clients(folder, patience=60) as clients:
        manager = staff.acting(staff.MANAGER, organisation=run.organisation, purpose=Purpose.DELIVER_SUPPORT)
        found = await clients.call(manager, "ListPictures", page_size=200)
    cases = {each.state: int(each.cases) for each in found.counts}
    shown = next((each for each in found.pictures if each.HasField("engagement")), None)
    reference = shown.case_reference if shown else found.pictures[0].case_reference if found.pictures else "REFERENCE"
    addresses = {
        service: {"rpc": run.addresses[service], "ops": f"http://{run.ops[service]}"} for service in run.addresses
    }
    return Summary(str(folder.path), counts, cases, addresses, reference)
