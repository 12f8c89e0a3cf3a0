"""Privacy between houses as two properties: no mark of his stands where it may not, in any house or on the way; and
who may not know of a man sees the same whether he exists or not (X12 and events.md 1, in four houses and in two)."""

from __future__ import annotations

import logging
import re
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from confluent_kafka import Producer

from chassis import telemetry
from chassis.access import Purpose, Role
from chassis.rpc import error_of
from tests.journeys.cast import GUARDIAN, MANAGER, Journey
from tests.journeys.test_canary import MARK, Marked, files_of, found_in, mark, records_of, rows_of
from tests.journeys.test_four_houses import (
    PENROSE,
    TOGETHER,
    TRUST,
    WOMEN,
    Handoff,
    ask,
    let_know,
    offer,
    sign_everywhere,
    staff,
)
from tests.support.houses import ALL, PARTNER
from tests.support.kafka import everything
from throughcare.options.v1 import options_pb2 as options
from throughcare.partners.v1 import handoffs_pb2, shares_pb2

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from google.protobuf.message import Message

    from tests.support.house import House
    from tests.support.houses import Houses, StartAll
    from tests.support.kafka import Raw

pytestmark = [pytest.mark.wire, pytest.mark.timeout(400)]


class Spoken(Handoff):
    """A handoff in which every text that somebody writes is marked."""

    async def _step(self, name: str, step: str, **given: Any) -> Any:
        kind = getattr(handoffs_pb2, f"{step}Request")
        house, version = self.houses[name], (await self.seen(name)).version
        request = kind(handoff_id=self.id, expected_version=version, **given)
        mark(request)
        assert MARK in str(request) or not any(isinstance(value, str) and " " in value for value in given.values())
        return await ask(house, staff(house, Role.SM), request)


async def offered(four: Houses, jay: Journey, to: str, aspect: str) -> Spoken:
    """He is offered to a house, which has him."""
    made = Spoken(four, to, (await offer(four, jay, to, aspect)).id)
    await four.until_quiet()
    return made


async def everything_is_said_of_him(four: Houses, jay: Marked) -> None:
    """He is handed to three houses; each asks, answers, declines, completes, and reads him where he is kept."""
    for name in (TRUST, WOMEN, PENROSE):
        await let_know(jay, four.of[name].organisation)
    await four.until_quiet()
    trust = await offered(four, jay, TRUST, "PSYCHOLOGY")
    penrose = await offered(four, jay, PENROSE, "SUPPORTED_HOUSING")
    women = await offered(four, jay, WOMEN, "ADVOCACY")
    asked = [handoffs_pb2.HandoffQuestion(text="What helps him?")]
    await trust.there("RequestHandoffInformation", items=asked)
    await four.until_quiet()
    assert MARK in str((await reading_of(four, jay, trust)).written)
    await trust.here("SupplyHandoffInformation", answer="A quiet room.")
    await penrose.there("DeclineHandoff", reason="NO_CAPACITY", note="Full until spring.")
    await four.until_quiet()
    await trust.there("AcceptHandoff", worker="staff-pw-north-london-nhs")
    await women.there("AcceptHandoff", worker="staff-pw-women-in-prison")
    await trust.there("StartHandoffWork", first_contact_on=await jay.day())
    await four.until_quiet()
    assert MARK in (await trust.read()).detail.preferred_name
    named = await ask(
        four[TRUST], staff(four[TRUST], Role.PW), handoffs_pb2.GetHandoffNamesRequest(handoff_ids=[trust.id])
    )
    assert MARK in named.names[0].preferred_name
    await trust.there("CompleteHandoff", outcome="DELIVERED", delivered="Six meetings.")
    await women.there("FailHandoff", reason="PERSON_DECLINED", note="He moved away.")
    await four.until_quiet()


async def reading_of(four: Houses, jay: Journey, handoff: Handoff) -> Any:
    """What the house that offered reads of the receiver's questions."""
    request = handoffs_pb2.ReadHandoffDetailRequest(handoff_id=handoff.id)
    return await ask(four[TOGETHER], staff(four[TOGETHER], Role.SM), request)


def somebody_else_speaks_of_him(house: House) -> None:
    """A record that nobody signed, with his name wherever one fits: it is quarantined, and is not kept."""
    settings = next(iter(house.parts.values())).service.settings
    producer = Producer({"bootstrap.servers": settings.bus_servers})
    headers = [("ce_source", b"sig-penrose"), ("ce_type", MARK.encode()), ("ce_id", MARK.encode())]
    topic = f"share.{house.node}.in.v1"
    producer.produce(topic, key=MARK.encode(), value=f"{MARK} Fairweather".encode(), headers=headers)
    assert producer.flush(10) == 0


@pytest.mark.logs_errors("share_quarantined")
async def test_no_mark_of_his_stands_in_any_house_nor_on_the_way_between_them(
    houses: StartAll, caplog: pytest.LogCaptureFixture, tmp_path: Path, postgres_url: str
) -> None:
    caplog.set_level(logging.INFO)
    found: list[str] = []
    with telemetry.collected() as spans:
        async with houses() as four:
            jay = Marked(four[TOGETHER])
            await sign_everywhere(four, jay)
            await jay.programme_opens_in_camden()
            jay.marking = True
            await jay.practitioner_refers_him()
            await jay.manager_looks_at_it()
            await jay.he_agrees_to_take_part()
            await jay.manager_takes_him_on()
            await four.until_quiet()
            await everything_is_said_of_him(four, jay)
            await four.wind(timedelta(minutes=2))
            await four.until_quiet()

            records = list(records_of(four[TOGETHER]))
            somebody_else_speaks_of_him(four[TRUST])
            await four.until_quiet()
            topics = {where.split()[0] for where, _ in records}
            assert {f"share.{four.of[name].node}.in.v1" for name in four} <= topics
            for where, value in records:
                found += found_in(where, value.decode("latin-1"))
            for house in four.values():
                async for where, text in rows_of(house):
                    found += found_in(f"{house.node} {where}", text)
            async with four[TRUST].database("partners").connection() as conn:
                assert await conn.fetchval("select count(*) from quarantined") == 1
    for where, text in files_of(tmp_path, postgres_url):
        found += found_in(where, text)
    for span in spans.get_finished_spans():
        found += found_in(f"span {span.name}", f"{span.name} {dict(span.attributes or {})} {span.status.description}")
    found += found_in("metrics", telemetry.exposition().decode())
    for record in caplog.records:
        if record.name.startswith(("chassis", "partners", "referral", "casework", "notifications", "house")):
            found += found_in(f"log {record.name}", record.getMessage())
    assert sorted(set(found)) == []


# Who may not know of him sees the same.

_UNSTEADY = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|ref-[a-z2-7]{26}|\b[a-z2-7]{26}\b|[0-9a-f]{64}")
# How often these come is a matter of time alone; what they may say is compared by itself.
_NOTHING_YET = "[]"
_PULSE = {"throughcare.partners.v1.NodeHeartbeat", "throughcare.partners.v1.SharedFeedConfirmed"}


def seen_by(house: House, *topics: str) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Every record that a house can read of others, all that is drawn anew each time masked and its length kept."""
    servers = next(iter(house.parts.values())).service.settings.bus_servers
    for topic in topics:
        for record in everything(servers, topic):
            yield _masked(topic, record)


def _masked(topic: str, record: Raw) -> tuple[str, tuple[Any, ...]]:
    headers = {name: (value or b"").decode() for name, value in record.headers}
    kind = headers["ce_type"]
    drawn = {"ce_time", "ce_recordedat", "ce_signature", "ce_keyid"}
    shown = tuple(
        sorted((name, len(text) if name in drawn else _UNSTEADY.sub("#", text)) for name, text in headers.items())
    )
    message = getattr(shares_pb2, kind.rpartition(".")[2]).FromString(record.value or b"")
    return kind, (
        topic,
        len(record.key or b""),
        len(record.value or b"") if _steady(message) else 0,
        shown,
        _said(message),
    )


def _steady(message: Message) -> bool:
    """Whether it holds no instant: the encoding of one is shorter at a round second."""
    return not any(
        field.GetOptions().Extensions[options.kind] == options.KIND_INSTANT for field, _ in message.ListFields()
    )


def _said(message: Message) -> str:
    """What it says, without what is drawn anew and without instants."""
    kept = [
        (field.name, _UNSTEADY.sub("#", str(value)))
        for field, value in message.ListFields()
        if field.GetOptions().Extensions[options.kind] != options.KIND_INSTANT
    ]
    return str(kept)


async def restricted(two: Houses, jay: Journey) -> None:
    """There is another man in the house. He had agreed that the women's house knows; then his guardian limited who
    may know of him, and what is tried with him there is refused."""
    other = Journey(two[TOGETHER])
    other.programme, other.practitioner = jay.programme, jay.practitioner
    await other.practitioner_refers_him(crn="X654321")
    await let_know(other, two.of[WOMEN].organisation)
    limited = {"list": "ALLOW", "entries": [MANAGER.id, GUARDIAN.id, "staff-sm-together"], "expected_version": 0}
    await other.ask("SetAccessList", GUARDIAN, person_id=other.person, **limited)
    await two.until_quiet()
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await offer(two, other, WOMEN, "ADVOCACY")
    assert error_of(refused.value).reason == "listed"


async def a_story(houses: StartAll, *, with_another: bool) -> tuple[Counter[Any], set[Any]]:
    """What the women's house can see of the other, by the end of one and the same story."""
    async with houses({TOGETHER: ALL, WOMEN: PARTNER}) as two:
        jay = Journey(two[TOGETHER])
        await sign_everywhere(two, jay)
        await jay.programme_opens_in_camden()
        await jay.practitioner_refers_him()
        await jay.manager_looks_at_it()
        await jay.he_agrees_to_take_part()
        await jay.manager_takes_him_on()
        if with_another:
            await restricted(two, jay)
        agreed = await let_know(jay, two.of[WOMEN].organisation)
        await two.until_quiet()
        handoff = await offer(two, jay, WOMEN, "ADVOCACY")
        await two.until_quiet()
        await handoff.there("AcceptHandoff", worker="staff-pw-women-in-prison")
        await two.until_quiet()
        assert await handoff.states() == ("ACCEPTED", "ACCEPTED")
        taking = {"consent_id": agreed.consent_id, "expected_version": agreed.version}
        await jay.ask("WithdrawConsent", MANAGER, **taking)
        await two.until_quiet()
        assert await handoff.states() == ("ON_HOLD", "ON_HOLD")
        await two.wind(timedelta(seconds=40))
        await two.until_quiet()
        seen = list(seen_by(two[WOMEN], f"share.{two.of[WOMEN].node}.in.v1", "control.v1"))
        listed = await ask(
            two[WOMEN], staff(two[WOMEN], Role.SM, Purpose.HANDOFF), handoffs_pb2.ListHandoffsRequest(page_size=50)
        )
        assert len(listed.handoffs) == 1
    steady = Counter(record for kind, record in seen if kind not in _PULSE)
    # A pulse is numbered on: its place in the stream is a matter of time too.
    pulse = {(kind, record[-1]) for kind, record in seen if kind in _PULSE and record[-1] != _NOTHING_YET}
    return steady, pulse


async def test_who_may_not_know_of_a_man_sees_the_same_bytes_whether_there_is_one_or_not(
    houses: StartAll, tmp_path: Path
) -> None:
    without, pulse_without = await a_story(houses, with_another=False)
    for name in (TOGETHER, WOMEN):
        (tmp_path / name).rename(tmp_path / f"{name}-first")

    with_one, pulse_with_one = await a_story(houses, with_another=True)

    assert sum(without.values()) > 4
    assert len(pulse_without) > 1
    assert with_one == without
    assert pulse_with_one == pulse_without
