"""What is asked of nodes, and what is heard of them; each is fetch, ask, put."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from pathlib import Path

from chassis import nodekeys, parking
from chassis.access import Role, by
from chassis.aggregate import Denied, Exists, NotFound, Unmet
from chassis.envelope import reach_of, registry
from chassis.shares import hold, release
from chassis.work import command
from partners.commands.offers import announce_offers
from partners.domain.heartbeat import Heartbeat
from partners.domain.node import Card, Node, Status
from partners.domain.organisation import Status as Standing
from partners.domain.signing_key import OVERLAP
from partners.storage import Work
from partners.storage.nodes import HOLDER_OF_KEY, LAST_HEARD, REMEMBER_HEARD, last_heard, node_of, trust
from partners.storage.shares import inbox_of, stub_all

NODE = by("PA own, OPS")
SUSPENSION = by("PA own, OPS, IG")
HOUSE = by("SYSTEM")


def _of_this_house(work: Work) -> None:
    """Who has a say in whom this house believes works for it; a guest has none, whatever his role."""
    if work.actor.role is not Role.SYSTEM and work.actor.organisation != work.settings.node_organisation:
        raise Denied


async def _node(work: Work, node_id: str, expected: int | None = None) -> Node:
    found = await work.nodes.first(node_id=node_id)
    if found is None:
        raise NotFound
    return await work.nodes.get(found.id, expected)


async def _another(work: Work, node_id: str, expected: int | None) -> Node:
    if node_id == work.node:
        raise Unmet("own_node", "This is the house's own node. To stop it, stop its services.")
    return await _node(work, node_id, expected)


async def _must_be_nobody_elses(work: Work, public_key: str, node_id: str) -> None:
    """A key names one node: who holds it for two could speak for either."""
    holder = await HOLDER_OF_KEY.value(work.conn, key=[{"public_key": public_key}])
    if holder not in (None, node_id):
        raise Exists("key_in_use", "Another node signs with this key. Make a new one.")


@command("node.register", NODE)
async def register_node(
    work: Work,
    *,
    node_id: str,
    org_id: str,
    public_key: str,
    rpc_address: str,
    authority: str,
    schema_versions: tuple[str, ...],
) -> int:
    """Believe a node from now on; the same card again changes nothing."""
    _of_this_house(work)
    card = Card(
        node_id=node_id,
        org_id=org_id,
        public_key=public_key,
        rpc_address=rpc_address,
        authority=authority,
        schema_versions=schema_versions,
    )
    known = await work.nodes.first(node_id=node_id)
    if known is not None:
        return await work.nodes.put(known.register_again(card, at=work.now))
    node = Node.register(work.new_id(), card, at=work.now)
    organisation = await work.organisations.first(org_id=org_id)
    if organisation is None or organisation.status is not Standing.ACTIVE:
        raise Unmet("organisation_unknown", "Register the organisation first; one that has ended has no node.")
    if await node_of(work.conn, org_id) is not None:
        raise Exists("organisation_has_node", "This organisation has a node already. Retire that one first.")
    await _must_be_nobody_elses(work, public_key, node_id)
    return await work.nodes.put(node)


@command("node.rotate_key", NODE)
async def rotate_node_key(
    work: Work, node_id: str, public_key: str, overlap_until: datetime | None, expected: int | None
) -> int:
    """Give a node another key; that of the house's own node is announced to all others."""
    _of_this_house(work)
    node = await _node(work, node_id, expected)
    until = overlap_until or work.now + OVERLAP
    rotated = node.rotate(public_key, overlap_until=until, at=work.now)
    await _must_be_nobody_elses(work, public_key, node_id)
    if node_id == work.node:
        rotated = rotated.announce(overlap_until=until, at=work.now)
    return await work.nodes.put(rotated)


@command("node.suspend", SUSPENSION)
async def suspend_node(work: Work, node_id: str, expected: int | None) -> int:
    """Tell it nothing and apply nothing of it; all is kept."""
    _of_this_house(work)
    suspended = (await _another(work, node_id, expected)).suspend(at=work.now)
    await hold(work.conn, inbox_of(node_id))
    return await work.nodes.put(suspended)


@command("node.resume", SUSPENSION)
async def resume_node(work: Work, node_id: str, expected: int | None) -> int:
    """What was kept goes on, in order."""
    _of_this_house(work)
    heard = await LAST_HEARD.value(work.conn, node_id=node_id)
    resumed = (await _another(work, node_id, expected)).resume(last_heard_at=heard, at=work.now)
    await release(work.conn, inbox_of(node_id))
    await parking.drive(work.conn, f"{work.node}.gate", parking.SUSPENDED, at=work.now)
    return await work.nodes.put(resumed)


@command("node.retire", NODE)
async def retire_node(work: Work, node_id: str, expected: int | None) -> int:
    """It is no more: what was still to be told to it goes as stubs."""
    _of_this_house(work)
    retired = (await _another(work, node_id, expected)).retire(at=work.now)
    await stub_all(work.conn, node_id)
    await release(work.conn, inbox_of(node_id))
    return await work.nodes.put(retired)


@command("node.hear", HOUSE)
async def hear_node(
    work: Work, node_id: str, schema_versions: tuple[str, ...], known_nodes: tuple[str, ...] = ()
) -> int:
    """A signed heartbeat came from it. A fact is written only where it then stands otherwise; once it knows this house
    it is told every offer that stands, since it did not believe what it was told before."""
    node = await _node(work, node_id)
    heard = node.hear(schema_versions, knows_us=work.node in known_nodes, at=work.now)
    await REMEMBER_HEARD.run(work.conn, node_id=node_id, at=work.now)
    version = await work.nodes.put(heard)
    if heard.knows_us and not node.knows_us:
        await announce_offers.inside(work, node_id)
    return version


@command("node.hear_key", HOUSE)
async def hear_node_key(work: Work, node_id: str, public_key: str, key_id: str, overlap_until: datetime) -> int:
    """It has announced another key, under one that is taken."""
    node = await _node(work, node_id)
    heard = node.hear_key(public_key, key_id=key_id, overlap_until=overlap_until, at=work.now)
    await _must_be_nobody_elses(work, public_key, node_id)
    return await work.nodes.put(heard)


@cache
def read_here() -> tuple[str, ...]:
    """The contracts of what crosses between houses that this release reads."""
    crossing = {kind.DESCRIPTOR.file.package for kind in registry().values() if reach_of(kind) == "SHARE"}
    return tuple(sorted(crossing))


@cache
def _signs_with(file: Path) -> str:
    """The digest of the key of this process; another that takes its place is read at the next start."""
    return nodekeys.key_id(nodekeys.public_key(file))


@command("node.beat", HOUSE)
async def tell_heartbeat(work: Work) -> None:
    """Say that this house is there. A house that is not registered with itself has nobody to say it to."""
    own = await work.nodes.first(node_id=work.node)
    if own is None or work.settings.node_key_file is None:
        return
    key_id = _signs_with(work.settings.node_key_file)
    beating = await work.heartbeats.first(node_id=work.node)
    knows = tuple(sorted({*await trust(work.conn)} - {work.node}))
    if beating is None:
        made = Heartbeat.begin(
            work.new_id(), node=own.id, node_id=work.node, key_id=key_id, reads=read_here(), knows=knows, at=work.now
        )
    else:
        made = beating.beat(node=own.id, key_id=key_id, reads=read_here(), knows=knows, at=work.now)
    await work.heartbeats.put(made)


@command("node.watch", HOUSE)
async def watch_nodes(work: Work) -> None:
    """Notice who has been silent for too long while this house was listening."""
    beating = await work.heartbeats.first(node_id=work.node)
    if beating is None:
        return
    heard = await last_heard(work.conn)
    for node in await work.nodes.find(status=Status.ACTIVE):
        if beating.is_silent(heard[node.node_id], at=work.now):
            await work.nodes.put(node.miss(last_heard_at=heard[node.node_id], at=work.now))
