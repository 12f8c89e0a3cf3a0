"""One process: doors first, everything else beside them; it survives its infrastructure and not its own mistakes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg
import grpc
import httpx
import pytest

from chassis import telemetry
from chassis.access import Actor, Purpose, Role
from chassis.rpc import error_of
from chassis.service import main, run, running, settings_of
from chassis.service.parts import kept_running
from chassis.settings import ServiceSettings
from tests.chassis.toy import settings
from tests.chassis.toy_house import MIGRATIONS, case_of, remembering, telling
from tests.support.house import running_house
from tests.support.postgres import eventually, fresh_database
from throughcare.chassis.v1 import service_pb2 as journal_pb2
from throughcare.chassis.v1 import service_pb2_grpc as journal_grpc
from throughcare.details.v1 import service_pb2_grpc
from throughcare.details.v1.service_pb2 import GetContactRequest

MANAGER = Actor(id="staff-sm-1", role=Role.SM, organisation="together", purpose=Purpose.DELIVER_SUPPORT)
Stub = service_pb2_grpc.DetailServiceStub
BOTH = {"referral": (telling, MIGRATIONS), "casework": (remembering, MIGRATIONS)}


@pytest.fixture
def toys(tmp_path, authority, postgres_url, local_kafka):
    """`async with toys() as h:` both toy services as one house."""

    def start(**given):
        return running_house(
            given.pop("composes", BOTH),
            folder=tmp_path,
            authority=authority,
            postgres_url=postgres_url,
            kafka=local_kafka,
            **given,
        )

    return start


# ---- a house in one process ----


@pytest.mark.wire
async def test_a_command_through_the_door_is_heard_by_the_other_service_in_one_trace(toys):
    with telemetry.collected() as spans:
        async with toys() as h:
            with telemetry.span("click") as click:
                answer = await h.ask(h.stub(Stub, "referral").GetContact, GetContactRequest(case_id="housing"), MANAGER)
            await h.until_quiet()
            listed = await h.ask(h.stub(Stub, "casework").GetContact, GetContactRequest(), MANAGER)

    assert listed.address == str(case_of(answer))
    names = [
        span.name for span in spans.get_finished_spans() if f"{span.context.trace_id:032x}" == click.traceparent[3:35]
    ]
    assert "/throughcare.details.v1.DetailService/GetContact" in names
    assert "command thing.begin" in names
    assert "hear ReferralDrafted" in names


@pytest.mark.wire
async def test_winding_the_clock_lets_promises_fall_due_and_the_other_service_hears_of_it(toys):
    async with toys() as h:
        answer = await h.ask(h.stub(Stub, "referral").GetContact, GetContactRequest(case_id="x"), MANAGER)
        await h.wind(timedelta(days=4))
        await h.until_quiet()

        async with h.database("casework").connection() as conn:
            row = await conn.fetchrow("select * from seen")
        async with h.database("referral").connection() as conn:
            promise = await conn.fetchrow("select * from promises")

    assert (row["key"], row["state"], row["seq"]) == (str(case_of(answer)), "ReferralWithdrawn", 2)
    assert promise["kept_at"] is not None


@pytest.mark.wire
async def test_the_same_key_through_the_door_twice_has_one_effect(toys):
    key = uuid4()
    async with toys() as h:
        stub = h.stub(Stub, "referral")
        first = await h.ask(stub.GetContact, GetContactRequest(case_id="x"), MANAGER, key=key)
        again = await h.ask(stub.GetContact, GetContactRequest(case_id="x"), MANAGER, key=key)
        with pytest.raises(grpc.aio.AioRpcError) as other:
            await h.ask(stub.GetContact, GetContactRequest(case_id="other"), MANAGER, key=key)
        async with h.database("referral").connection() as conn:
            things = await conn.fetchval("select count(*) from thing")

    assert first == again
    assert error_of(other.value).reason == "idempotency_mismatch"
    assert things == 1


@pytest.mark.wire
async def test_a_journal_is_read_by_services_of_the_house_each_its_own(toys):
    async with toys() as h:
        await h.ask(h.stub(Stub, "referral").GetContact, GetContactRequest(case_id="x"), MANAGER)
        topic = f"{h.node}.referral.v1"
        read = [record async for record in h.parts["casework"].journals.read(topic)]
        stub = h.stub(journal_grpc.JournalServiceStub, "referral")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            [_ async for _ in stub.Read(journal_pb2.ReadRequest(topic=topic), metadata=(("actor-id", "x"),), timeout=5)]
        rebuilt = await h.parts["casework"].rebuild("casework")

    assert len(read) == 1
    assert error_of(caught.value).kind in {"DENY", "INV"}
    assert rebuilt.messages == 1


@pytest.mark.wire
async def test_a_house_need_not_run_a_service_whose_topic_one_of_its_services_hears(toys):
    async with toys(composes={"casework": BOTH["casework"]}) as h:
        await h.until_quiet()
        read = [record async for record in h.parts["casework"].journals.read(f"{h.node}.referral.v1")]

        assert read == []
        assert h.parts["casework"].states()["inbox"] == {}


# ---- without a bus, without a database ----


async def _serving(services, stop, *, then):
    """Run until `then(ports)` has returned; the exit code."""
    ports_file = services[0].settings.ports_file
    running = asyncio.create_task(run(services, stopping=stop))
    try:

        async def ready():
            assert not running.done(), running.result()
            return ports_file.exists()

        await eventually(ready, within=10)
        await then(json.loads(ports_file.read_text()))
    finally:
        stop.set()
    return await asyncio.wait_for(running, 30)


async def _get(port, path):
    async with httpx.AsyncClient() as client:
        return await client.get(f"http://127.0.0.1:{port}{path}")


async def test_a_bus_that_is_away_leaves_the_doors_open_and_the_process_ready(tmp_path, postgres_url):
    async with fresh_database(postgres_url, MIGRATIONS) as url:
        given = settings(tmp_path, url, bus_servers="127.0.0.1:1", ports_file=tmp_path / "ports")

        async def then(ports):
            assert (await _get(ports["ops"], "/health/readiness")).status_code == 200
            async with grpc.aio.insecure_channel(f"127.0.0.1:{ports['rpc']}") as bare:
                stub = Stub(bare)
                await stub.GetContact(
                    GetContactRequest(case_id="x"),
                    metadata=(
                        ("actor-id", "staff-sm-1"), ("actor-role", "SM"), ("actor-organisation", "together"),
                        ("purpose", "DELIVER_SUPPORT"), ("idempotency-key", str(uuid4())),
                    ),
                    timeout=5,
                )  # fmt: skip
            state = (await _get(ports["ops"], "/health/readiness")).json()["components"]["referral"]
            assert state["ready"] is True

        assert await _serving([telling(given)], asyncio.Event(), then=then) == 0


async def test_a_database_that_is_away_leaves_the_process_alive_and_not_ready(tmp_path):
    given = settings(
        tmp_path, "postgresql://127.0.0.1:1/none", bus_servers="127.0.0.1:1", ports_file=tmp_path / "ports"
    )

    async def then(ports):
        assert (await _get(ports["ops"], "/health/readiness")).status_code == 503
        assert (await _get(ports["ops"], "/health/liveness")).status_code == 200

    assert await _serving([telling(given)], asyncio.Event(), then=then) == 0


# ---- its own mistakes ----


@pytest.mark.wire
async def test_what_goes_wrong_inside_comes_out_as_it_is_and_soon(toys):
    """A test that fails, or a process that cannot go on, says why first, and does not keep anybody waiting."""
    clock, began = asyncio.get_running_loop().time, []

    async def fails():
        async with toys():
            began.append(clock())
            raise AssertionError("its own error")

    with pytest.raises(AssertionError, match="its own error"):
        await fails()
    assert clock() - began[0] < 15


@pytest.mark.logs_errors("A part is broken")
async def test_a_programming_error_in_a_part_ends_the_process_with_seventy(tmp_path, postgres_url, caplog):
    class Broken:
        name = "letters"

        async def claim(self, work):
            raise KeyError("canary-7731")

    async with fresh_database(postgres_url, MIGRATIONS) as url:
        given = settings(tmp_path, url, bus_servers="127.0.0.1:1")
        service = replace(telling(given), outside=(Broken(),))
        async with asyncio.timeout(20):
            code = await run([service])

    assert code == 70
    lines = [record.getMessage() for record in caplog.records if "A part is broken" in record.getMessage()]
    assert "KeyError" in lines[0]
    assert "canary" not in lines[0]


async def test_what_the_infrastructure_does_to_a_part_is_waited_out():
    faults = [OSError("away"), ExceptionGroup("both", [TimeoutError(), ConnectionResetError()])]
    runs = []

    async def part():
        runs.append(1)
        if faults:
            raise faults.pop()

    await asyncio.wait_for(kept_running("part", part), 5)
    assert len(runs) == 3

    async def broken():
        raise ExceptionGroup("both", [TimeoutError(), ZeroDivisionError()])

    with pytest.raises(ExceptionGroup):
        await kept_running("broken", broken)


async def test_a_part_that_swallows_being_cancelled_once_is_cancelled_again(monkeypatch):
    monkeypatch.setattr(running, "_PATIENCE", (0.05, 0.05))

    async def deaf():
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        await asyncio.sleep(60)

    task = asyncio.create_task(deaf())
    await asyncio.sleep(0)
    await running._end([task])

    assert task.cancelled()


# ---- python -m <service> ----


def _environment(tmp_path, url, **more):
    given = settings(tmp_path, url)
    environment = {
        "NODE_ID": "together", "NODE_ORGANISATION": "together", "DATABASE_URL": url, "BUS_KIND": "kafka",
        "BUS_SERVERS": "127.0.0.1:1", "BUS_SECURITY": "PLAINTEXT", "EMBEDDED_PROFILE": "true",
        "WRAPPING_KEY_FILE": str(given.wrapping_key_file), "HOUSE_KEY_FILE": str(given.house_key_file),
        "PORTS_FILE": str(tmp_path / "ports"), "SERVICE": "referral", **more,
    }  # fmt: skip
    return {f"THROUGHCARE_{name}": value for name, value in environment.items()}


def _python(verb, environment):
    code = "import sys; from chassis.service import main; from tests.chassis.toy_house import telling;"
    return subprocess.Popen(
        [sys.executable, "-c", f"{code} sys.exit(main({verb!r}, telling))"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
async def test_a_process_migrates_serves_and_stops_cleanly_when_told(tmp_path, postgres_url, how):
    async with fresh_database(postgres_url, MIGRATIONS) as migrated:
        url = migrated
        environment = _environment(tmp_path, url)
        migrate = await asyncio.to_thread(_python(["migrate"], environment).communicate, timeout=30)
        assert migrate == ("", "")

        process = _python(["serve"], environment)
        try:

            async def ready():
                assert process.poll() is None, process.communicate()
                return (tmp_path / "ports").exists()

            await eventually(ready, within=20)
            ports = json.loads((tmp_path / "ports").read_text())
            assert (await _get(ports["ops"], "/health/readiness")).status_code == 200
            process.send_signal(how)
            out, err = await asyncio.to_thread(process.communicate, timeout=15)
        finally:
            process.kill()
            process.communicate()

    assert process.returncode == 0
    assert err == ""
    events = [json.loads(line)["event"] for line in out.splitlines()]
    assert "Serving" in events
    assert events[-1] == "Stopping"


def test_settings_that_are_wrong_are_said_by_name_and_never_by_value(tmp_path, monkeypatch, capsys):
    for name, value in _environment(tmp_path, "postgresql://u:canary-7731@127.0.0.1:1/x").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("THROUGHCARE_OPS_PORT", "canary-7731")
    monkeypatch.delenv("THROUGHCARE_BUS_KIND")

    assert main(["serve"], telling) == 78

    said = capsys.readouterr().err
    assert "THROUGHCARE_OPS_PORT" in said
    assert "THROUGHCARE_BUS_KIND" in said
    assert "canary" not in said


def test_a_database_that_cannot_be_reached_is_said_in_one_line(tmp_path, monkeypatch, capsys):
    for name, value in _environment(tmp_path, "postgresql://127.0.0.1:1/none").items():
        monkeypatch.setenv(name, value)

    assert main(["parked", "list"], telling) == 69
    assert "cannot be reached" in capsys.readouterr().err


@pytest.fixture
async def parked(tmp_path, monkeypatch, postgres_url):
    """A service's database in which one message waits, and the environment of its command line."""
    async with fresh_database(postgres_url, MIGRATIONS) as url:
        for name, value in _environment(tmp_path, url).items():
            monkeypatch.setenv(name, value)
        conn = await asyncpg.connect(url)
        await conn.execute(
            "insert into parked (grp, topic, key, type, headers, value, reason, sentence, parked_at)"
            " values ('together.casework', 'together.referral.v1', 'k', 't', '[]', 'canary-7731', 'fault', 'It broke.',"
            " house_now())"
        )
        yield conn
        await conn.close()


async def test_what_is_parked_is_listed_in_words_and_dropped_by_two_people(parked, capsys):
    nth = await parked.fetchval("select nth from parked")

    async def verb(*words):
        return await asyncio.to_thread(main, ["parked", *words], telling), capsys.readouterr()

    code, said = await verb("list")
    assert code == 0
    assert "It broke." in said.out
    assert "canary" not in said.out

    assert (await verb("retry", str(nth)))[0] == 0
    assert await parked.fetchval("select next_try_at <= house_now() from parked")

    code, said = await verb("drop", str(nth), "--by", "staff-ops-1", "--reason", "sent twice by hand")
    assert (code, "second person" in said.out) == (0, True)
    code, said = await verb("drop", str(nth), "--by", "staff-ops-1")
    assert (code, "Another person" in said.err) == (64, True)
    assert (await verb("drop", str(nth), "--by", "staff-ops-2"))[0] == 0
    assert await parked.fetchval("select count(*) from parked") == 0
    assert (await verb("show", "999"))[0] == 64


async def test_a_group_that_is_not_there_is_said_with_those_that_are(parked, capsys):
    code = await asyncio.to_thread(main, ["rebuild", "other"], remembering)

    assert code == 64
    assert "casework" in capsys.readouterr().err


def test_a_method_without_permission_is_named_to_whoever_starts_it(tmp_path, monkeypatch, capsys):
    class Forgot(service_pb2_grpc.DetailServiceServicer):
        async def GetContact(self, request, context): ...  # noqa: N802

    def forgetting(settings: ServiceSettings):
        return replace(telling(settings), servicers=lambda _: [Forgot()])

    for name, value in _environment(tmp_path, "postgresql://127.0.0.1:1/none").items():
        monkeypatch.setenv(name, value)

    assert main(["serve"], forgetting) == 70
    assert "DetailService.GetContact" in capsys.readouterr().err


def test_the_settings_of_a_service_are_those_its_compose_asks_for():
    assert settings_of(telling) is ServiceSettings
