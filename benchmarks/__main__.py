"""`make bench`: P1, P2, P3, P4, P9, P11, P13, P20 and L15 on real Kafka and PostgreSQL; tables to standard output, rounds and plots to results/."""

from __future__ import annotations

import argparse
import asyncio

from benchmarks import commands, destinations, doors, inbox, latency, outbox, picture, rebuild, relay
from benchmarks.measure import RESULTS, Table, machine
from benchmarks.stage import stage
from house.buses import ensure_jars

EVERY = {
    "P1": commands.measure,
    "P2": relay.measure,
    "P3": outbox.measure,
    "P4": inbox.measure,
    "P9": latency.measure,
    "P11": rebuild.measure,
    "P13": doors.measure,
    "P20": destinations.measure,
    "L15": picture.measure,
}


async def run(names: list[str], rounds: int) -> None:
    """Measure, print, save."""
    tables: list[Table] = []
    text = [machine(), ""]
    for name in names:
        async with stage() as set_:
            found = await EVERY[name](set_, rounds=rounds)
        for table in found:
            table.save()
            text.append(table.text())
            print(table.text(), flush=True)
        tables += found
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "figures.md").write_text("\n".join(text))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", default=list(EVERY), help=" ".join(EVERY))
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    ensure_jars()
    asyncio.run(run(given.names or list(EVERY), given.rounds))


if __name__ == "__main__":
    main()
