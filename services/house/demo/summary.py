"""What there is to see after the story: counts of every house, the board of the one that leads, things to try."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import asyncpg

from chassis.access import Purpose
from house import boarding, output, staff
from house.clients import Clients
from house.environment import read_url
from house.postgres import database_of, named
from house.status import running

if TYPE_CHECKING:
    from collections.abc import Mapping

    from house.folder import Folder

_COUNTS = """
select (select count(*) from journal) as facts,
       (select count(*) from journal where topic is not null) as told,
       (select count(*) from promises where missed_at is not null) as missed
"""
_PAGE = 200
_COLUMNS = ("house", "service", "facts", "told", "promises missed", "gRPC", "operations")


@dataclass(frozen=True, kw_only=True)
class House:
    """One house: counts and addresses by service, and how its handoffs stand on its side."""

    organisation: str
    counts: Mapping[str, Mapping[str, int]]
    addresses: Mapping[str, Mapping[str, str]]
    handed_on: Mapping[str, int]
    taken_on: Mapping[str, int]

    def as_json(self) -> dict[str, Any]:
        """The same for programs."""
        handoffs = {"out": self.handed_on, "in": self.taken_on}
        return {
            "organisation": self.organisation,
            "counts": self.counts,
            "addresses": self.addresses,
            "handoffs": handoffs,
        }


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What a played story has left behind; the first house leads."""

    data: str
    houses: Mapping[str, House]
    cases: Mapping[str, int]
    board: Mapping[str, Any]
    reference: str

    def as_json(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "houses": {node: house.as_json() for node, house in self.houses.items()},
            "cases": self.cases,
            "board": self.board,
            "reference": self.reference,
        }

    def show(self) -> None:
        """The same for people."""
        output.table(_COLUMNS, [
            (node, service, held["facts"], held["told"], held["missed"], *house.addresses[service].values())
            for node, house in self.houses.items()
            for service, held in house.counts.items()
        ])  # fmt: skip
        output.line()
        output.line(f"Cases: {_listed(self.cases)}")
        for node, house in self.houses.items():
            for what, states in (("hands on", house.handed_on), ("was asked", house.taken_on)):
                if states:
                    output.line(f"{node} {what}: {_listed(states)}")
        output.line()
        for line in boarding.in_words(self.board, organisation=next(iter(self.houses.values())).organisation):
            output.line(line)
        output.line()
        output.line("Three things to try:")
        for each in self._to_try():
            output.line(f"  throughcare {each} --data {self.data}")

    def _to_try(self) -> tuple[str, ...]:
        partner = next((node for node, house in self.houses.items() if house.taken_on), "")
        other = f"board --node {partner}" if partner else "status"
        return (f"case {self.reference}", other, "doctor --audit")


def _listed(states: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {state.replace('_', ' ').lower()}" for state, count in sorted(states.items()))


async def summary(folder: Folder) -> Summary:
    """Look at every house of the folder."""
    run = running(folder)
    houses = {node: await _house(folder.of(node)) for node in run.houses}
    async with Clients(folder, patience=60) as clients:
        viewer = staff.acting(staff.MANAGER, organisation=run.organisation, purpose=Purpose.CO_ORDINATION)
        board = await boarding.fetched(clients, viewer)
    pictures = board["pictures"]
    # The case that shows most: somebody of whom several houses each hold a part.
    shown: Mapping[str, Any] = max(
        pictures, key=lambda each: (len(each.get("contacts", [])), len(each.get("handoffs", []))), default={}
    )
    return Summary(
        data=str(folder.path),
        houses=houses,
        cases=board["counts"],
        board=board,
        reference=shown.get("case_reference", "REFERENCE"),
    )


async def _house(folder: Folder) -> House:
    run = running(folder)
    async with Clients(folder, patience=60) as clients:
        return House(
            organisation=run.organisation,
            counts={service: await _counts(folder, run.node, service) for service in run.services},
            addresses={
                service: {"rpc": run.addresses[service], "ops": f"http://{run.ops[service]}"}
                for service in run.services
            },
            handed_on=await _handoffs(clients, "OUT"),
            taken_on=await _handoffs(clients, "IN"),
        )


async def _counts(folder: Folder, node: str, service: str) -> dict[str, int]:
    conn = await asyncpg.connect(named(read_url(folder), database_of(node, service)), timeout=10)
    try:
        row = await conn.fetchrow(_COUNTS)
    finally:
        await conn.close()
    return {name: int(value) for name, value in (row or {}).items()}


async def _handoffs(clients: Clients, direction: str) -> dict[str, int]:
    """How many handoffs stand in which state."""
    who = staff.acting(staff.MANAGER, organisation=clients.run_now().organisation, purpose=Purpose.HANDOFF)
    found: Counter[str] = Counter()
    token = ""
    while True:
        asked: dict[str, Any] = {"direction": direction, "page_size": _PAGE, "page_token": token}
        answer = await clients.call(who, "ListHandoffs", **asked)
        found.update(each.state for each in answer.handoffs)
        token = answer.next_page_token
        if not token:
            return dict(found)
