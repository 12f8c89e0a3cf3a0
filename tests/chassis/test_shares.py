"""What leaves a house and what comes in: names only two know, signatures, stubs, topics that rest, quarantine."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from chassis import nodekeys, parking
from chassis.bus import Bus
from chassis.database import now
from chassis.envelope import from_headers, unpack_headers
from chassis.hearing import Heard, Hears
from chassis.inbox import Inbox
from chassis.journal import Publications
from chassis.relay import Relay
from chassis.shares import STUB, Basis, Fed, Pairwise, Sender, Share, Signer, hold, release, stub_of
from chassis.work import Works, command
from tests.chassis.hearing_toy import TABLES as HEARING
from tests.chassis.hearing_toy import effects, rows, running
from tests.chassis.toy import DEADLINES, TABLES, Begun, Ended, Thing, ThingWork, by, calling, settings
from tests.support.kafka import Raw, everything, put, told
from tests.support.postgres import eventually, fresh_database
from throughcare.partners.v1.shares_pb2 import NodeHeartbeat, SharedHandoffReceived, SharedStub
from throughcare.referral.v1.events_pb2 import ReferralDrafted, ReferralWithdrawn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.bus import TestBus

HEADERS = [("ce_id", b"1"), ("ce_source", b"together"), ("ce_type", b"t"), ("ce_streamsequence", b"1")]
BASIS = Basis(regime="PART2", lawful_basis="PUBLIC_TASK", confidentiality_basis="AGREED", isa_id=UUID("0" * 31 + "1"))
AT = datetime(2026, 11, 27, 10, tzinfo=UTC)


def a_signer() -> Signer:
    return Signer(Ed25519PrivateKey.generate())


def believed(*signers: Signer, suspended: bool = False) -> Sender:
    keys = tuple((each.key_id, each.public_key, None) for each in signers)
    return Sender(keys=keys, suspended=suspended)


# Names.


@given(st.uuids(), st.uuids())
def test_two_partners_cannot_join_what_they_hold(one: UUID, other: UUID) -> None:
    names = Pairwise(b"k" * 32)

    assert names.subject_ref("trust", one) == names.subject_ref("trust", one)
    assert names.subject_ref("trust", one) != names.subject_ref("charity", one)
    assert (names.subject_ref("trust", one) == names.subject_ref("trust", other)) == (one == other)
    assert names.reference("trust", one).version == 8
    assert names.subject_ref("trust", one) not in {str(one), one.hex}
    assert Pairwise(b"l" * 32).subject_ref("trust", one) != names.subject_ref("trust", one)


# Signatures.


def test_what_is_signed_is_believed_under_the_keys_of_its_sender_alone() -> None:
    ours, older = a_signer(), a_signer()
    signed = dict(ours.signed("share.b.in.v1", "k", HEADERS, b"body"))

    assert believed(older, ours).signed("share.b.in.v1", "k", signed, b"body", at=AT)
    assert not believed(older).signed("share.b.in.v1", "k", signed, b"body", at=AT)


def test_a_key_that_was_rotated_is_taken_for_a_while_and_no_longer() -> None:
    ours = a_signer()
    signed = dict(ours.signed("share.b.in.v1", "k", HEADERS, b""))
    until = Sender(keys=((ours.key_id, ours.public_key, AT),))

    assert until.signed("share.b.in.v1", "k", signed, b"", at=AT)
    assert not until.signed("share.b.in.v1", "k", signed, b"", at=AT + timedelta(microseconds=1))


@pytest.mark.parametrize("spoilt", ["topic", "key", "value", "header", "header added", "signature", "no signature"])
def test_whatever_is_changed_after_it_was_signed_is_not_believed(spoilt: str) -> None:
    ours = a_signer()
    signed = dict(ours.signed("share.b.in.v1", "k", HEADERS, b"body"))
    topic = "share.c.in.v1" if spoilt == "topic" else "share.b.in.v1"
    key = "other" if spoilt == "key" else "k"
    value = b"Body" if spoilt == "value" else b"body"
    if spoilt == "header":
        signed["ce_streamsequence"] = b"2"
    if spoilt == "header added":
        signed["ce_detailref"] = b"x"
    if spoilt == "signature":
        signed["ce_signature"] = b"!" + signed["ce_signature"][1:]
    if spoilt == "no signature":
        del signed["ce_signature"]

    assert not believed(ours).signed(topic, key, signed, value, at=AT)


def test_a_stub_keeps_its_place_and_says_neither_what_it_was_nor_on_what_basis() -> None:
    whole = [
        *HEADERS,
        ("ce_subject", b"s"),
        ("ce_detailref", b"d"),
        ("ce_isaid", b"i"),
        ("ce_aggregatetype", b"handoff"),
    ]
    kept = dict(stub_of(whole))

    assert kept["ce_type"] == STUB.encode() == SharedStub.DESCRIPTOR.full_name.encode()
    assert kept["ce_streamsequence"] == b"1"
    assert kept["ce_subject"] == b"s"
    assert not {"ce_detailref", "ce_isaid", "ce_aggregatetype"} & set(kept)


# Two houses on one bus.

TELLS = Publications("referral")


@TELLS.tells(Begun)
def begun(fact: Begun) -> Fed:
    return Fed(message=ReferralDrafted(programme_id="p"), feed="begun")


@TELLS.tells(Ended)
def ended(fact: Ended) -> tuple[object, ...]:
    to, _, handoff = fact.note.partition(" ")
    share = SharedHandoffReceived(handoff_id=handoff)
    told = Share(to=to, message=share, aggregate_id=UUID(handoff), detail_ref="d" * 26, basis=BASIS)
    return ReferralWithdrawn(reason_group="ADMIN", by_party="SERVICE"), told


@command("thing.start", by("SM"))
async def start(work: ThingWork) -> dict[str, str]:
    thing = Thing(id=work.new_id(), case_id=work.new_id(), person_id=work.new_id())
    await work.things.put(thing.telling(Begun(note="", at=work.now)))
    return {"id": str(thing.id), "person": str(thing.person_id)}


@command("thing.share", by("SM"))
async def share(work: ThingWork, *, id: UUID, to: str) -> int:
    thing = await work.things.get(id)
    return await work.things.put(thing.telling(Ended(note=f"{to} {uuid4()}", at=work.now)))


def hears(trusted: dict[str, Sender]) -> Hears:
    async def trust(_: object) -> dict[str, Sender]:
        return trusted

    found = Hears("gate", trust=trust)

    @found.command(SharedHandoffReceived)
    async def effect(work: Any, heard: Heard[SharedHandoffReceived]) -> None:
        assert work.call.actor.role == "SYSTEM"
        await work.conn.execute(
            "insert into effect (event_id, key, seq) values ($1, $2, $3)", heard.envelope.event_id, heard.key, heard.seq
        )

    return found


class House:
    """One node with its database, its relay and its gate."""

    def __init__(self, works: Works[Any], signer: Signer) -> None:
        self.works, self.signer = works, signer
        self.node = works.settings.node_id
        self.trusted: dict[str, Sender] = {}
        bus = Bus(works.settings)
        self.relay = Relay(works.database.url, bus, "referral", works.wake, signer=signer)
        self.inbox = Inbox(works, bus, hears(self.trusted))

    @property
    def topic(self) -> str:
        return f"share.{self.node}.in.v1"

    async def tells(self, other: House, times: int = 1) -> tuple[str, UUID]:
        """A person of this house about whom the other is told so often; the key of it there, and his id here."""
        thing = await self.works.do(start, calling())
        for _ in range(times):
            await self.works.do(share, calling(), id=UUID(thing["id"]), to=other.node)
        person = UUID(thing["person"])
        return f"{self.node}/{self.works.names.subject_ref(other.node, person)}", person


@pytest_asyncio.fixture
async def houses(bus: TestBus, postgres_url: str, tmp_path: Any) -> AsyncIterator[tuple[House, House]]:
    """Two houses that know each other."""
    made = []
    tail = uuid4().hex[:8]
    async with fresh_database(postgres_url, None) as one, fresh_database(postgres_url, None) as two:
        for name, url in (("a", one), ("b", two)):
            folder = tmp_path / name
            folder.mkdir()
            from chassis.database import Database

            database = await Database(url).open()
            async with database.connection() as conn:
                await conn.execute(TABLES + HEARING)
            given = settings(
                folder, url, node_id=f"{name}{tail}", bus_servers=bus.servers,
                bus_kind=bus.kind if bus.kind == "embedded" else "kafka",
            )  # fmt: skip
            works = Works(database, ThingWork, settings=given, publications=TELLS, deadlines=DEADLINES)
            made.append(House(works, a_signer()))
        a, b = made
        bus.create(*(f"{each.node}.referral.v1" for each in made), *(each.topic for each in made))
        a.trusted[b.node], b.trusted[a.node] = believed(b.signer), believed(a.signer)
        try:
            yield a, b
        finally:
            for each in made:
                await each.works.database.close()


async def test_what_one_house_tells_another_is_heard_there_once_and_in_order(houses) -> None:
    a, b = houses
    keys = [(await a.tells(b, times=3))[0] for _ in range(4)]

    async with running(a.relay, b.inbox):
        await eventually(lambda: _heard(b, 12), within=30)

    assert await effects(b.works.database) == {key: [1, 2, 3] for key in keys}


async def _heard(house: House, count: int) -> bool:
    return len(await rows(house.works.database, "select 1 from effect")) == count


async def test_the_other_house_learns_neither_case_nor_person_nor_name(houses, bus) -> None:
    a, b = houses
    _, person = await a.tells(b)
    async with running(a.relay):
        await eventually(lambda: _nothing_pending(a), within=20)

    (record,) = everything(bus.servers, b.topic)

    envelope = from_headers(record.headers)
    assert envelope.person_id is None
    assert envelope.case_id is None
    assert envelope.actor_ref == ""
    assert envelope.aggregate_version == 0
    assert envelope.isa_id == BASIS.isa_id
    assert envelope.detail_ref == "d" * 26
    kept = await rows(a.works.database, "select * from journal where topic = $1", b.topic)
    held = {kept[0]["correlation_id"], person, kept[0]["case_id"], kept[0]["aggregate_id"]}
    everything_said = b"".join([record.key or b"", record.value or b"", *(value or b"" for _, value in record.headers)])
    assert not [each for each in held if str(each).encode() in everything_said]


async def _nothing_pending(house: House) -> bool:
    return not await rows(house.works.database, "select 1 from pending where not held")


FORGED = {
    "unknown_sender": lambda good: replace(good, headers=_with(good, "ce_source", b"nobody")),
    "bad_signature": lambda good: replace(good, value=b"\x0a\x01x"),
    "wrong_key": lambda good: replace(good, key=b"another"),
    "undecodable": lambda good: replace(good, headers=[("ce_id", b"\xff")]),
    "too_large": lambda good: replace(good, value=b"x" * (256 * 1024 + 1)),
}


def _with(record: Raw, name: str, value: bytes) -> list[tuple[str, bytes | None]]:
    return [(each, value if each == name else held) for each, held in record.headers]


@pytest.mark.logs_errors("share_quarantined")
async def test_what_is_not_believed_is_quarantined_and_disturbs_nobody(houses, bus) -> None:
    a, b = houses
    await a.tells(b)
    async with running(a.relay):
        await eventually(lambda: _nothing_pending(a), within=20)
    (good,) = everything(bus.servers, b.topic)
    put(bus.servers, b.topic, [replace(forge(good), partition=-1) for forge in FORGED.values()])
    put(bus.servers, b.topic, [replace(good, partition=-1)])  # the same record again: a duplicate, not a forgery
    key, _ = await a.tells(b, times=2)

    async with running(a.relay, b.inbox):
        await eventually(lambda: _heard(b, 3), within=30)
        await eventually(lambda: _quarantined(b, len(FORGED)), within=30)

    found = await rows(b.works.database, "select reason, source from quarantined")
    assert sorted(row["reason"] for row in found) == sorted(FORGED)
    assert (await effects(b.works.database))[key] == [1, 2]
    assert not await rows(b.works.database, "select 1 from parked")


async def _quarantined(house: House, count: int) -> bool:
    return len(await rows(house.works.database, "select 1 from quarantined")) == count


async def test_a_partner_that_uses_the_key_of_another_only_opens_a_stream_of_its_own(houses, bus, tmp_path) -> None:
    a, b = houses
    key, _ = await a.tells(b, times=2)
    c = a_signer()
    b.trusted["c"] = believed(c)
    async with running(a.relay):
        await eventually(lambda: _nothing_pending(a), within=20)
    first = min(everything(bus.servers, b.topic), key=lambda each: each.sequence)
    stolen = [(n, v or b"") for n, v in _with(first, "ce_source", b"c") if n not in {"ce_signature", "ce_keyid"}]
    own = (first.key or b"").decode()
    put(bus.servers, b.topic, [Raw(first.key, first.value, [*c.signed(b.topic, own, stolen, first.value or b"")])])

    async with running(b.inbox):
        await eventually(lambda: _heard(b, 3), within=30)

    assert await effects(b.works.database) == {key: [1, 2], f"c/{own}": [1]}


async def test_what_comes_from_a_suspended_node_waits_and_is_applied_once_it_is_resumed(houses) -> None:
    a, b = houses
    b.trusted[a.node] = believed(a.signer, suspended=True)
    key, _ = await a.tells(b, times=3)
    async with running(a.relay, b.inbox):
        await eventually(lambda: _parked(b, 3), within=30)
        assert not await effects(b.works.database)

        b.trusted[a.node] = believed(a.signer)
        async with b.works.database.connection() as conn:
            await parking.drive(conn, b.inbox.group, parking.SUSPENDED, at=await now(conn))
        await eventually(lambda: _heard(b, 3), within=30)

    assert await effects(b.works.database) == {key: [1, 2, 3]}


async def test_of_what_a_node_says_to_all_the_newest_word_counts_and_nothing_is_waited_for(houses, bus) -> None:
    """Nobody reads a year of heartbeats again, and a node that is suspended is heard to be there."""
    a, b = houses
    b.trusted[a.node] = believed(a.signer, suspended=True)

    @b.inbox.hears.command(NodeHeartbeat)
    async def heartbeat(work: Any, heard: Heard[NodeHeartbeat]) -> None:
        await work.conn.execute(
            "insert into effect (event_id, key, seq) values ($1, $2, $3)", heard.envelope.event_id, heard.key, heard.seq
        )

    listening = Inbox(b.works, Bus(b.works.settings), b.inbox.hears)
    bus.create("control.v1")
    about = uuid4()
    for sequence, node in ((7, "not-registered-yet"), *((each, a.node) for each in (40, 41, 45, 43, 46))):
        raw = told(
            NodeHeartbeat(node_id=node), sequence, case=uuid4(), node=node, aggregate_id=about, aggregate_version=0,
            case_id=None, actor_ref="",
        )  # fmt: skip
        headers = [(name, value or b"") for name, value in raw.headers]
        signed = a.signer.signed("control.v1", str(about), headers, raw.value or b"")
        put(bus.servers, "control.v1", [Raw(str(about).encode(), raw.value, [*signed])])

    async with running(listening):
        await eventually(lambda: _mark(b, f"{a.node}/{about}", 46), within=30)

    assert await effects(b.works.database) == {f"{a.node}/{about}": [40, 41, 45, 46]}
    assert not await rows(b.works.database, "select 1 from parked")
    # Whom this house has not registered is passed, counted, and no alarm.
    assert not await rows(b.works.database, "select 1 from quarantined")


async def _parked(house: House, count: int) -> bool:
    return len(await rows(house.works.database, "select 1 from parked")) == count


async def test_nothing_leaves_for_a_topic_that_is_held_and_all_of_it_afterwards_in_order(houses, bus) -> None:
    a, b = houses
    await a.tells(b)
    async with a.works.database.transaction() as conn:
        await hold(conn, b.topic)
    await a.tells(b, times=2)
    async with running(a.relay):
        await eventually(lambda: _nothing_pending(a), within=20)
        assert everything(bus.servers, b.topic) == []
        assert len(everything(bus.servers, f"{a.node}.referral.v1")) == 5

        async with a.works.database.transaction() as conn:
            await release(conn, b.topic)
        await eventually(lambda: _sent(bus, b, 3), within=20)

    assert not await rows(a.works.database, "select 1 from pending")


async def _sent(bus: TestBus, house: House, count: int) -> bool:
    return len(everything(bus.servers, house.topic)) == count


async def test_a_stub_goes_in_the_place_of_what_may_no_longer_be_said_and_the_stream_stays_whole(houses, bus) -> None:
    a, b = houses
    key, _ = await a.tells(b, times=3)
    async with a.works.database.transaction() as conn:
        await conn.execute(
            "update pending set stub = true where position ="
            " (select position from journal where topic = $1 and sequence = 2)", b.topic
        )  # fmt: skip

    async with running(a.relay, b.inbox):
        await eventually(lambda: _heard(b, 2), within=30)
        await eventually(lambda: _mark(b, key, 3), within=30)

    assert await effects(b.works.database) == {key: [1, 3]}
    (stub,) = [each for each in everything(bus.servers, b.topic) if each.sequence == 2]
    assert stub.value == b""
    assert not {"ce_detailref", "ce_isaid", "ce_aggregatetype"} & {name for name, _ in stub.headers}


async def _mark(house: House, key: str, seq: int) -> bool:
    return bool(await rows(house.works.database, "select 1 from watermark where key = $1 and seq = $2", key, seq))


async def test_a_feed_is_numbered_without_gaps_whatever_the_key_and_however_many_write(houses) -> None:
    a, _ = houses
    await asyncio.gather(*(a.works.do(start, calling()) for _ in range(20)))

    found = await rows(a.works.database, "select headers from journal where topic is not null")

    envelopes = [from_headers(unpack_headers(row["headers"])) for row in found]
    assert {each.feed for each in envelopes} == {"begun"}
    assert sorted(each.feed_number for each in envelopes) == list(range(1, 21))


def test_a_key_is_called_by_its_digest() -> None:
    ours = a_signer()
    assert ours.key_id == nodekeys.key_id(ours.public_key)
    assert len(ours.key_id) == 64
