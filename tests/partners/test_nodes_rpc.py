"""The doors to nodes on the wire: what people ask, and what the gate of another node reads again."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import grpc
import pytest
import pytest_asyncio

from chassis import nodekeys
from chassis.certificates import Authority, Files, fingerprint
from chassis.rpc import RpcServer, acting_as, channel, error_of
from chassis.shares import STUB
from chassis.streams.between import arrived
from chassis.work import Works
from partners.commands import nodes as commands
from partners.gateways.details import HouseDetails
from partners.gateways.nodes import NodeJournals
from partners.rpc import NodeService, PartnerService
from partners.storage import nodes as stored
from partners.storage import shares
from tests.partners.node_cards import FIRST, OPERATOR, SECOND, a_node, organisation
from tests.partners.people import GUARDIAN, MANAGER, PRACTITIONER, asks
from tests.partners.test_nodes import beating, house, quarantine  # noqa: F401 - a fixture among them
from tests.partners.told import AGREED, ISA, STATUTE, tell
from throughcare.partners.v1 import nodes_pb2 as said
from throughcare.partners.v1.nodes_pb2_grpc import NodeServiceStub
from throughcare.partners.v1.service_pb2_grpc import PartnerServiceStub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

MIGRATIONS = "partners.migrations"
CANARY = "Canary-7731"
WIP = "women-in-prison"
TODAY = datetime.now(UTC)


# ---- people of the house ----


@pytest_asyncio.fixture
async def door(works: Works[Any]) -> AsyncIterator[PartnerServiceStub]:
    server = RpcServer(
        works.settings, {"partners": [PartnerService(works, HouseDetails(works.settings)), NodeService(works)]}
    )
    port = await server.start()
    made = channel(works.settings, "partners", address=f"127.0.0.1:{port}")
    yield PartnerServiceStub(made)
    await made.close()
    await server.stop(1)


def registering(**given: Any) -> said.RegisterNodeRequest:
    fitting = {
        "node_id": WIP,
        "org_id": WIP,
        "public_key": FIRST,
        "rpc_address": "127.0.0.1:8443",
        "authority_fingerprint": "d" * 64,
        "schema_versions": ["throughcare.partners.v1"],
    }
    return said.RegisterNodeRequest(**fitting | given)


async def test_a_node_is_registered_rotated_suspended_resumed_and_retired(works: Works[Any], door: Any) -> None:
    await organisation(works, WIP)
    as_operator = {"metadata": acting_as(OPERATOR)}
    await door.RegisterNode(registering(), **as_operator)
    rotating = said.RotateNodeKeyRequest(node_id=WIP, public_key=SECOND, expected_version=1)
    await door.RotateNodeKey(rotating, metadata=acting_as(OPERATOR))
    for version, (method, kind) in enumerate(
        (
            (door.SuspendNode, said.SuspendNodeRequest),
            (door.ResumeNode, said.ResumeNodeRequest),
            (door.RetireNode, said.RetireNodeRequest),
        ),
        2,
    ):
        answer = await method(kind(node_id=WIP, expected_version=version), metadata=acting_as(OPERATOR))
        assert answer.version == version + 1

    seen = (await door.GetNode(said.GetNodeRequest(node_id=WIP), metadata=acting_as(MANAGER))).node
    assert (seen.state, seen.version, seen.authority_fingerprint) == ("RETIRED", 5, "d" * 64)
    assert [key.public_key for key in seen.keys] == [FIRST, SECOND]
    assert seen.keys[0].HasField("taken_until")
    assert not seen.keys[1].HasField("taken_until")
    assert not seen.HasField("last_heard_at")


async def refused(call: Any) -> Any:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    assert CANARY not in str(caught.value)
    return error_of(caught.value)


async def test_every_fault_of_a_card_comes_at_once_and_no_value_comes_back(works: Works[Any], door: Any) -> None:
    await organisation(works, WIP)
    form = registering(public_key=CANARY, rpc_address=CANARY, authority_fingerprint=CANARY, schema_versions=[CANARY])

    answer = await refused(door.RegisterNode(form, metadata=acting_as(OPERATOR)))

    assert {fault.path for fault in answer.fields} == {"public_key", "authority", "rpc_address", "schema_versions"}


async def test_a_change_names_the_version_it_was_made_on(works: Works[Any], door: Any) -> None:
    await a_node(works)

    answer = await refused(door.SuspendNode(said.SuspendNodeRequest(node_id=WIP), metadata=acting_as(OPERATOR)))

    assert [(fault.path, fault.code) for fault in answer.fields] == [("expected_version", "REQUIRED")]


async def test_nodes_and_what_was_quarantined_come_in_pages(works: Works[Any], door: Any) -> None:
    await a_node(works)
    await a_node(works, "sig-penrose", public_key=SECOND)
    await quarantine(works, "one-house", CANARY + " lives here", "two-house")

    first = await door.ListNodes(said.ListNodesRequest(page_size=1), metadata=acting_as(MANAGER))
    second = await door.ListNodes(
        said.ListNodesRequest(page_size=1, page_token=first.next_page_token), metadata=acting_as(MANAGER)
    )
    assert [page.nodes[0].node_id for page in (first, second)] == ["sig-penrose", WIP]
    assert second.next_page_token == ""

    page = await door.ListQuarantined(said.ListQuarantinedRequest(page_size=2), metadata=acting_as(GUARDIAN))
    rest = await door.ListQuarantined(
        said.ListQuarantinedRequest(page_size=2, page_token=page.next_page_token), metadata=acting_as(GUARDIAN)
    )
    claimed = [each.claimed_source for each in (*page.quarantined, *rest.quarantined)]
    assert claimed == ["two-house", "", "one-house"]
    denied = await refused(door.ListQuarantined(said.ListQuarantinedRequest(), metadata=acting_as(PRACTITIONER)))
    assert denied.kind == "DENY"


async def test_without_certificates_no_other_node_is_answered(works: Works[Any]) -> None:
    server = RpcServer(works.settings, {"partners": [NodeService(works)]})
    port = await server.start()
    plain = channel(works.settings, "partners", address=f"127.0.0.1:{port}")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        [_ async for _ in NodeServiceStub(plain).ReadShares(said.ReadSharesRequest())]
    await plain.close()
    await server.stop(1)

    assert error_of(caught.value).reason == "nodes_alone"


# ---- the gate of another node ----


class Other:
    """The women's house, which reads what this one has told it."""

    def __init__(self, works: Works[Any], files: Files) -> None:
        settings = works.settings.model_copy(
            update={
                "node_id": WIP, "ca_file": files.ca, "certificate_file": files.certificate, "key_file": files.key,
            }
        )  # fmt: skip
        self.works = Works(
            works.database, works.kind, settings=settings, publications=works.publications, deadlines=works.deadlines
        )
        self.told_by, self.journals = works, NodeJournals(self.works)

    async def read(self, topic: str = f"share.{WIP}.in.v1@together", **given: Any) -> list[Any]:
        """What this house has told it."""
        return [each async for each in self.journals.read(topic, **given)]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.make(tmp_path / "ca", "test", at=TODAY)


@pytest.fixture
def asking(beating: Works[Any], authority: Authority):  # noqa: F811 - the fixture
    """`async with asking() as other:` this house answers, the women's house asks it; both trust one authority."""

    @asynccontextmanager
    async def start(issued_by: Authority = authority, known: Authority = authority) -> AsyncIterator[Other]:
        own = authority.service("together", "partners", at=TODAY)
        files = issued_by.service(WIP, "partners", at=TODAY)
        bundle = authority.folder / "bundle.pem"
        bundle.write_bytes(authority.file.read_bytes() + (issued_by.file.read_bytes() if issued_by != known else b""))
        beating.settings = beating.settings.model_copy(
            update={"ca_file": bundle, "certificate_file": own.certificate, "key_file": own.key}
        )
        server = RpcServer(beating.settings, {"partners": [NodeService(beating)]})
        port = await server.start()
        public_key = nodekeys.public_key(beating.settings.node_key_file).hex()
        fitting = {"authority": fingerprint(known.certificate)}
        await a_node(beating, "together", public_key=public_key, rpc_address=f"127.0.0.1:{port}", **fitting)
        await a_node(beating, **fitting)
        other = Other(beating, Files(authority.file, files.certificate, files.key))
        try:
            yield other
        finally:
            await server.stop(1)

    return start


async def test_a_node_reads_again_what_it_was_told_and_believes_it_as_on_the_bus(asking: Any) -> None:
    async with asking() as other:
        await tell(other.works, WIP, times=2)
        await tell(other.works, WIP, key="l")
        await tell(other.works, "sig-penrose")
        async with other.works.database.connection() as conn:
            trusted = await stored.trust(conn)

        found = await other.read()

    assert [key for _, key, _, _ in found] == ["k", "k", "l"]
    for _, key, headers, value in found:
        item = arrived(
            f"share.{WIP}.in.v1", key.encode(), headers, value, node=WIP, trusted=dict(trusted), at=datetime.now(UTC)
        )
        assert item.distrusted == ""
        assert item.key == f"together/{key}"


async def test_a_gap_is_read_by_its_key_and_a_journal_from_where_one_stands(asking: Any) -> None:
    async with asking() as other:
        await tell(other.works, WIP, times=4)
        await tell(other.works, WIP, key="l")
        everything = await other.read()

        of_key = await other.read(f"share.{WIP}.in.v1", key="together/k", from_sequence=3)
        later = await other.read(from_position=everything[3][0])

    assert [dict(headers)["ce_streamsequence"] for _, _, headers, _ in of_key] == [b"3", b"4"]
    assert [key for _, key, _, _ in later] == ["l"]


async def test_what_fills_several_pieces_comes_whole_and_once(asking: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("partners.queries.nodes.CHUNK", 3)
    async with asking() as other:
        await tell(other.works, WIP, times=7)

        by_position, by_key = await other.read(), await other.read(f"share.{WIP}.in.v1", key="together/k")

    assert [dict(headers)["ce_streamsequence"] for _, _, headers, _ in by_position] == [b"%d" % n for n in range(1, 8)]
    assert len(by_key) == 7


async def test_what_may_no_longer_be_said_comes_as_a_stub_in_its_place(asking: Any) -> None:
    async with asking() as other:
        person = await tell(other.works, WIP, times=2)
        await tell(other.works, WIP, person=person, key="s", confidentiality_basis=STATUTE)
        await tell(other.works, WIP, key="l")
        async with other.works.database.transaction() as conn:
            await shares.end_shares(conn, WIP, person_id=person, confidentiality_basis=AGREED)
        await tell(other.works, WIP, person=person)

        found = await other.read()

    assert [(key, value == b"") for _, key, _, value in found] == [
        ("k", True), ("k", True), ("s", False), ("l", False), ("k", False),
    ]  # fmt: skip
    stub = dict(found[0][2])
    assert stub["ce_type"] == STUB.encode()
    assert not {"ce_isaid", "ce_detailref", "ce_confidentialitybasis"} & set(stub)
    assert "ce_signature" in stub


async def test_an_agreement_that_ended_ends_what_was_said_under_it_alone(asking: Any) -> None:
    another = uuid4()
    async with asking() as other:
        await tell(other.works, WIP)
        await tell(other.works, WIP, key="l", isa_id=another)
        async with other.works.database.transaction() as conn:
            await shares.end_shares(conn, WIP, isa_id=ISA)
            await shares.end_shares(conn, "sig-penrose")

        found = await other.read()

    assert [(key, value == b"") for _, key, _, value in found] == [("k", True), ("l", False)]


async def test_of_what_was_said_to_all_the_keys_are_read_again_and_no_heartbeat(asking: Any) -> None:
    async with asking() as other:
        async with other.works.database.connection() as conn:
            version = await conn.fetchval("select version from node where node_id = 'together'")
        await house(other.told_by, commands.tell_heartbeat)
        await other.told_by.do(
            commands.rotate_node_key, asks(OPERATOR),
            node_id="together", public_key=SECOND, overlap_until=None, expected=version,
        )  # fmt: skip

        found = await other.read("control.v1@together")

    assert [dict(headers)["ce_type"] for _, _, headers, _ in found] == [b"throughcare.partners.v1.NodeKeyAnnounced"]


@pytest.mark.parametrize("topic", ["share.sig-penrose.in.v1", "together.partners.v1", "share.%.in.v1"])
async def test_nobody_reads_what_was_told_to_another_or_in_the_house(asking: Any, topic: str) -> None:
    async with asking() as other:
        await tell(other.works, "sig-penrose")

        with pytest.raises(ConnectionError) as caught:
            await other.read(f"{topic}@together")

    assert error_of(caught.value.__cause__).kind == "INV"


async def reason(other: Other) -> str:
    with pytest.raises(ConnectionError) as caught:
        await other.read()
    return error_of(caught.value.__cause__).reason


async def test_a_suspended_a_retired_and_an_unknown_node_read_nothing(asking: Any) -> None:
    async with asking() as other:
        await tell(other.works, WIP)
        await other.told_by.do(commands.suspend_node, asks(OPERATOR), node_id=WIP, expected=1)
        suspended = await reason(other)
        await other.told_by.do(commands.retire_node, asks(OPERATOR), node_id=WIP, expected=2)
        retired = await reason(other)
        async with other.works.database.connection() as conn:
            await conn.execute("delete from node where node_id = $1", WIP)
        unknown = await reason(other)

    assert (suspended, retired, unknown) == ("node_suspended", "unknown_node", "unknown_node")


async def test_a_certificate_of_another_authority_than_was_registered_reads_nothing(
    asking: Any, authority: Authority, tmp_path: Path
) -> None:
    trusts_too = Authority.make(tmp_path / "trust", "a trust", at=TODAY)
    async with asking(issued_by=trusts_too) as other:
        await tell(other.works, WIP)

        assert await reason(other) == "unknown_authority"


async def test_each_reading_and_each_refusal_is_audited(asking: Any) -> None:
    async with asking() as other:
        await tell(other.works, WIP)
        await other.read()
        async with other.works.database.connection() as conn:
            found = await conn.fetch(
                "select actor_ref, actor_role, action, outcome from audit where actor_role = 'NODE'"
            )

    assert {tuple(row) for row in found} == {
        (WIP, "NODE", "node.count_shares", "read"), (WIP, "NODE", "node.read_shares", "read"),
    }  # fmt: skip


async def test_a_node_that_is_away_or_not_registered_is_a_connection_that_failed(asking: Any) -> None:
    async with asking() as other:
        with pytest.raises(ConnectionError, match="not registered"):
            await other.read("share.women-in-prison.in.v1@nobody")
        async with other.works.database.connection() as conn:
            await conn.execute("update node set rpc_address = '127.0.0.1:1' where node_id = 'together'")
        with pytest.raises(ConnectionError, match="cannot be read now"):
            await other.read()
