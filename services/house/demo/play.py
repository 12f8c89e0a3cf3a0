"""`throughcare demo`: start a house, play the story with a wound clock, say what there is to see.

Whatever process is killed meanwhile, this one included, the story ends the same: calls are repeated under their keys,
the supervisor is started again, and what was played is kept in the data folder.
"""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from chassis.calendar import at_london, is_working_day, local_date, local_time
from house import audit as auditing
from house import clock, example, hmpps_import, identity, output, staff
from house.clients import Clients
from house.commands.operating import show_audit
from house.demo import papers
from house.demo.keeper import Keeper
from house.demo.people import Man, men
from house.demo.script import Script
from house.demo.story import ACTS, Story
from house.demo.summary import summary
from house.patience import patiently
from house.referral_import import ReferralImport
from house.status import until_quiet
from house.trouble import Trouble

if TYPE_CHECKING:
    from house.folder import Folder

# Days that pass before each act; the first begins at ten o'clock of a working day.
_PAUSES: Final = (0, 0, 0, 8, 20, 35)
_REST: Final = 21
_QUIET: Final = 60.0
_PATIENCE: Final = 180.0
_PLAYED: Final = "demo.jsonl"


@dataclass
class Demo:
    """One demonstration in one folder."""

    folder: Folder
    clients: Clients
    script: Script
    show: Callable[[int, str], None]
    done: int = 0

    def step(self, what: str) -> None:
        """One more step of the story is done."""
        self.done += 1
        self.show(self.done, what)

    async def play(self, people: int) -> None:
        """Every act, with days passing in between."""
        run = self.clients.run_now()
        key = bytes.fromhex((self.folder.secrets / "house.key").read_text().strip())
        story = Story(self.script, self.clients, organisation=run.organisation, house_key=key)
        await self._morning()
        for number in range(ACTS):
            await self._days("before-act", number, _PAUSES[number])
            today = await self._today(f"act-{number}")
            if number == 1:
                await self._papers(story, today)
            await story.act(number, men(people), today, lambda act=number: self.step(f"act {act + 1} of {ACTS}"))  # type: ignore[misc]
        await self._days("after", ACTS, _REST)

    async def _morning(self) -> None:
        """Begin at ten o'clock of a working day, or now where it is one between ten and twelve."""

        async def until() -> float:
            run = self.clients.run_now()
            now = await clock.now(self.folder, run)
            ahead = max((await clock.ahead(self.folder, run)).values())
            return (ahead + (_morning_after(now) - now)).total_seconds()

        target = await patiently(lambda: self.script.value("morning", until))
        await patiently(lambda: clock.wind_to(self.folder, self.clients.run_now(), timedelta(seconds=target)))

    async def _days(self, step: str, number: int, days: int) -> None:
        """Let days pass in the house, then wait until everybody has heard of everything."""

        async def until() -> float:
            ahead = max((await clock.ahead(self.folder, self.clients.run_now())).values())
            return (ahead + timedelta(days=days)).total_seconds()

        target = await patiently(lambda: self.script.value(f"{step}:{number}", until))
        await patiently(lambda: clock.wind_to(self.folder, self.clients.run_now(), timedelta(seconds=target)))
        if not await until_quiet(self.folder, _QUIET):
            raise Trouble(
                "The house did not come to rest.", mend="Look with: throughcare status, throughcare parked list"
            )
        self.step("days pass" if days else "all have heard")

    async def _today(self, step: str) -> date:
        async def look() -> str:
            return local_date(await clock.now(self.folder, self.clients.run_now())).isoformat()

        return date.fromisoformat(await patiently(lambda: self.script.value(f"today:{step}", look)))

    async def _papers(self, story: Story, today: date) -> None:
        """A referral file, and messages of HMPPS."""
        file = self.folder.path / "demo-referrals.csv"
        file.write_text(papers.referral_file(today), encoding="utf-8")
        report = file.with_name(file.name + ".report.csv")
        await ReferralImport(self.clients, story.manager, file, report).run()
        self.step("a referral file")
        own = self.folder.path / "demo-hmpps.jsonl"
        own.write_text("".join(json.dumps(each) + "\n" for each in papers.hmpps_messages(Man(1), today)))
        public = papers.hmpps_folder()
        paths = [own, *(hmpps_import.files(public) if public else [])]
        async with Clients(self.folder, name=identity.ADAPTER, patience=_PATIENCE, through_restarts=True) as adapter:
            who = staff.adapter(adapter.run_now().organisation)
            await hmpps_import.run(adapter, who, paths, progress=lambda: None)
        self.step("HMPPS messages")


def _morning_after(now: datetime) -> datetime:
    """Ten o'clock of the next working day; now where it is between ten and twelve of one."""
    day = local_date(now)
    if is_working_day(day) and time(10) <= local_time(now) < time(12):
        return now
    if not is_working_day(day) or local_time(now) >= time(12):
        day += timedelta(days=1)
        while not is_working_day(day):
            day += timedelta(days=1)
    return at_london(day, time(10))


async def run(
    folder: Folder, *, nodes: str, bus: str | None, people: int, split: bool, once: bool, as_json: bool
) -> int:
    """Play, then audit and stop (`once`), or stay until Ctrl-C; the exit code."""
    given = {"--nodes": nodes, "--bus": bus}
    arguments = [*(part for name, value in given.items() if value for part in (name, value))]
    arguments += ["--split"] if split else []
    async with Keeper(folder, arguments) as keeper:
        with output.progress("Playing", ACTS * people + ACTS + 3) as show:
            show(0, "the house starts")
            await keeper.until_up()
            show(0, "programmes, organisations, staff")
            await example.ensure(folder, patience=_PATIENCE)
            async with Clients(folder, patience=_PATIENCE, through_restarts=True) as clients:
                demo = Demo(folder, clients, Script(folder.path / _PLAYED, clients), show)
                await demo.play(people)
        if once:
            return await _audited(folder, as_json=as_json)
        await _introduce(folder, as_json=as_json)
        await _until_asked()
    return 0


async def _audited(folder: Folder, *, as_json: bool) -> int:
    await until_quiet(folder, _QUIET)
    found = await patiently(lambda: auditing.audit(folder))
    facts = await patiently(lambda: summary(folder))
    if as_json:
        output.facts({**facts.as_json(), "audit": found.as_json()})
    else:
        facts.show()
        show_audit(found, as_json=False)
    return 0 if found.clean else 1


async def _introduce(folder: Folder, *, as_json: bool) -> None:
    facts = await patiently(lambda: summary(folder))
    if as_json:
        output.facts(facts.as_json())
    else:
        facts.show()
        output.line("The house runs on; Ctrl-C stops it.")


async def _until_asked() -> None:
    asked = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, asked.set)
    await asked.wait()
