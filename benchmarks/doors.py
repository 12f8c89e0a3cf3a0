"""P13: our gRPC door against bare grpc.aio, with and without mutual TLS: one question at a time, many, and a stream.

Ours checks who calls, what he may assert, his purpose and his key, and that the method has a permission; neither side
touches a database, so that the door alone is measured.
"""

# ruff: noqa: N802 - the contract's names

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import grpc

from benchmarks.measure import Table, alternate
from chassis.access import Actor, Purpose, Role, by
from chassis.certificates import Authority, urn
from chassis.rpc import HOUSE_ALONE, RpcServer, acting_as, calling, channel, serves
from chassis.settings import ServiceSettings
from chassis.work import query
from throughcare.chassis.v1 import service_pb2 as journal
from throughcare.chassis.v1 import service_pb2_grpc as journal_grpc
from throughcare.details.v1 import service_pb2 as details
from throughcare.details.v1 import service_pb2_grpc as details_grpc

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from benchmarks.stage import Stage

CALLS, AT_ONCE, STREAMED = 1_000, 16, 10_000
MANAGER = Actor(id="staff-sm-1", role=Role.SM, organisation="together", purpose=Purpose.OPERATE)
ANSWER = details.GetContactResponse(address="a@b.example")


@query("bench.ask", by("SM, SYSTEM"))
async def ask(work: Any) -> None:
    """Never run: the method answers by itself."""


class Bare(details_grpc.DetailServiceServicer, journal_grpc.JournalServiceServicer):
    """The two methods that are called, and nothing around them."""

    async def GetContact(self, request: Any, context: Any) -> Any:
        return ANSWER

    async def Read(self, request: Any, context: Any) -> AsyncIterator[Any]:
        for position in range(STREAMED):
            yield journal.ReadResponse(position=position, key="k" * 36, value=b"v" * 200)


class Ours(details_grpc.DetailServiceServicer):
    """The same behind the door; a permission for each."""

    @serves(ask)
    async def GetContact(self, request: Any, context: Any) -> Any:
        calling(context, request)
        return ANSWER

    @serves(ask)
    async def GetDetail(self, request: Any, context: Any) -> Any: ...

    @serves(ask)
    async def ListNames(self, request: Any, context: Any) -> Any: ...


class OurJournal(journal_grpc.JournalServiceServicer):
    """The stream behind the door."""

    Read = serves(HOUSE_ALONE)(Bare.Read)


def _settings(folder: Path, files: Any) -> ServiceSettings:
    (folder / "key").write_text("ab" * 32)
    return ServiceSettings(
        node_id="together", node_organisation="together", database_url="postgresql://nowhere/none", bus_kind="kafka",
        bus_servers="127.0.0.1:9", bus_security="SSL", wrapping_key_file=folder / "key", house_key_file=folder / "key",
        may_assert=frozenset({urn("together", "web")}), ca_file=files.ca, certificate_file=files.certificate,
        key_file=files.key, peers=dict.fromkeys(("referral", "casework"), "127.0.0.1:9"),
    )  # fmt: skip


@asynccontextmanager
async def _bare(files: Any | None, client: Any | None) -> AsyncIterator[grpc.aio.Channel]:
    server = grpc.aio.server()
    details_grpc.add_DetailServiceServicer_to_server(Bare(), server)
    journal_grpc.add_JournalServiceServicer_to_server(Bare(), server)
    if files is None:
        port = server.add_insecure_port("127.0.0.1:0")
        opened = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
    else:
        pair, authority = (files.key.read_bytes(), files.certificate.read_bytes()), files.ca.read_bytes()
        secured = grpc.ssl_server_credentials([pair], authority, require_client_auth=True)
        port = server.add_secure_port("127.0.0.1:0", secured)
        own = grpc.ssl_channel_credentials(authority, client.key.read_bytes(), client.certificate.read_bytes())
        opened = grpc.aio.secure_channel(f"127.0.0.1:{port}", own)
    await server.start()
    try:
        yield opened
    finally:
        await opened.close()
        await server.stop(0)


@asynccontextmanager
async def _ours(folder: Path, files: Any, client: Any) -> AsyncIterator[grpc.aio.Channel]:
    server = RpcServer(_settings(folder, files), {"referral": [Ours(), OurJournal()]})
    port = await server.start()
    opened = channel(_settings(folder, client), "referral", address=f"127.0.0.1:{port}")
    try:
        yield opened
    finally:
        await opened.close()
        await server.stop(0)


def _one_by_one(opened: grpc.aio.Channel) -> Callable[[], Awaitable[int]]:
    stub, request = details_grpc.DetailServiceStub(opened), details.GetContactRequest(case_id="c")

    async def run() -> int:
        for _ in range(CALLS):
            await stub.GetContact(request, metadata=acting_as(MANAGER))
        return CALLS

    return run


def _many(opened: grpc.aio.Channel) -> Callable[[], Awaitable[int]]:
    one = _one_by_one(opened)

    async def run() -> int:
        return sum(await asyncio.gather(*(one() for _ in range(AT_ONCE))))

    return run


def _stream(opened: grpc.aio.Channel) -> Callable[[], Awaitable[int]]:
    stub = journal_grpc.JournalServiceStub(opened)

    async def run() -> int:
        return len([None async for _ in stub.Read(journal.ReadRequest(topic="together.referral.v1"))])

    return run


async def measure(stage: Stage, *, rounds: int) -> list[Table]:
    """One table for each way to call."""
    authority = Authority.make(stage.folder / "authority", "bench", at=datetime.now(UTC))
    at = datetime.now(UTC)
    of_service = authority.service("together", "referral", at=at)
    web, neighbour = authority.client("together", "web", at=at), authority.service("together", "casework", at=at)
    tables = []
    for name, question, way, client in (
        ("P13-1", "questions, one at a time", _one_by_one, web),
        ("P13-16", "questions, sixteen at a time", _many, web),
        ("P13-stream", "messages of one stream", _stream, neighbour),
    ):
        async with AsyncExitStack() as stack:
            plain = await stack.enter_async_context(_bare(None, None))
            secured = await stack.enter_async_context(_bare(of_service, client))
            ours = await stack.enter_async_context(_ours(stage.folder, of_service, client))
            contenders = {"ours, mTLS": way(ours), "bare, mTLS": way(secured), "bare, plain": way(plain)}
            table = await alternate(Table(name, question), contenders, rounds=rounds)
        table.notes += [
            f"ours to bare, both with mTLS: {table.ratio('ours, mTLS', 'bare, mTLS'):.2f}; goal at least 0.7",
            f"mTLS to plain, both bare: {table.ratio('bare, mTLS', 'bare, plain'):.2f}; goal at least 0.8",
        ]
        tables.append(table)
    return tables
