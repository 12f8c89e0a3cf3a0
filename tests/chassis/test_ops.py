"""What operators ask over HTTP: ready follows the database and the migrations, never the bus."""

from __future__ import annotations

import asyncio

import httpx
import pytest
import pytest_asyncio

from chassis import telemetry
from chassis.database import Database
from chassis.ops import Heart, OpsServer, Ready, application

MIGRATIONS = ""


@pytest_asyncio.fixture
async def get(database):
    """`await get(path)` on a real socket; `get.states`, `get.current` and `get.database` may be changed."""
    ready = Ready(database, "tests.chassis.none", lambda: get_.states)
    ready._current = True
    heart = Heart()
    server = OpsServer(application("together", {"referral": ready}, heart), "127.0.0.1", 0)
    tasks = [asyncio.create_task(heart.run()), asyncio.create_task(server.run())]

    async def get_(path, method="GET"):
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as client:
            return await client.request(method, path)

    get_.states, get_.ready, get_.heart = {"bus": "connected"}, ready, heart
    yield get_
    server.stop()
    await asyncio.wait_for(tasks[1], 5)
    tasks[0].cancel()
    await asyncio.wait(tasks)


async def test_a_process_whose_database_answers_is_ready_whatever_its_bus_does(get):
    get.states = {"bus": "connecting", "relay": "standby"}

    answer = await get("/health/readiness")

    assert answer.status_code == 200
    part = answer.json()["components"]["referral"]
    assert part == {"ready": True, "database": "up", "migrations": "current", "bus": "connecting", "relay": "standby"}


async def test_a_process_without_its_database_is_alive_and_not_ready(get, postgres_url):
    away = await Database("postgresql://127.0.0.1:1/none").open()
    get.ready._database = away

    answers = {path: await get(f"/health/{path}") for path in ("readiness", "liveness", "ping")}
    whole = await get("/health")
    await away.close()

    assert {path: answer.status_code for path, answer in answers.items()} == {
        "readiness": 503,
        "liveness": 200,
        "ping": 200,
    }
    assert answers["readiness"].json()["components"]["referral"]["database"] == "down"
    assert (whole.status_code, whole.json()["status"]) == (503, "DOWN")


async def test_a_process_behind_its_migrations_is_not_ready(get, monkeypatch):
    async def behind(conn, migrations):
        return False

    get.ready._current = False
    monkeypatch.setattr("chassis.ops.is_current", behind)

    answer = await get("/health/readiness")

    assert answer.status_code == 503
    assert answer.json()["components"]["referral"]["migrations"] == "behind"


async def test_a_loop_that_stands_still_is_not_alive(get):
    get.heart._last -= 60

    answer = await get("/health/liveness")

    assert (answer.status_code, answer.json()) == (503, {"status": "DOWN"})


@pytest.mark.parametrize("path", ["/metrics", "/metrics/"])
async def test_what_is_counted_is_exposed_with_and_without_a_trailing_slash(get, path):
    telemetry.gauge("parked", 7, group="ops-test")

    answer = await get(path)

    assert answer.status_code == 200
    assert 'throughcare_parked{group="ops-test",service=""} 7.0' in answer.text
    assert answer.headers["content-type"].startswith("text/plain")


async def test_info_says_what_runs_here(get):
    answer = await get("/info")

    assert answer.json()["services"] == ["referral"]
    assert answer.json()["node"] == "together"


@pytest.mark.parametrize(("path", "method", "status"), [("/canary-7731", "GET", 404), ("/info", "POST", 405)])
async def test_an_address_that_is_not_there_is_a_problem_that_echoes_nothing(get, path, method, status):
    answer = await get(path, method)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert "canary" not in answer.text


@pytest.mark.logs_errors("An operations page failed")
async def test_a_page_that_fails_is_a_problem_without_a_text(get, caplog):
    def failing():
        raise RuntimeError("canary-7731")

    get.ready._states = failing
    answer = await get("/health")

    assert answer.status_code == 500
    assert "canary" not in answer.text
    assert "canary" not in "\n".join(record.getMessage() for record in caplog.records if record.name == "chassis.ops")


async def test_cut_off_it_leaves_no_descriptor_with_the_loop(get):
    """One that was closed behind the loop's back is given to a later connection, which would never be read from."""

    async def greets(_, writer):
        writer.write(b"hello\n")
        await writer.drain()

    cut_off = OpsServer(application("together", {}, get.heart), "127.0.0.1", 0)
    serving = asyncio.create_task(cut_off.run())
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{cut_off.port}") as client:
        await client.get("/health/ping")
    serving.cancel()
    await asyncio.wait([serving])

    greeting = await asyncio.start_server(greets, "127.0.0.1", 0)
    port = greeting.sockets[0].getsockname()[1]
    async with asyncio.timeout(5):
        for _ in range(5):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            assert await reader.readline() == b"hello\n"
            writer.close()
    greeting.close()
