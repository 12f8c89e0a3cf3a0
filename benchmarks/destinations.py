"""P20: one fact told to 1, 3 or 10 other houses: what the command costs, and how fast all of it leaves."""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.measure import Run, Table
from chassis.journal import Publications
from chassis.relay import Relay
from chassis.shares import Basis, Share, Signer
from chassis.work import Works, command
from house.buses import create_topics
from tests.chassis.toy import DEADLINES, Begun, Ended, Thing, ThingWork, by, calling
from throughcare.partners.v1.shares_pb2 import SharedHandoffReceived
from throughcare.referral.v1.events_pb2 import ReferralDrafted, ReferralWithdrawn

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from benchmarks.stage import Stage

MOST, COMMANDS = (1, 3, 10), 300
BASIS = Basis(regime="PART2", lawful_basis="PUBLIC_TASK", confidentiality_basis="AGREED", isa_id=UUID(int=1))
TELLS = Publications("referral")


@TELLS.tells(Begun)
def begun(fact: Begun) -> ReferralDrafted:
    return ReferralDrafted(programme_id="p")


@TELLS.tells(Ended)
def ended(fact: Ended) -> tuple[Message | Share, ...]:
    there = SharedHandoffReceived(handoff_id=str(UUID(int=2)))
    nodes = fact.note.split()
    shares = [Share(to=to, message=there, aggregate_id=uuid4(), detail_ref="d" * 26, basis=BASIS) for to in nodes]
    return (ReferralWithdrawn(reason_group="ADMIN", by_party="SERVICE"), *shares)


@command("bench.start", by("SM"))
async def start(work: ThingWork) -> str:
    thing = Thing(id=work.new_id(), case_id=work.new_id(), person_id=work.new_id())
    await work.things.put(thing.telling(Begun(note="", at=work.now)))
    return str(thing.id)


@command("bench.tell", by("SM"))
async def tell(work: ThingWork, *, id: UUID, to: str) -> int:
    thing = await work.things.get(id)
    return await work.things.put(thing.telling(Ended(note=to, at=work.now)))


async def measure(stage: Stage, *, rounds: int) -> list[Table]:
    """Commands one after another, then the relay alone until all has left."""
    nodes = [f"n{nth}" for nth in range(max(MOST))]
    create_topics(stage.kafka.client, {f"share.{node}.in.v1": {} for node in nodes}, partitions=4)
    works = Works(
        stage.database, ThingWork, settings=stage.toy.settings, publications=TELLS, deadlines=DEADLINES
    )  # fmt: skip
    signer = Signer(Ed25519PrivateKey.generate())
    things = [UUID(await works.do(start, calling())) for _ in range(50)]
    async with stage.database.transaction() as conn:
        await conn.execute("delete from pending")
    told, sent = Table("P20", "commands that tell n houses"), Table("P20-relay", "messages sent, to n houses")
    slowest: dict[int, list[float]] = {}
    for number in range(rounds + 1):
        for most in MOST:
            took = []
            used = time.process_time()
            began = time.perf_counter()
            for nth in range(COMMANDS):
                at = time.perf_counter()
                await works.do(tell, calling(), id=things[nth % len(things)], to=" ".join(nodes[:most]))
                took.append((time.perf_counter() - at) * 1000)
            commands = Run(COMMANDS / (time.perf_counter() - began), (time.process_time() - used) / COMMANDS * 1e6)
            messages = COMMANDS * (most + 1)
            used, began = time.process_time(), time.perf_counter()
            relay = asyncio.create_task(Relay(stage.url, stage.bus, "referral", works.wake, signer=signer).run())
            await stage.until("select count(*) from pending", 0)
            away = Run(messages / (time.perf_counter() - began), (time.process_time() - used) / messages * 1e6)
            relay.cancel()
            await asyncio.wait([relay])
            if number:
                told.runs.setdefault(f"{most} destinations", []).append(commands)
                sent.runs.setdefault(f"{most} destinations", []).append(away)
                slowest.setdefault(most, []).append(statistics.quantiles(took, n=100)[98])
    p99 = {most: statistics.median(found) for most, found in slowest.items()}
    told.notes.append(
        f"p99 of the command in ms: {', '.join(f'{most}: {found:.1f}' for most, found in p99.items())};"
        f" at 10 it is {p99[10] / p99[1]:.2f} of that at 1; goal at most 2"
    )
    sent.notes.append("a share is signed when it leaves, and goes one batch at a time; starting the relay is counted")
    return [told, sent]
