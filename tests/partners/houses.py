"""Houses that hear each other without a bus, and their own referral service without a process: for tests of the gate.

What one tells another is read from its journal as the relay would send it, stubs included, and applied by the other's
gate as it would come in.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from chassis.access import Actor, Purpose, Role
from chassis.database import Database, now, wind
from chassis.envelope import Envelope, from_headers, key_of, to_headers, topic_of, unpack_headers
from chassis.shares import stub_of
from chassis.streams import Item, Streams, recorded
from chassis.work import Works
from partners.commands import agreements
from partners.deadlines import DEADLINES
from partners.publications import PUBLICATIONS
from partners.settings import Settings
from partners.storage import Work
from partners.storage.shares import inbox_of
from partners.subscriptions import GATE
from tests.partners.agreements import terms
from tests.partners.node_cards import organisation, register
from tests.partners.people import asks
from throughcare.referral.v1 import events_pb2 as referral

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from partners.domain.agreement.terms import Terms

TOLD = """
select journal.position, key, headers, message, coalesce(pending.stub, false) as stub
from journal left join pending using (position) where topic = $1 and journal.position > $2 order by journal.position
"""


def settings(node: str, url: str, folder: Path) -> Settings:
    """Of one house."""
    for name in ("wrapping", "house"):
        (folder / f"{node}-{name}").write_text(secrets.token_hex(32))
    return Settings(
        node_id=node,
        node_organisation=node,
        database_url=url,
        bus_kind="kafka",
        bus_servers="",
        bus_security="PLAINTEXT",
        wrapping_key_file=folder / f"{node}-wrapping",
        house_key_file=folder / f"{node}-house",
        embedded_profile=True,
    )


class House:
    """One house: its partners service, and the ear of its gate."""

    def __init__(self, node: str, database: Database, folder: Path) -> None:
        self.node = node
        given = settings(node, database.url, folder)
        self.works: Works[Work] = Works(database, Work, settings=given, publications=PUBLICATIONS, deadlines=DEADLINES)
        self.ear = Streams(GATE, f"{node}.gate", node)
        self.heard_up_to: dict[str, int] = {}
        self.seqs: dict[str, int] = {}
        self.feeds: dict[str, int] = {"consent": 0, "access_list": 0}
        self.guardian = self.staff(Role.IG)
        self.manager = self.staff(Role.SM)

    def staff(self, role: Role, organisation: str = "") -> Actor:
        """Somebody who works here, or a guest of that organisation."""
        employer = organisation or self.node
        return Actor(id=f"{role.value.lower()}-{employer}", role=role, organisation=employer, purpose=Purpose.HANDOFF)

    async def do(self, command: Any, actor: Actor, **given: Any) -> Any:
        """A command of this person."""
        return await self.works.do(command, asks(actor), **given)

    async def by_itself(self, function: Any, *args: Any, **given: Any) -> Any:
        """Something the house does by itself, in one work."""
        async with self.works.batch() as work:
            run = getattr(function, "inside", function)
            answer = await run(work, *args, **given)
            await work.flush()
        return answer

    async def rows(self, sql: str, *given: object) -> list[Any]:
        """Rows of its database."""
        async with self.works.database.connection() as conn:
            return await conn.fetch(sql, *given)

    async def count(self, sql: str) -> int:
        """How many."""
        return int((await self.rows(f"select count(*) from {sql}"))[0][0])

    async def now(self) -> datetime:
        """Its clock."""
        async with self.works.database.connection() as conn:
            return await now(conn)

    async def wind(self, **ahead: float) -> None:
        """Wind it."""
        async with self.works.database.connection() as conn:
            await wind(conn, timedelta(**ahead))

    async def hears(self, *items: Item) -> None:
        """These come in, one after another."""
        async with self.works.batch() as work:
            self.ear.at = work.now
            await self.ear.one_by_one(work, items)

    async def hears_from(self, other: House) -> list[str]:
        """Everything that house has told this one since the last time, as the relay would send it."""
        since = self.heard_up_to.get(other.node, 0)
        found = await other.rows(TOLD, inbox_of(self.node), since)
        items = [arrived(inbox_of(self.node), other.node, row) for row in found]
        if found:
            self.heard_up_to[other.node] = found[-1]["position"]
        await self.hears(*items)
        return [item.envelope.type.rpartition(".")[2] for item in items if isinstance(item.envelope, Envelope)]

    async def told(
        self,
        message: Message,
        person_id: UUID,
        *,
        case_id: UUID | None = None,
        feed: str = "",
        about: UUID | None = None,
    ) -> Item:
        """What another service of this house tells, as it comes from the bus; not applied yet."""
        kind, about = type(message), about or uuid4()
        key = key_of(kind, case=case_id, person=person_id, aggregate=about)
        stream = f"{topic_of(kind, self.node)} {key}"
        self.seqs[stream] = self.seqs.get(stream, 0) + 1
        if feed:
            self.feeds[feed] += 1
        at = await self.now()
        envelope = Envelope(
            event_id=uuid4(), type=kind.DESCRIPTOR.full_name, schema_version=1, reach="NODE", source_node=self.node,
            aggregate_type="x", aggregate_id=about, stream_sequence=self.seqs[stream], aggregate_version=1,
            person_id=person_id, case_id=case_id, occurred_at=at, recorded_at=at, actor_role="EW", actor_ref="x",
            correlation_id=uuid4(), causation_id=None, traceparent="", sensitivity="STANDARD", detail_ref="",
            feed=feed, feed_number=self.feeds.get(feed, 0),
        )  # fmt: skip
        return recorded(topic_of(kind, self.node), key, to_headers(envelope), message.SerializeToString())

    async def confirms(self) -> Item:
        """The newest numbers of its feeds."""
        message = referral.FeedConfirmed(
            consent_number=self.feeds["consent"], access_list_number=self.feeds["access_list"]
        )
        return await self.told(message, UUID(int=0))

    async def a_case(self, person_id: UUID) -> UUID:
        """Somebody is referred here."""
        case_id = uuid4()
        await self.hears(await self.told(referral.ReferralSubmitted(), person_id, case_id=case_id))
        return case_id

    async def agrees(
        self, person_id: UUID, recipient: str, *categories: str, version: int = 1, review_on: str = "2099-01-01"
    ) -> None:
        """He agrees that this recipient may know."""
        message = referral.ConsentGranted(
            purpose="SHARE", recipient=recipient, scope_codes=categories, version=version, review_on=review_on
        )
        await self.hears(await self.told(message, person_id, feed="consent"))

    async def withdraws(self, person_id: UUID, recipient: str, *, version: int = 2) -> None:
        """He takes it back."""
        message = referral.ConsentWithdrawn(
            purpose="SHARE", recipient=recipient, scope_codes=["APPOINTMENTS"], version=version
        )
        await self.hears(await self.told(message, person_id, feed="consent"))

    async def lists(self, person_id: UUID, which: str, *entries: str, version: int = 1) -> None:
        """Who may know of him changes."""
        message = referral.AccessListChanged(list=which, entries=entries, version=version)
        await self.hears(await self.told(message, person_id, feed="access_list"))


def arrived(topic: str, source: str, row: Any) -> Item:
    headers, value = unpack_headers(row["headers"]), row["message"]
    if row["stub"]:
        headers, value = stub_of(headers), b""
    return Item(topic, f"{source}/{row['key']}", row["key"].encode(), headers, value, from_headers(headers))


async def introduced(*houses: House) -> None:
    """Each knows the organisations and nodes of all others."""
    for house in houses:
        for nth, other in enumerate(houses):
            await organisation(house.works, other.node)
            if other is not house:
                await register(house.works, other.node, public_key=f"{nth + 1:x}" * 64, actor=house.staff(Role.OPS))


async def in_force(one: House, *others: House, of: Terms | None = None, guests: tuple[str, ...] = ()) -> UUID:
    """An agreement that the guardians of all parties have signed, each in his house, guests in the first."""
    made = await one.do(
        agreements.draft_isa, one.manager, terms=of or terms(*(other.node for other in others), *guests)
    )
    isa_id = UUID(str(made["isa_id"]))
    for house in (one, *others):
        await _all_hear(one, *others)
        await sign(house, isa_id, house.guardian)
    for guest in guests:
        await sign(one, isa_id, one.staff(Role.IG, guest))
    await _all_hear(one, *others)
    return isa_id


async def with_a_distant(house: House, *nodes: str, of: Terms | None = None) -> UUID:
    """An agreement in force with houses of which only their word is heard."""
    for nth, node in enumerate(nodes, 2):
        await organisation(house.works, node)
        await register(house.works, node, public_key=f"{nth:x}" * 64, actor=house.staff(Role.OPS))
    made = await house.do(agreements.draft_isa, house.manager, terms=of or terms(*nodes))
    isa_id = UUID(str(made["isa_id"]))
    await sign(house, isa_id, house.guardian)
    for node in nodes:
        given = {"terms_hash": made["terms_hash"], "node": node, "at": await house.now()}
        await house.by_itself(agreements.hear_signed, isa_id, node, **given)
    return isa_id


async def sign(house: House, isa_id: UUID, guardian: Actor) -> Any:
    """This guardian signs what he has read."""
    (held,) = await house.rows("select terms_hash, version from sharing_agreement where id = $1", isa_id)
    given = {"isa_id": isa_id, "terms_hash": held["terms_hash"], "expected": held["version"]}
    return await house.do(agreements.activate_isa, guardian, **given)


async def _all_hear(*houses: House) -> None:
    for hearer in houses:
        for other in houses:
            if other is not hearer:
                await hearer.hears_from(other)


async def status(house: House, isa_id: UUID) -> str:
    """How the agreement stands in this house."""
    (held,) = await house.rows("select status from sharing_agreement where id = $1", isa_id)
    return str(held["status"])
