"""docs/partner-client.md: the client that a partner's own system may start from, run as it stands on the page."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest_asyncio

from chassis.certificates import Authority
from partners.domain.codes import Aspect
from partners.domain.handoff.codes import Category
from partners.rpc import PartnerService
from tests.partners.detail_doors import WOMEN, Owners, secured, serving
from tests.partners.handoff_houses import Pair
from tests.partners.houses import House, in_force, introduced

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "partner-client.md").read_text(encoding="utf-8")
(PROGRAM,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
WORKER = "staff-pw-7"


class System:
    """The women's house with handoffs that wait, and their own system beside it."""

    def __init__(self, pair: Pair, folder: Path, authority: Authority, address: str) -> None:
        self.pair, self.address, self.handoffs = pair, address, []
        self.program = folder / "client.py"
        self.program.write_text(PROGRAM, encoding="utf-8")
        files = authority.client(WOMEN, "case-system", at=datetime.now(UTC))
        self.files = [str(each) for each in (files.ca, files.certificate, files.key)]

    async def offered(self, aspect: Aspect) -> Any:
        """Something more waits."""
        given = {"recipient": WOMEN, "aspects": (aspect,), "categories": (Category.APPOINTMENTS,), "snapshot": ""}
        self.handoffs.append(await self.pair.offer(**given))
        await self.pair.exchange()

    async def run(self, *, room: int, person: str = WORKER) -> tuple[int, list[list[str]], str]:
        """What the program ends with, prints and complains of."""
        running = await asyncio.create_subprocess_exec(
            sys.executable, str(self.program), self.address, *self.files, person, str(room),
            env={**os.environ, "PYTHONPATH": str(ROOT / "proto" / "gen")},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        said, complained = await asyncio.wait_for(running.communicate(), timeout=60)
        return running.returncode or 0, [line.split() for line in said.decode().splitlines()], complained.decode()


@pytest_asyncio.fixture
async def system(two_strangers: tuple[House, House], tmp_path: Path) -> AsyncIterator[System]:
    ours, theirs = two_strangers[0], House(WOMEN, two_strangers[1].works.database, tmp_path)
    authority = Authority.make(tmp_path / "ca", "test", at=datetime.now(UTC))
    secured(theirs, tmp_path, authority, may_assert=frozenset({f"urn:throughcare:{WOMEN}:case-system"}))
    await introduced(ours, theirs)
    person_id, isa_id = uuid4(), await in_force(ours, theirs)
    pair = Pair(ours, theirs, isa_id, person_id, await ours.a_case(person_id))
    await ours.agrees(person_id, WOMEN, "APPOINTMENTS")
    await ours.hears(await ours.confirms())
    async with serving(theirs, PartnerService(theirs.works, Owners())) as address:
        made = System(pair, tmp_path, authority, address)
        await made.offered(Aspect.ADVOCACY)
        await made.offered(Aspect.DEBT_ADVICE)
        yield made


async def test_the_client_of_the_page_answers_what_waits_and_the_sender_hears_it(system: System) -> None:
    code, said, complained = await system.run(room=1)

    assert (code, complained) == (0, "")
    listed = {line[0]: line[1:] for line in said}
    newest, oldest = str(system.handoffs[1]), str(system.handoffs[0])
    assert listed == {newest: ["DEBT_ADVICE", "2"], oldest: ["ADVOCACY", "2"]}
    await system.pair.exchange()
    taken, declined = [await system.pair.states(each) for each in reversed(system.handoffs)]
    assert taken == ("ACCEPTED", "ACCEPTED")
    assert declined == ("DECLINED", "DECLINED")
    assert (await system.pair.of(system.pair.theirs, system.handoffs[1]))["worker"] == WORKER
    assert (await system.pair.of(system.pair.ours, system.handoffs[0]))["reason_group"] == "CAPACITY"


async def test_run_again_it_finds_nothing_that_waits_and_changes_nothing(system: System) -> None:
    await system.run(room=2)
    before = await system.pair.theirs.rows("select id, version from handoff order by id")

    assert await system.run(room=2) == (0, [], "")
    assert await system.pair.theirs.rows("select id, version from handoff order by id") == before


async def test_a_certificate_that_may_not_speak_for_people_opens_nothing(system: System) -> None:
    system.files = [system.files[0], *_of_a_stranger(system)]

    code, said, complained = await system.run(room=2)

    assert (code, said) == (1, [])
    assert "PERMISSION_DENIED" in complained


def _of_a_stranger(system: System) -> list[str]:
    """A certificate of the house that may not speak for anybody."""
    folder = Path(system.files[0]).parent
    files = Authority.load(folder).client(WOMEN, "somebody", at=datetime.now(UTC))
    return [str(files.certificate), str(files.key)]


def test_it_is_forty_lines_that_say_something_at_most() -> None:
    assert len([line for line in PROGRAM.splitlines() if line.strip()]) <= 40
