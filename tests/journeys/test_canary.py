"""Privacy as a property: marked values in every personal field of a whole journey turn up nowhere they may not be."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import grpc
import pytest

from chassis import telemetry
from tests.journeys import cast
from tests.journeys.cast import MANAGER, Journey
from tests.support.kafka import everything, topics_of
from throughcare.options.v1 import options_pb2 as options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.message import Message

    from tests.support.house import House, Start

pytestmark = pytest.mark.wire
SERVICES = ("referral", "casework", "partners", "notifications")
MARK = "zqcanary"
# What the journey gives of him beside the mark: none of it may stand anywhere in clear either.
HIS = (MARK, "X123456", "Fairweather", "1990-01-10")
PERSONAL = {options.KIND_NAME, options.KIND_TEXT}


def mark(message: Message) -> None:
    """Put the mark into every personal text of a request."""
    for field, value in message.ListFields():
        if field.message_type is not None:
            for each in value if field.is_repeated else [value]:
                if hasattr(each, "ListFields"):
                    mark(each)
        elif field.GetOptions().Extensions[options.kind] in PERSONAL and not field.is_repeated and value:
            setattr(message, field.name, f"{value} {MARK}")


class Marked(Journey):
    """The same journey with marks, once he has come into it: the papers of a programme are nobody's secret."""

    marking = False

    async def ask(self, method: str, actor: Any, *, of: str = "referral", **given: Any) -> Any:
        ask = self.house.ask

        async def marking(call: Any, request: Any, who: Any, **more: Any) -> Any:
            if self.marking:
                mark(request)
            return await ask(call, request, who, **more)

        self.house.ask = marking  # type: ignore[method-assign]
        try:
            return await super().ask(method, actor, of=of, **given)
        finally:
            self.house.ask = ask  # type: ignore[method-assign]


async def rows_of(house: House) -> Iterator[tuple[str, str]]:
    """Every row of every table of the house, as text; bytes as PostgreSQL shows them, and as what they hold."""
    for service, parts in house.parts.items():
        async with parts.database.connection() as conn:
            tables = await conn.fetch(
                "select format('%I.%I', schemaname, tablename) as name from pg_tables"
                " where schemaname not in ('pg_catalog', 'information_schema')"
            )
            for table in tables:
                for row in await conn.fetch(f"select * from {table['name']}"):
                    for column, value in row.items():
                        text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
                        yield f"{service} {table['name']}.{column}", text


def records_of(house: House) -> Iterator[tuple[str, bytes]]:
    """Every key, header and value of every topic."""
    servers = next(iter(house.parts.values())).service.settings.bus_servers
    for topic in topics_of(servers):
        for record in everything(servers, topic):
            yield f"{topic} key", record.key or b""
            yield f"{topic} value", record.value or b""
            for name, value in record.headers:
                yield f"{topic} header {name}", value or b""


def files_of(folder: Path, postgres_url: str) -> Iterator[tuple[str, str]]:
    """What the houses of a test left on the disk, and what their PostgreSQL server wrote of its work."""
    servers = parse_qs(urlsplit(postgres_url).query).get("host", [])
    for path in (*(Path(each) / "log" for each in servers), *folder.rglob("*")):
        if path.is_file():
            yield f"file {path.name}", path.read_bytes().decode("latin-1")


def found_in(where: str, text: str) -> list[str]:
    return [f"{where} holds {word}" for word in HIS if word.lower() in text.lower()]


async def test_no_mark_of_his_turns_up_where_it_may_not_be(house: Start, monkeypatch, caplog) -> None:
    monkeypatch.setattr(cast, "PRACTITIONER_EMAIL", f"{MARK}@justice.gov.uk")
    caplog.set_level(logging.DEBUG)
    found: list[str] = []
    with telemetry.collected() as spans:
        async with house(*SERVICES) as running:
            jay = Marked(running)
            for step in (
                jay.programme_opens_in_camden,
                jay.worker_is_cleared,
                jay.practitioner_refers_him,
                jay.manager_looks_at_it,
                jay.he_agrees_to_take_part,
                jay.manager_takes_him_on,
                jay.manager_names_the_worker,
                jay.worker_begins,
                jay.worker_tries_to_reach_him,
                jay.support_is_agreed,
                jay.he_goes_to_hospital,
                jay.he_comes_back,
            ):
                await step()
                await running.until_quiet()
                jay.marking = True
            found += await _said_no(jay)
            await running.until_quiet()

            records = list(records_of(running))
            assert len(records) > 100
            for where, value in records:
                found += found_in(where, value.decode("latin-1"))
            async for where, text in rows_of(running):
                found += found_in(where, text)
    for span in spans.get_finished_spans():
        found += found_in(f"span {span.name}", f"{span.name} {dict(span.attributes or {})} {span.status.description}")
    assert len(spans.get_finished_spans()) > 20
    found += found_in("metrics", telemetry.exposition().decode())
    for record in caplog.records:
        found += found_in(f"log {record.name}", record.getMessage())
    assert sorted(set(found)) == []


async def _said_no(jay: Journey) -> list[str]:
    """Refusals: what was wrong is named, its value never."""
    found: list[str] = []
    wrong = [
        ("StartReferral", {"programme": "EERSS", "identifiers": {"crn": f"{MARK}1"}, "person": {"family_name": ""}}),
        ("RecordScreening", {"person_id": jay.person, "source": MARK, "completed_on": MARK}),
        ("FindPerson", {"crn": MARK}),
    ]
    for method, given in wrong:
        try:
            await jay.ask(method, MANAGER, **given)
        except (grpc.aio.AioRpcError, ValueError) as refused:
            details = refused.details() if isinstance(refused, grpc.aio.AioRpcError) else ""
            trailing = refused.trailing_metadata() if isinstance(refused, grpc.aio.AioRpcError) else ()
            found += found_in(f"refusal of {method}", f"{details} {trailing}")
    return found


async def test_one_trace_runs_from_the_door_to_the_projection(house: Start) -> None:
    with telemetry.collected() as spans:
        async with house("referral", "casework", "partners") as running:
            jay = Journey(running)
            await jay.programme_opens_in_camden()
            await jay.practitioner_refers_him()
            await running.until_quiet()
    finished = spans.get_finished_spans()
    traces: dict[int, set[str]] = {}
    for span in finished:
        traces.setdefault(span.context.trace_id, set()).add(span.name)
    submitted = [names for names in traces.values() if any("SubmitReferral" in name for name in names)]

    assert submitted
    assert any(any("hear" in name and "ReferralSubmitted" in name for name in names) for names in submitted)
