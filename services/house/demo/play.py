"""`throughcare demo`: start four houses, play the story with a wound clock, say what there is to see.

Whatever process is killed meanwhile, this one included, the story ends the same: calls are repeated under their keys,
the supervisor is started again, and what was played is kept in the data folder.
"""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from chassis.access import Purpose
from chassis.calendar import at_london, is_working_day, local_date, local_time
from house import audit as auditing
from house import clock, example, hmpps_import, identity, output, staff
from house.clients import Clients
from house.commands.operating import show_audit
from house.demo import papers
from house.demo.across import Across
from house.demo.keeper import Keeper
from house.demo.people import Person
from house.demo.people import people as first_people
from house.demo.script import Script, eventually
from house.demo.story import Story, for_each
from house.demo.summary import summary
from house.names import SERVICES
from house.patience import patiently
from house.referral_import import ReferralImport
from house.status import until_quiet
from house.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Mapping

    from house.folder import Folder


class Act(NamedTuple):
    """One act, and the days that pass before it."""

    name: str
    days: int


# The first begins at ten o'clock of a working day.
ACTS: Final = (
    Act("refer", 0), Act("decide", 0), Act("begin", 0), Act("offer", 0), Act("answer", 1), Act("support", 7),
    Act("interrupt", 20), Act("go_on", 35), Act("look_ahead", 21),
)  # fmt: skip
_FRESH: Final = timedelta(minutes=10)
_QUIET: Final = 180.0  # a consumer that was killed is missed after its session alone
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

    async def play(self, people: tuple[Person, ...], partners: Mapping[str, Clients]) -> None:
        """Every act, with days passing in between: in the house that leads, and between it and the others."""
        run = self.clients.run_now()
        key = bytes.fromhex((self.folder.secrets / "house.key").read_text().strip())
        story = Story(self.script, self.clients, organisation=run.organisation, house_key=key)
        across = Across(story, partners)
        await self._morning()
        if partners:
            await across.agree(await self._today("agreement"))
            self.step("an agreement is signed")
        for act in ACTS:
            await self._days(act)
            today = await self._today(act.name)
            if act.name == "decide":
                await self._papers(story, today)
            elif act.name == "offer":
                await self._until_fresh()
            plays = [each.acts[act.name] for each in (story, across) if act.name in each.acts]
            await for_each(people, plays, today, partial(self.step, act.name.replace("_", " ")))
        await self._days(Act("end", 0))
        await self._until_fresh()

    async def _morning(self) -> None:
        """Begin at ten o'clock of a working day, or now where it is one between ten and twelve."""
        await self._wind("morning", 0)

    async def _wind(self, step: str, days: int) -> None:
        """Let days pass, and what is missing to the next working morning: on other days letters wait."""

        async def until() -> float:
            run = self.clients.run_now()
            now = await clock.now(self.folder, run)
            ahead = max((await clock.ahead(self.folder, run)).values())
            return (ahead + (_morning_after(now + timedelta(days=days)) - now)).total_seconds()

        target = await patiently(lambda: self.script.value(step, until))
        await patiently(lambda: clock.wind_to(self.folder, self.clients.run_now(), timedelta(seconds=target)))

    async def _days(self, act: Act) -> None:
        """Let days pass in every house, then wait until everybody has heard of everything."""
        if act.days:
            await self._wind(f"before:{act.name}", act.days)
        if not await until_quiet(self.folder, _QUIET):
            raise Trouble(
                "The house did not come to rest.", mend="Look with: throughcare status, throughcare parked list"
            )
        self.step("days pass" if act.days else "all have heard")

    async def _until_fresh(self) -> None:
        """Until the house that leads has the word of its own referral service and has heard every other house since
        the clock was wound: before that it lets nothing be known of anybody."""

        async def fresh() -> bool | None:
            run = self.clients.run_now()
            now = await clock.now(self.folder, run)
            who = staff.acting(staff.MANAGER, organisation=run.organisation, purpose=Purpose.CO_ORDINATION)
            sources = (await self.clients.call(who, "ListPictures", page_size=1)).sources
            as_of = [each.fresh_as_of.ToDatetime(UTC) for each in sources if each.service == "referral"]
            silent = any(each.HasField("unheard_since") for each in sources)
            return (bool(as_of) and now - as_of[0] < _FRESH and not silent) or None

        await patiently(lambda: eventually(fresh, "Word of every house"))

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
        own.write_text("".join(json.dumps(each) + "\n" for each in papers.hmpps_messages(Person(1), today)))
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
        with output.progress("Playing", len(ACTS) * (people + 1) + 4) as show:
            show(0, "the houses start")
            await keeper.until_up()
            async with AsyncExitStack() as stack:
                names = [each.node for each in folder.plan().nodes]
                houses = {node: await stack.enter_async_context(_clients(folder.of(node))) for node in names}
                lead, *partners = houses
                _must_have_all(houses[lead])
                show(0, "programmes, organisations, staff")
                await patiently(lambda: example.ensure(folder, patience=_PATIENCE))
                await patiently(lambda: _introduced(houses))
                await patiently(lambda: example.publish(folder, patience=_PATIENCE))
                clients = houses[lead]
                demo = Demo(folder, clients, Script(folder.path / _PLAYED, clients), show)
                await demo.play(first_people(people), {node: houses[node] for node in partners})
        if once:
            return await _audited(folder, as_json=as_json)
        await _introduce(folder, as_json=as_json)
        await _until_asked()
    return 0


def _clients(folder: Folder) -> Clients:
    return Clients(folder, patience=_PATIENCE, through_restarts=True)


def _must_have_all(clients: Clients) -> None:
    """The story begins with a referral, so that the house that leads needs every service."""
    run = clients.run_now()
    if missing := [service for service in SERVICES if service not in run.services]:
        raise Trouble(
            f"The house {run.node} does not run {', '.join(missing)}: the story cannot begin there.",
            mend="Name a house with all four services first.",
            code=2,
        )


async def _introduced(houses: Mapping[str, Clients]) -> None:
    """Wait until every house knows every other, as their supervisor makes them known."""

    async def known(clients: Clients) -> bool | None:
        who = staff.acting(staff.OPERATOR, organisation=clients.run_now().organisation, purpose=Purpose.OPERATE)
        found = {each.node_id for each in (await clients.call(who, "ListNodes", page_size=200)).nodes}
        return found >= set(houses) or None

    for node, clients in houses.items() if len(houses) > 1 else ():
        await eventually(partial(known, clients), f"What {node} is to know of the others", seconds=_PATIENCE)


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
        output.line("The houses run on; Ctrl-C stops them.")


async def _until_asked() -> None:
    asked = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, asked.set)
    await asked.wait()
