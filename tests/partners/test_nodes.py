"""Nodes as the service keeps them: whom it believes, what rests while one is suspended, who is silent."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from chassis import nodekeys
from chassis.access import Actor, Role
from chassis.aggregate import Conflict, Denied, Exists, Fault, Invalid, NotFound, Unmet
from chassis.database import wind
from partners.commands import nodes as commands
from partners.domain.node import Status
from partners.queries import nodes as queries
from partners.storage import nodes as stored
from partners.storage import shares
from tests.partners.node_cards import (
    ADMINISTRATOR,
    FIRST,
    OPERATOR,
    READS,
    SECOND,
    THIRD,
    a_node,
    organisation,
    register,
)
from tests.partners.people import GUARDIAN, MANAGER, PRACTITIONER, asks
from throughcare.partners.v1 import shares_pb2 as shared

if TYPE_CHECKING:
    from pathlib import Path

    from chassis.work import Works

MIGRATIONS = "partners.migrations"
GUEST = Actor(id="staff-pa-9", role=Role.PA, organisation="women-in-prison")
WIP = "women-in-prison"


async def rows(works: Works[Any], sql: str, *given: object) -> list[Any]:
    async with works.database.connection() as conn:
        return await conn.fetch(sql, *given)


async def house(works: Works[Any], command: Any, **given: Any) -> Any:
    """A command that the house gives itself."""
    async with works.batch() as work:
        answer = await command.inside(work, **given)
        await work.flush()
    return answer


async def hear(works: Works[Any], node_id: str = WIP) -> None:
    await house(works, commands.hear_node, node_id=node_id, schema_versions=READS)


async def seen(works: Works[Any], node_id: str = WIP) -> queries.NodeSeen:
    answer: queries.NodeSeen = await works.ask(queries.get_node, asks(MANAGER), node_id=node_id)
    return answer


async def facts(works: Works[Any]) -> list[str]:
    return [row["fact_type"] for row in await rows(works, "select fact_type from journal order by position")]


async def ahead(works: Works[Any], **given: float) -> None:
    async with works.database.connection() as conn:
        await wind(conn, timedelta(**given))


# Registration.


async def test_a_node_is_registered_and_believed_under_its_key(works: Works[Any]) -> None:
    assert await a_node(works) == 1

    async with works.database.connection() as conn:
        sender = (await stored.trust(conn))[WIP]
        assert await stored.node_of(conn, WIP) == WIP
        assert await stored.organisation_of(conn, WIP) == WIP
        assert await stored.reads(conn, WIP, "throughcare.partners.v1")
        assert not await stored.reads(conn, WIP, "throughcare.partners.v2")
    assert sender.keys == ((hashlib.sha256(bytes.fromhex(FIRST)).hexdigest(), bytes.fromhex(FIRST), None),)
    assert not sender.suspended
    assert (await seen(works)).node.status is Status.REGISTERED


async def test_what_is_told_of_it_holds_neither_address_nor_key(works: Works[Any]) -> None:
    await a_node(works)

    (told,) = await rows(works, "select topic, message from journal where aggregate_type = 'node'")
    assert told["topic"] == "together.partners.v1"
    assert b"8443" not in told["message"]
    assert FIRST.encode() not in told["message"]


async def test_the_same_card_twice_is_one_registration(works: Works[Any]) -> None:
    await a_node(works)

    assert await register(works) == 1
    assert await register(works, rpc_address="new.example:8443") == 2
    assert (await seen(works)).node.rpc_address == "new.example:8443"


async def test_a_node_needs_an_organisation_that_stands_and_has_no_other(works: Works[Any]) -> None:
    with pytest.raises(Unmet, match="organisation_unknown"):
        await register(works)
    await a_node(works)
    with pytest.raises(Exists, match="organisation_has_node"):
        await register(works, "second-house", org_id=WIP, public_key=SECOND)


async def test_a_key_names_one_node_alone(works: Works[Any]) -> None:
    await a_node(works)
    await organisation(works, "sig-penrose")

    with pytest.raises(Exists, match="key_in_use"):
        await register(works, "sig-penrose")
    await register(works, "sig-penrose", public_key=SECOND)
    with pytest.raises(Exists, match="key_in_use"):
        await works.do(
            commands.rotate_node_key, asks(OPERATOR),
            node_id="sig-penrose", public_key=FIRST, overlap_until=None, expected=1,
        )  # fmt: skip


@pytest.mark.parametrize("actor", [MANAGER, PRACTITIONER, GUARDIAN, GUEST])
async def test_nobody_else_registers_nodes(works: Works[Any], actor: Actor) -> None:
    await organisation(works, WIP)

    with pytest.raises(Denied):
        await register(works, actor=actor)
    assert await rows(works, "select 1 from node") == []


async def test_an_administrator_of_the_house_may(works: Works[Any]) -> None:
    assert await a_node(works, actor=ADMINISTRATOR) == 1


async def test_a_node_that_is_not_known_is_not_found(works: Works[Any]) -> None:
    for command in (commands.suspend_node, commands.resume_node, commands.retire_node):
        with pytest.raises(NotFound):
            await works.do(command, asks(OPERATOR), node_id="nobody", expected=1)
    with pytest.raises(NotFound):
        await seen(works, "nobody")


# Keys.


async def rotate(works: Works[Any], node_id: str = WIP, key: str = SECOND, expected: int = 1, **given: Any) -> int:
    fitting = {"overlap_until": None} | given
    answer: int = await works.do(
        commands.rotate_node_key, asks(OPERATOR), node_id=node_id, public_key=key, expected=expected, **fitting
    )
    return answer


async def test_both_keys_are_taken_for_seven_days(works: Works[Any]) -> None:
    await a_node(works)
    assert await rotate(works) == 2

    async with works.database.connection() as conn:
        old, new = (await stored.trust(conn))[WIP].keys
        now = await conn.fetchval("select house_now()")
    assert (old[1].hex(), new[1].hex(), new[2]) == (FIRST, SECOND, None)
    assert timedelta(days=6, hours=23) < old[2] - now < timedelta(days=7)


async def test_of_another_node_nothing_is_announced(works: Works[Any]) -> None:
    await a_node(works)
    await rotate(works)

    assert await rows(works, "select 1 from journal where topic = 'control.v1'") == []


async def test_the_key_of_the_own_node_is_announced_to_all(works: Works[Any]) -> None:
    await a_node(works, "together")
    assert await rotate(works, "together") == 3

    (told,) = await rows(works, "select key, message from journal where topic = 'control.v1'")
    (node,) = await rows(works, "select id from node")
    message = shared.NodeKeyAnnounced.FromString(told["message"])
    assert (message.node_id, message.public_key, told["key"]) == ("together", SECOND, str(node["id"]))


async def test_a_rotation_on_an_old_version_is_refused(works: Works[Any]) -> None:
    await a_node(works)
    await rotate(works)

    with pytest.raises(Conflict):
        await rotate(works, key=THIRD)


async def announced(works: Works[Any], key: str, node_id: str = WIP, key_id: str = "") -> None:
    digest = key_id or hashlib.sha256(bytes.fromhex(key)).hexdigest()
    until = datetime.now(UTC) + timedelta(days=7)
    await house(works, commands.hear_node_key, node_id=node_id, public_key=key, key_id=digest, overlap_until=until)


async def test_a_key_that_a_node_announces_is_taken_once(works: Works[Any]) -> None:
    await a_node(works)
    await announced(works, SECOND)
    await announced(works, SECOND)

    assert [key.public_key for key in (await seen(works)).node.keys] == [FIRST, SECOND]
    assert (await facts(works)).count("KeyRotated") == 1


async def test_a_node_announces_no_key_of_another_and_no_false_digest(works: Works[Any]) -> None:
    await a_node(works)
    await a_node(works, "sig-penrose", public_key=SECOND)

    with pytest.raises(Exists, match="key_in_use"):
        await announced(works, SECOND)
    with pytest.raises(Invalid):
        await announced(works, THIRD, key_id="e" * 64)


# Suspension.


async def tell(works: Works[Any], node_id: str, *texts: str) -> None:
    """Messages for the inbox of a node, as the journal keeps them."""
    async with works.database.transaction() as conn:
        for nth, text in enumerate(texts, 1):
            position = await conn.fetchval("select nextval('journal_position')")
            await conn.execute(
                "insert into journal (position, event_id, topic, key, sequence, aggregate_type, aggregate_id, version,"
                " fact_type, headers, message, occurred_at, recorded_at, actor_role, actor_ref, correlation_id)"
                " values ($1, $2, $3, 'k', $4, 'thing', $2, $4, 'Told', $5, $6, now(), now(), 'SM', 's', $2)",
                position, uuid4(), shares.inbox_of(node_id), nth, b"", text.encode(),
            )  # fmt: skip
            await conn.execute("insert into pending (position, shard) values ($1, 0)", position)


async def test_what_is_told_to_a_suspended_node_rests_until_it_is_resumed(works: Works[Any]) -> None:
    await a_node(works)
    await tell(works, WIP, "before")
    await works.do(commands.suspend_node, asks(GUARDIAN), node_id=WIP, expected=1)

    async with works.database.connection() as conn:
        assert (await stored.trust(conn))[WIP].suspended
    held = "select count(*) from pending join journal using (position) where topic like 'share.%' and held"
    assert (await rows(works, held))[0][0] == 1
    assert await rows(works, "select topic from held_topic") == [(shares.inbox_of(WIP),)]

    await works.do(commands.resume_node, asks(OPERATOR), node_id=WIP, expected=2)
    assert (await rows(works, held))[0][0] == 0
    assert await rows(works, "select 1 from held_topic") == []
    assert (await seen(works)).node.status is Status.REGISTERED


async def test_a_refused_suspension_holds_nothing(works: Works[Any]) -> None:
    await a_node(works)

    with pytest.raises(Conflict):
        await works.do(commands.suspend_node, asks(OPERATOR), node_id=WIP, expected=7)
    with pytest.raises(Denied):
        await works.do(commands.suspend_node, asks(GUEST), node_id=WIP, expected=1)
    assert await rows(works, "select 1 from held_topic") == []


async def test_what_of_a_suspended_node_was_parked_is_driven_on_when_it_is_resumed(works: Works[Any]) -> None:
    await a_node(works)
    await works.do(commands.suspend_node, asks(OPERATOR), node_id=WIP, expected=1)
    async with works.database.connection() as conn:
        await conn.execute(
            "insert into parked (grp, topic, key, type, headers, reason, sentence, parked_at)"
            " values ('together.gate', 'share.together.in.v1', 'women-in-prison/k', 't', '[]', 'node_suspended', '',"
            " now())"
        )
    await works.do(commands.resume_node, asks(OPERATOR), node_id=WIP, expected=2)

    assert await rows(works, "select 1 from parked where next_try_at is not null")


@pytest.mark.parametrize("command", [commands.suspend_node, commands.resume_node, commands.retire_node])
async def test_the_houses_own_node_is_neither_suspended_nor_retired(works: Works[Any], command: Any) -> None:
    await a_node(works, "together")

    with pytest.raises(Unmet, match="own_node"):
        await works.do(command, asks(OPERATOR), node_id="together", expected=1)


async def test_a_retired_node_is_believed_no_more_and_what_waited_for_it_goes_empty(works: Works[Any]) -> None:
    await a_node(works)
    await tell(works, WIP, "waits")
    await works.do(commands.suspend_node, asks(OPERATOR), node_id=WIP, expected=1)
    await works.do(commands.retire_node, asks(OPERATOR), node_id=WIP, expected=2)

    async with works.database.connection() as conn:
        assert await stored.trust(conn) == {}
        assert await stored.node_of(conn, WIP) is None
        assert await stored.organisation_of(conn, WIP) is None
        assert not await stored.reads(conn, WIP, "throughcare.partners.v1")
    waiting = await rows(
        works, "select stub, held from pending join journal using (position) where topic like 'share.%'"
    )
    assert waiting == [(True, False)]
    await register(works, "new-house", org_id=WIP, public_key=SECOND)


# Heartbeats.


@pytest.fixture
def beating(works: Works[Any], tmp_path: Path) -> Works[Any]:
    """The same house with a key to sign with."""
    nodekeys.make(tmp_path / "node.key")
    works.settings = works.settings.model_copy(update={"node_key_file": tmp_path / "node.key"})
    return works


async def test_a_house_says_that_it_is_there_and_by_what_key(beating: Works[Any], tmp_path: Path) -> None:
    public_key = nodekeys.public_key(tmp_path / "node.key")
    await a_node(beating, "together", public_key=public_key.hex())
    await a_node(beating, "north-london-nhs", public_key=SECOND)
    await house(beating, commands.tell_heartbeat)
    await house(beating, commands.tell_heartbeat)  # another process, a moment later
    await ahead(beating, seconds=15)
    await house(beating, commands.tell_heartbeat)

    told = await rows(beating, "select key, message from journal where topic = 'control.v1' order by position")
    (node,) = await rows(beating, "select id, version from node where node_id = 'together'")
    assert len(told) == 2
    message = shared.NodeHeartbeat.FromString(told[-1]["message"])
    assert (message.node_id, message.key_id) == ("together", nodekeys.key_id(public_key))
    assert list(message.schema_versions) == list(READS)
    assert list(message.known_nodes) == ["north-london-nhs"]
    assert {each["key"] for each in told} == {str(node["id"])}
    assert node["version"] == 1  # nobody's change of the node is overtaken by a heartbeat


async def test_a_house_without_a_key_or_without_its_own_node_says_nothing(works: Works[Any]) -> None:
    await house(works, commands.tell_heartbeat)
    await house(works, commands.watch_nodes)
    await a_node(works, "together")
    await house(works, commands.tell_heartbeat)

    assert await rows(works, "select 1 from journal where topic = 'control.v1'") == []


async def test_heartbeats_of_others_write_a_fact_only_where_one_then_stands_otherwise(works: Works[Any]) -> None:
    await a_node(works)
    for _ in range(5):
        await hear(works)

    assert (await facts(works)).count("Heard") == 1
    found = await seen(works)
    assert found.node.status is Status.ACTIVE
    assert found.last_heard_at is not None
    assert found.node.version == 2


async def test_a_node_unheard_for_a_minute_is_degraded_and_active_when_heard_again(beating: Works[Any]) -> None:
    await a_node(beating, "together", public_key=SECOND)
    await a_node(beating)
    await house(beating, commands.tell_heartbeat)
    await hear(beating)
    for _ in range(3):
        await ahead(beating, seconds=15)
        await house(beating, commands.tell_heartbeat)
        await house(beating, commands.watch_nodes)
    assert (await seen(beating)).node.status is Status.ACTIVE

    await ahead(beating, seconds=15)
    await house(beating, commands.watch_nodes)
    assert (await seen(beating)).node.status is Status.DEGRADED
    await house(beating, commands.watch_nodes)
    assert (await facts(beating)).count("HeartbeatMissed") == 1

    await hear(beating)
    await hear(beating)
    assert (await seen(beating)).node.status is Status.ACTIVE
    assert (await facts(beating)).count("HeardAgain") == 1
    resumed = "select 1 from journal where fact_type = 'HeardAgain' and message is not null"
    assert len(await rows(beating, resumed)) == 1


async def test_a_house_that_was_away_or_whose_clock_was_wound_calls_nobody_silent(beating: Works[Any]) -> None:
    await a_node(beating, "together", public_key=SECOND)
    await a_node(beating)
    await house(beating, commands.tell_heartbeat)
    await hear(beating)
    await ahead(beating, days=3)
    await house(beating, commands.watch_nodes)
    await house(beating, commands.tell_heartbeat)
    await house(beating, commands.watch_nodes)

    assert (await seen(beating)).node.status is Status.ACTIVE


# Questions.


async def test_nodes_are_listed_by_id_to_those_who_run_the_house(works: Works[Any]) -> None:
    await a_node(works)
    await a_node(works, "sig-penrose", public_key=SECOND)

    found = await works.ask(queries.list_nodes, asks(GUARDIAN))
    assert [each.node.node_id for each in found] == ["sig-penrose", WIP]
    (rest,) = await works.ask(queries.list_nodes, asks(OPERATOR), after="sig-penrose")
    assert rest.node.node_id == WIP
    with pytest.raises(Denied):
        await works.ask(queries.list_nodes, asks(PRACTITIONER))


async def quarantine(works: Works[Any], *sources: str) -> None:
    async with works.database.connection() as conn:
        for nth, source in enumerate(sources):
            await conn.execute(
                "insert into quarantined (topic, partition, record_offset, source, reason, digest, at)"
                " values ('share.together.in.v1', 0, $1, $2, 'unknown_sender', $3, now())", nth, source, b"\x01" * 32,
            )  # fmt: skip


async def test_what_was_quarantined_is_shown_newest_first_and_a_claim_that_is_no_name_is_not(works: Works[Any]) -> None:
    await quarantine(works, "women-in-prison", "he lives at 1 Example Street", "sig-penrose")

    found = await works.ask(queries.list_quarantined, asks(OPERATOR))
    assert [each.source for each in found] == ["sig-penrose", "", "women-in-prison"]
    assert found[0].digest == "01" * 32
    (last,) = await works.ask(queries.list_quarantined, asks(MANAGER), before=found[1].nth)
    assert last.source == "women-in-prison"
    with pytest.raises(Denied):
        await works.ask(queries.list_quarantined, asks(ADMINISTRATOR))


async def test_a_fault_of_a_card_names_its_field(works: Works[Any]) -> None:
    await organisation(works, WIP)
    with pytest.raises(Invalid) as refused:
        await register(works, schema_versions=("throughcare.partners.v2",))

    assert refused.value.fields == (Fault("schema_versions", "REQUIRED"),)
