"""Rounds of alternating runs, and what may be said of them: medians, spreads, CPU per event, ratios round by round."""

from __future__ import annotations

import asyncio
import csv
import os
import statistics
import time
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Run:
    """One run: events a second, and this process's CPU microseconds an event."""

    rate: float
    cpu: float


@dataclass
class Table:
    """The rounds of one question, the runs of each contender."""

    name: str
    question: str
    runs: dict[str, list[Run]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def median(self, contender: str) -> float:
        """The median rate of a contender."""
        return statistics.median(run.rate for run in self.runs[contender])

    def ratio(self, ours: str, theirs: str) -> float:
        """The median of the ratios round by round: it holds when the machine's speed drifts."""
        pairs = zip(self.runs[ours], self.runs[theirs], strict=True)
        return statistics.median(a.rate / b.rate for a, b in pairs)

    def text(self) -> str:
        """The table in Markdown."""
        lines = [
            f"### {self.name} {self.question}",
            "",
            "| | median /s | min | max | CPU µs/event |",
            "|---|---|---|---|---|",
        ]
        for contender, runs in self.runs.items():
            rates = [run.rate for run in runs]
            cpu = statistics.median(run.cpu for run in runs)
            lines.append(
                f"| {contender} | {statistics.median(rates):,.0f} | {min(rates):,.0f} | {max(rates):,.0f} | {cpu:,.1f} |"
            )
        return "\n".join([*lines, "", *(f"- {note}" for note in self.notes), ""])

    def save(self) -> None:
        """The rounds as CSV, and a plot where matplotlib is installed (`make bench` installs it)."""
        RESULTS.mkdir(exist_ok=True)
        with (RESULTS / f"{self.name}.csv").open("w", newline="") as file:
            out = csv.writer(file)
            out.writerow(["contender", "round", "rate_per_second", "cpu_microseconds_per_event"])
            for contender, runs in self.runs.items():
                out.writerows([contender, n, f"{run.rate:.1f}", f"{run.cpu:.2f}"] for n, run in enumerate(runs, 1))
        self._plot()

    def _plot(self) -> None:
        try:
            import matplotlib as mpl
        except ImportError:
            return
        mpl.use("Agg")
        from matplotlib import pyplot as plt

        figure, axes = plt.subplots(figsize=(8, 0.6 * len(self.runs) + 1.5))
        axes.boxplot(
            [[run.rate for run in runs] for runs in self.runs.values()], vert=False, tick_labels=list(self.runs)
        )
        axes.set_xlabel("events a second")
        axes.set_title(f"{self.name} {self.question}")
        figure.tight_layout()
        figure.savefig(RESULTS / f"{self.name}.png", dpi=110)
        plt.close(figure)


class Clock:
    """Time and CPU since the work proper began: a contender that has to connect or join first says when that was."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Count from now."""
        self.began, self.used = time.perf_counter(), time.process_time()


CLOCK: ContextVar[Clock] = ContextVar("clock")


async def timed(work: Callable[[], Awaitable[int]]) -> Run:
    """Run once; the work returns how many events it handled, and may call `CLOCK.get().begin()` when it is ready."""
    clock = Clock()
    CLOCK.set(clock)
    events = await work()
    seconds, cpu = time.perf_counter() - clock.began, time.process_time() - clock.used
    return Run(rate=events / seconds, cpu=cpu / events * 1e6)


async def alternate(table: Table, contenders: Mapping[str, Callable[[], Awaitable[int]]], *, rounds: int) -> Table:
    """A, B, C, A, B, C … after one round that is not counted."""
    for number in range(rounds + 1):
        for name, work in contenders.items():
            run = await timed(work)
            if number:
                table.runs.setdefault(name, []).append(run)
            await asyncio.sleep(0.2)
    return table


def machine() -> str:
    """What was measured on."""
    memory = psutil.virtual_memory().total / 2**30
    load = os.getloadavg()[0]
    return f"{psutil.cpu_count()} processors, {memory:.0f} GiB, load {load:.1f} at the start"
