"""X9: a partner that lies, on a real Kafka. Nothing it sends has an effect, and nobody else notices."""

from __future__ import annotations

import secrets
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chassis import nodekeys
from chassis.access import Actor, Role
from chassis.envelope import Envelope, to_headers, topic_of
from chassis.hearing import Heard, Hears
from chassis.quarantine import MOST_AN_HOUR
from chassis.service import Service
from chassis.shares import Signer
from partners.app import compose
from partners.settings import Settings
from partners.subscriptions import GATE
from tests.support.house import running_house
from tests.support.kafka import Raw, local_kafka, put
from tests.support.postgres import eventually
from throughcare.partners.v1 import nodes_pb2 as said
from throughcare.partners.v1 import service_pb2 as partners
from throughcare.partners.v1 import shares_pb2 as shared
from throughcare.partners.v1.events_pb2 import NodeRegistered
from throughcare.partners.v1.service_pb2_grpc import PartnerServiceStub

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from tests.support.house import House

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]
OPERATOR = Actor(id="ops-1", role=Role.OPS, organisation="together")
MANAGER = Actor(id="staff-sm-1", role=Role.SM, organisation="together")
READS = ["throughcare.partners.v1"]
FLOOD = 2_000


def listening(settings: Settings) -> Service:
    """The service with what it hears of nodes, and one effect that can be counted in the place of all shares."""
    gate = Hears("gate", trust=GATE.trust)
    for each in GATE.subscriptions:
        if topic_of(each.kind, "") == "control.v1":
            gate.command(each.kind, ignored_when=each.ignored_when)(each.handler)

    @gate.command(shared.SharedHandoffReceived)
    async def effect(work: Any, heard: Heard[Any]) -> None:
        await work.conn.execute(
            "insert into effect (source, key) values ($1, $2)", heard.envelope.source_node, heard.key
        )

    return replace(compose(settings), hears=(gate,))


class Partner:
    """Another house, as far as the bus can tell: its key and what it puts there."""

    def __init__(self, node: str, servers: str, to: str) -> None:
        self.node, self._servers, self.inbox = node, servers, f"share.{to}.in.v1"
        self.signer = Signer(Ed25519PrivateKey.generate())
        self.about = uuid4()
        self._sequences: dict[tuple[str, str], int] = {}

    def record(self, message: Message, topic: str, *, key: str = "", signer: Signer | None = None, **given: Any) -> Raw:
        """A record as the relay of that house would send it; `given` replaces parts of its envelope."""
        key = key or (str(self.about) if topic == "control.v1" else "k" * 26)
        stream = (topic, key)
        if "stream_sequence" not in given:
            self._sequences[stream] = self._sequences.get(stream, 0) + 1
        at = datetime.now(UTC)
        fitting = {
            "event_id": uuid4(), "type": message.DESCRIPTOR.full_name, "schema_version": 1, "reach": "SHARE",
            "source_node": self.node, "aggregate_type": "thing", "aggregate_id": self.about,
            "stream_sequence": self._sequences.get(stream, 1), "aggregate_version": 0, "person_id": None,
            "case_id": None, "occurred_at": at, "recorded_at": at, "actor_role": "SM", "actor_ref": "",
            "correlation_id": uuid4(), "causation_id": None, "traceparent": "", "sensitivity": "STANDARD",
            "detail_ref": "", "subject_ref": "" if topic == "control.v1" else key,
        }  # fmt: skip
        headers = to_headers(Envelope(**fitting | given))
        value = message.SerializeToString()
        return Raw(key.encode(), value, [*(signer or self.signer).signed(topic, key, headers, value)])

    def heartbeat(self, node: str = "", **given: Any) -> Raw:
        """That a node is there."""
        return self.record(
            shared.NodeHeartbeat(node_id=node or self.node, schema_versions=READS, key_id=self.signer.key_id),
            "control.v1",
            **given,
        )

    def share(self, **given: Any) -> Raw:
        """Something about a handoff."""
        return self.record(shared.SharedHandoffReceived(handoff_id=str(uuid4())), self.inbox, **given)

    def announcement(self, of: Partner, key: Signer) -> Raw:
        """That a node will sign with this key."""
        message = shared.NodeKeyAnnounced(node_id=of.node, key_id=key.key_id, public_key=key.public_key.hex())
        message.overlap_until.FromDatetime(datetime.now(UTC) + timedelta(days=7))
        return self.record(message, "control.v1")

    def put(self, *records: Raw, topic: str = "") -> None:
        """Put them there."""
        put(self._servers, topic or self.inbox, records)


async def _introduce(house: House, *partners_: Partner) -> None:
    """Register these and the house's own node, each with its organisation."""
    stub = house.stub(PartnerServiceStub, "partners")
    own = nodekeys.public_key(house.process.settings.node_key_file).hex()
    for node, key in ((house.node, own), *((each.node, each.signer.public_key.hex()) for each in partners_)):
        await house.ask(
            stub.RegisterOrganisation,
            partners.RegisterOrganisationRequest(org_id=node, name=node, sector="VOLUNTARY", effective_on="2020-04-01"),
            MANAGER,
        )
        card = said.RegisterNodeRequest(
            node_id=node, org_id=node, public_key=key, rpc_address="127.0.0.1:1", authority_fingerprint="d" * 64,
            schema_versions=READS,
        )  # fmt: skip
        await house.ask(stub.RegisterNode, card, OPERATOR)


async def _rows(house: House, sql: str, *given: object) -> list[Any]:
    async with house.database("partners").connection() as conn:
        return await conn.fetch(sql, *given)


async def _mark(house: House, key: str) -> int:
    found = await _rows(house, "select seq from watermark where key = $1", key)
    return found[0]["seq"] if found else 0


async def _heard_up_to(house: House, partner: Partner, sequence: int) -> float:
    """How long it takes until the house has heard this partner's share of that sequence."""
    began = time.monotonic()
    await eventually(lambda: _is_at(house, f"{partner.node}/{'k' * 26}", sequence), within=60)
    return time.monotonic() - began


async def _is_at(house: House, key: str, sequence: int) -> bool:
    return await _mark(house, key) >= sequence


def _spoilt(record: Raw, name: str, value: bytes | None) -> Raw:
    return replace(record, headers=[(each, value if each == name else held) for each, held in record.headers])


def _lies(good: Partner, liar: Partner, old: Raw) -> dict[str, tuple[Raw, str]]:
    """What is tried, and the reason for which it is quarantined; empty where it goes no further for another reason."""
    whole = liar.share(stream_sequence=1)
    return {
        "in another's name, under its own key": (
            replace(liar.share(source_node=good.node, stream_sequence=9), key=old.key), "bad_signature",
        ),
        "another's record with other content": (replace(old, value=b"\x0a\x01x"), "bad_signature"),
        "another's record under another key": (replace(old, key=b"j" * 26), "wrong_key"),
        "a signature that is none": (_spoilt(whole, "ce_signature", b"AAAA"), "bad_signature"),
        "no signature": (
            replace(whole, headers=[each for each in whole.headers if each[0] != "ce_signature"]), "bad_signature",
        ),
        "a key nobody knows": (liar.share(signer=Signer(Ed25519PrivateKey.generate())), "bad_signature"),
        "from a node nobody registered": (liar.share(source_node="nobody", stream_sequence=1), "unknown_sender"),
        "too large": (replace(whole, value=b"x" * (256 * 1024 + 1)), "too_large"),
        "headers without end": (replace(whole, headers=[*whole.headers, ("x", b"y" * 20_000)]), "too_large"),
        "a name that stands twice": (replace(whole, headers=[*whole.headers, ("ce_source", b"x")]), "undecodable"),
        "a fact of the house on the inbox": (
            liar.record(NodeRegistered(node_id="x"), liar.inbox, reach="NODE", stream_sequence=1), "undecodable",
        ),
        "headers that are no text": (_spoilt(whole, "ce_type", b"\xff\xfe"), "undecodable"),
        "a header without a value": (_spoilt(whole, "ce_id", None), "undecodable"),
        "no headers": (replace(whole, headers=[]), "undecodable"),
    }  # fmt: skip


@pytest.mark.logs_errors("share_quarantined")
async def test_what_a_hostile_partner_sends_has_no_effect_and_disturbs_nobody(
    tmp_path, authority, postgres_url
) -> None:
    broker = local_kafka(tmp_path / "kafka")
    given = {"folder": tmp_path, "authority": authority, "postgres_url": postgres_url, "kafka": broker}
    gate = {"partners": (listening, "partners.migrations")}
    try:
        async with running_house(gate, **given) as house:
            async with house.database("partners").connection() as conn:
                await conn.execute("create table effect (source text not null, key text not null)")
            tail = secrets.token_hex(3)
            good, liar = (Partner(f"{name}-{tail}", broker.servers, house.node) for name in ("good", "liar"))
            await _introduce(house, good, liar)
            await _it_holds(house, good, liar)
    finally:
        broker.stop()


async def _it_holds(house: House, good: Partner, liar: Partner) -> None:
    good.put(good.heartbeat(), topic="control.v1")
    first = good.share()
    good.put(first)
    await _heard_up_to(house, good, 1)
    good.put(good.share())
    quiet = await _heard_up_to(house, good, 2)
    before = await _rows(house, "select count(*) from journal where topic is distinct from 'control.v1'")
    nodes = await _rows(house, "select node_id, status, keys, schema_versions from node order by node_id")

    lies = _lies(good, liar, first)
    liar.put(*(record for record, _ in lies.values()))
    liar.put(first, first)  # an old record again, twice: a duplicate
    # What is rightly signed and cannot be read or is out of its place rests in the liar's own streams.
    liar.put(*_unreadable(liar))
    # A word about another node, and a key for it.
    stolen = Signer(Ed25519PrivateKey.generate())
    liar.put(liar.heartbeat(node=house.node), liar.announcement(good, stolen), topic="control.v1")
    liar.put(liar.announcement(liar, good.signer), topic="control.v1")
    flood = replace(first, headers=[(n, b"nobody" if n == "ce_source" else v) for n, v in first.headers])
    liar.put(*([flood] * FLOOD))
    good.put(good.share())
    busy = await _heard_up_to(house, good, 3)
    await eventually(lambda: _is_at(house, f"{liar.node}/{liar.about}", 3), within=30)
    await eventually(lambda: _quarantine_is(house, MOST_AN_HOUR), within=60)

    # No effect: no fact, no node otherwise, no key of anybody's.
    assert await _rows(house, "select source, count(*) from effect group by source") == [(good.node, 3)]
    assert await _rows(house, "select count(*) from journal where topic is distinct from 'control.v1'") == before
    assert await _rows(house, "select node_id, status, keys, schema_versions from node order by node_id") == nodes
    # Each lie for its own reason; of the flood so much is written down, and the rest is counted.
    found = await _rows(house, "select reason, count(*) from quarantined group by reason")
    reasons = [reason for _, reason in lies.values()]
    for reason, count in found:
        assert count >= reasons.count(reason), reason
    assert {reason for reason, _ in found} == set(reasons)
    # Others: nothing of theirs waits, and they are heard as before.
    waiting = await _rows(house, "select key, reason from parked order by key")
    assert {(key.partition("/")[0], key[-1], reason) for key, reason in waiting} == {
        (liar.node, "b", "undecodable"), (liar.node, "g", "gap"), (liar.node, "m", "needs-upgrade"),
    }  # fmt: skip
    assert await _mark(house, f"{good.node}/{'k' * 26}") == 3
    assert busy < max(30 * quiet, 15), f"quiet {quiet:.2f} s, under lies and a flood {busy:.2f} s"
    # People see who it claimed to be, never what it said.
    stub = house.stub(PartnerServiceStub, "partners")
    page = await house.ask(stub.ListQuarantined, said.ListQuarantinedRequest(page_size=200), OPERATOR)
    assert {each.topic for each in page.quarantined} == {liar.inbox}
    assert all(len(each.digest) == 64 for each in page.quarantined)


def _unreadable(liar: Partner) -> list[Raw]:
    """A later version, a place far ahead, a type that never was, a body that is not what its type says."""
    message = shared.SharedHandoffReceived()
    kind = "throughcare.partners.v1.SharedHandoffReceived"
    spoilt = liar.record(shared.NodeHeartbeat(node_id="\x7f" * 9), liar.inbox, key="b" * 26, type=kind)
    garbage = b"\x0a\xff\xff\xff\xff\x0f" + b"x" * 40
    headers = [(n, v or b"") for n, v in spoilt.headers if n not in {"ce_signature", "ce_keyid"}]
    signed = liar.signer.signed(liar.inbox, "b" * 26, headers, garbage)
    return [
        liar.record(message, liar.inbox, key="m" * 26, type="throughcare.partners.v9.SharedHandoffReceived"),
        liar.share(key="g" * 26, stream_sequence=40),
        liar.record(message, liar.inbox, key="u" * 26, type="throughcare.partners.v1.Never"),
        replace(spoilt, value=garbage, headers=[*signed]),
    ]


async def _quarantine_is(house: House, count: int) -> bool:
    found = await _rows(house, "select count(*) from quarantined")
    return bool(found[0][0] >= count)
