"""Two houses with real certificates and node keys, one of which keeps what the other may read: for tests of the door
to detail. A third house is registered and has no part in it."""

from __future__ import annotations

import base64
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import grpc
from google.protobuf.json_format import MessageToJson

from chassis import nodekeys
from chassis.access import Actor, Purpose, Role
from chassis.certificates import fingerprint
from chassis.rpc import RpcServer, acting_as, channel
from chassis.rpc.assertion import METADATA, assertion
from chassis.shares import Signer
from partners.commands import reach
from partners.domain.agreement.codes import Category as Agreed
from partners.domain.handoff.codes import Category
from partners.rpc import DetailService, PartnerService
from tests.partners.agreements import terms
from tests.partners.handoff_houses import Pair
from tests.partners.houses import House, in_force
from tests.partners.node_cards import organisation, register
from throughcare.details.v1 import service_pb2 as said
from throughcare.details.v1.service_pb2_grpc import DetailServiceStub
from throughcare.partners.v1 import handoffs_pb2
from throughcare.partners.v1.service_pb2_grpc import PartnerServiceStub

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from chassis.certificates import Authority

OURS, TRUST, WOMEN = "together", "north-london-nhs", "women-in-prison"
NAME = "Canary-name-4417"
LET_KNOW = ("CONTACT_DETAILS", "APPOINTMENTS")


class Owners:
    """Stands for the owners of detail, which are other services of the house; they answer what they are asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[UUID, tuple[str, ...]]] = []
        self.purposes: list[str] = []

    async def known(
        self, person_id: UUID, _: UUID | None, categories: Sequence[str], *, purpose: str
    ) -> said.GetDetailResponse:
        self.purposes.append(purpose)
        self.asked.append((person_id, tuple(categories)))
        detail = said.Detail()
        if "CONTACT_DETAILS" in categories:
            detail.preferred_name = NAME
        if "APPOINTMENTS" in categories:
            detail.appointments.add(aspect_code="GRANTS")
        return said.GetDetailResponse(detail=detail, categories=categories)

    async def names(self, person_ids: Sequence[UUID]) -> dict[UUID, str]:
        return dict.fromkeys(person_ids, NAME)

    async def snapshot(self, person_id: UUID, case_id: UUID | None, categories: Sequence[Category]) -> str:
        return ""


class Door:
    """What the house that offers answers, and how the others knock."""

    def __init__(self, pair: Pair, third: House, owners: Owners, folder: Path, authority: Authority) -> None:
        self.pair, self.third, self.owners = pair, third, owners
        self.folder, self.authority = folder, authority
        self.address = ""
        self.stack = AsyncExitStack()
        self.reader = Actor(id="staff-pw-1", role=Role.PW, organisation=TRUST, purpose=Purpose.HANDOFF)
        self.handoff_id = uuid4()

    async def serve(self, house: House, *servicers: Any) -> str:
        """Open the door of a house."""
        return await self.stack.enter_async_context(serving(house, *servicers))

    async def opened(self, house: House, *, authority: Authority | None = None, name: str = "partners") -> Any:
        """A connection of a house's gate to the door, under a certificate of its own or of another authority."""
        given = house.works.settings
        if authority is not None or name != "partners":
            files = (authority or self.authority).service(house.node, name, at=datetime.now(UTC))
            given = given.model_copy(update={"certificate_file": files.certificate, "key_file": files.key})
        root = fingerprint(self.authority.certificate)
        made = channel(given, "partners", address=self.address, authority=root)
        self.stack.push_async_callback(made.close, None)
        return DetailServiceStub(made)

    def signer(self, house: House) -> Signer:
        """The key of a house."""
        return Signer.load(house.works.settings.node_key_file)

    async def word(self, user: Actor | None = None, *, by: House | None = None, **given: Any) -> str:
        """For whom a house says that it asks; `given` bends it."""
        house = by or self.pair.theirs
        fitting = {"node": house.node, "to": OURS, "at": await self.pair.ours.now()} | given
        signer = fitting.pop("signer", self.signer(house))
        return assertion(user or self.reader, signer, **fitting)

    async def ref(self) -> str:
        """The reference that the other house was given."""
        return str((await self.pair.of(self.pair.ours, self.handoff_id))["detail_ref"])

    async def ask(
        self, ref: str | None = None, *, user: Actor | None = None, token: str | None = None, by: House | None = None,
        stub: Any = None, key: UUID | None = None, categories: Sequence[str] = (),
    ) -> said.GetDetailResponse:  # fmt: skip
        """One reading, as the gate of the other house puts it."""
        door = stub or await self.opened(by or self.pair.theirs)
        request = said.GetDetailRequest(detail_ref=await self.ref() if ref is None else ref, categories=categories)
        return await door.GetDetail(request, metadata=await self.beside(user=user, token=token, by=by, key=key))

    async def beside(
        self, *, user: Actor | None = None, token: str | None = None, by: House | None = None, key: UUID | None = None
    ) -> tuple[tuple[str, str], ...]:
        """What goes beside a question; the correlation is always the same, so that answers can be compared."""
        found = [("idempotency-key", str(key or uuid4())), ("correlation-id", str(UUID(int=1)))]
        token = await self.word(user, by=by) if token is None else token
        return (*found, (METADATA, token)) if token else tuple(found)

    async def refusal(self, **given: Any) -> tuple[str, str, str]:
        """What comes back instead, to the last byte."""
        try:
            answer = await self.ask(**given)
        except grpc.aio.AioRpcError as no:
            trailing = [(name, bytes(value)) for name, value in no.trailing_metadata() or () if name != "date"]
            return no.code().name, no.details(), base64.b64encode(repr(trailing).encode()).decode()
        raise AssertionError(MessageToJson(answer))

    async def audit(self, house: House, action: str) -> list[tuple[str, str, str, str, str]]:
        """Who did that, for which purpose, about what, with what outcome."""
        sql = "select actor_ref, organisation, purpose, record, outcome from audit where action = $1 order by id"
        return [tuple(row) for row in await house.rows(sql, action)]

    async def disclosed(self) -> list[tuple[str, tuple[str, ...], str]]:
        """What the gate has judged since the offer: its recipient, the categories, and what did not hold."""
        sql = "select recipient, categories, refusal_code from disclosure order by judged_at, id offset 1"
        return [(each[0], tuple(each[1]), each[2] or "") for each in await self.pair.ours.rows(sql)]


def secured(house: House, folder: Path, authority: Authority, *, may_assert: frozenset[str] = frozenset()) -> None:
    """From now on it has a certificate and a key of its node."""
    files = authority.service(house.node, "partners", at=datetime.now(UTC))
    nodekeys.make(folder / f"{house.node}-node.key")
    web = frozenset({f"urn:throughcare:{house.node}:web"})
    house.works.settings = house.works.settings.model_copy(
        update={
            "ca_file": files.ca, "certificate_file": files.certificate, "key_file": files.key,
            "node_key_file": folder / f"{house.node}-node.key", "may_assert": may_assert or web,
        }
    )  # fmt: skip


@asynccontextmanager
async def serving(house: House, *servicers: Any) -> AsyncIterator[str]:
    """The door of a house, on TLS."""
    server = RpcServer(house.works.settings, {"partners": [*servicers]}, works={"partners": house.works})
    try:
        yield f"127.0.0.1:{await server.start()}"
    finally:
        await server.stop(1)


async def _introduce(houses: Sequence[House], addresses: dict[str, str], authority: Authority) -> None:
    for house in houses:
        for other in houses:
            await organisation(house.works, other.node)
            key = nodekeys.public_key(other.works.settings.node_key_file).hex()
            card = {"rpc_address": addresses.get(other.node, "127.0.0.1:1"), "public_key": key}
            actor = house.staff(Role.OPS)
            await register(house.works, other.node, actor=actor, authority=fingerprint(authority.certificate), **card)


@asynccontextmanager
async def a_door(ours: House, theirs: House, third: House, folder: Path, authority: Authority) -> AsyncIterator[Door]:
    """He was offered to the trust, which has him, on his agreement; both houses are up and current."""
    owners = Owners()
    houses = (ours, theirs, third)
    for house in houses:
        secured(house, folder, authority)
    pair = Pair(ours, theirs, uuid4(), uuid4(), uuid4())
    door = Door(pair, third, owners, folder, authority)
    async with door.stack:
        addresses = {}
        for house in (ours, theirs):
            services = (DetailService(house.works, owners), PartnerService(house.works, owners))
            addresses[house.node] = await door.serve(house, *services)
        door.address = addresses[ours.node]
        await _introduce(houses, addresses, authority)
        of = terms(TRUST, WOMEN, categories=(Agreed.CONTACT_DETAILS, Agreed.APPOINTMENTS, Agreed.PLAN_GOALS))
        pair.isa_id = await in_force(ours, theirs, third, of=of)
        pair.case_id = await ours.a_case(pair.person_id)
        await ours.agrees(pair.person_id, TRUST, *LET_KNOW)
        await ours.hears(await ours.confirms())
        door.handoff_id = await offered(door)
        await current(door)
        yield door


async def offered(door: Door, **given: Any) -> UUID:
    """He is offered to the trust, and has arrived there."""
    fitting = {"categories": tuple(map(Category, LET_KNOW)), "snapshot": ""}
    handoff_id = await door.pair.offer(**fitting | given)
    await door.pair.exchange()
    return handoff_id


async def current(door: Door) -> None:
    """Each house has just been heard by the other, and the feeds of the first are confirmed."""
    await door.pair.ours.hears(await door.pair.ours.confirms())
    for house in (door.pair.ours, door.pair.theirs):
        await house.by_itself(reach.give_word)
    await door.pair.exchange()


class People:
    """The people of the other house, at their own door."""

    def __init__(self, door: Door) -> None:
        self.door, house = door, door.pair.theirs
        files = door.authority.client(house.node, "web", at=datetime.now(UTC))
        self.settings = house.works.settings.model_copy(
            update={"certificate_file": files.certificate, "key_file": files.key}
        )

    async def ask(self, request: Any, actor: Actor | None = None, *, key: UUID | None = None) -> Any:
        """One question at `PartnerService` of their own house."""
        row = await self.door.pair.ours.rows("select rpc_address from node where node_id = $1", TRUST)
        made = channel(self.settings, "partners", address=row[0]["rpc_address"])
        method = type(request).__name__.removesuffix("Request")
        try:
            stub = PartnerServiceStub(made)
            return await getattr(stub, method)(request, metadata=acting_as(actor or self.door.reader, key=key))
        finally:
            await made.close()

    async def read(self, *, key: UUID | None = None, handoff_id: UUID | None = None, categories: Any = ()) -> Any:
        """What may be read of him now."""
        wanted = str(handoff_id or self.door.handoff_id)
        asked = handoffs_pb2.ReadHandoffDetailRequest(handoff_id=wanted, categories=categories)
        return await self.ask(asked, key=key)
