"""Every subscription handles every example of its message, oldest first: what a house of an older release still sends.

A subscription may refuse (the example's programme is unknown here, and then it waits parked); it may never fail.
"""

import importlib
import secrets
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from chassis.aggregate import Refused
from chassis.database import Database
from chassis.envelope import Envelope, key_of, topic_of
from chassis.hearing import Heard
from chassis.projection import Row, write
from chassis.work import Works
from tests.architecture.source import OF_THE_CARD, SERVICES
from tests.contracts.golden import goldens_of
from tests.support.postgres import fresh_database

AT = datetime(2026, 11, 24, 10, 43, tzinfo=UTC)
CASE, PERSON, AGGREGATE = (UUID(f"0195b3f0-0000-7000-8000-00000000000{n}") for n in (1, 2, 3))
HEARING = [
    service
    for service in OF_THE_CARD
    if (SERVICES / service / "app.py").exists() and (SERVICES / service / "migrations").exists()
]


def composed(service, url, folder):
    """The service as it would run in a house of its own."""
    for name in ("wrapping", "house"):
        (folder / name).write_text(secrets.token_hex(32))
    app = importlib.import_module(f"{service}.app")
    settings = importlib.import_module(f"{service}.settings").Settings(
        node_id="together", node_organisation="together", database_url=url, bus_kind="embedded", bus_servers="",
        bus_security="PLAINTEXT", wrapping_key_file=folder / "wrapping", house_key_file=folder / "house",
        embedded_profile=True,
    )  # fmt: skip
    return app.compose(settings)


def heard(golden, kind, sequence):
    envelope = Envelope(
        event_id=uuid4(), type=golden.type, schema_version=1, reach="NODE", source_node="together",
        aggregate_type="example", aggregate_id=AGGREGATE, stream_sequence=sequence, aggregate_version=sequence,
        person_id=PERSON, case_id=CASE, occurred_at=AT, recorded_at=AT, actor_role="SM", actor_ref="staff-sm-1",
        correlation_id=uuid4(), causation_id=None, traceparent="", sensitivity="STANDARD", detail_ref="",
    )  # fmt: skip
    key = key_of(kind, case=CASE, person=PERSON, aggregate=AGGREGATE)
    return Heard(kind.FromString(golden.value), envelope, topic_of(kind, "together"), key)


async def handled(works, subscription, message):
    """Runs one subscription on one message in a work of its own."""
    async with works.batch() as work:
        work.hearing(message.envelope)
        if subscription.projects:
            rows = list(subscription.handler(message))
            assert all(isinstance(row, Row) for row in rows)
            await write(work.conn, rows)
        else:
            await subscription.handler(work, message)
        await work.flush()


@pytest.mark.parametrize("service", HEARING)
async def test_every_subscription_handles_every_example_of_its_message(service, postgres_url, tmp_path):
    async with fresh_database(postgres_url, f"{service}.migrations") as url:
        whole = composed(service, url, tmp_path)
        database = await Database(url).open()
        works = Works(
            database, whole.work, settings=whole.settings, publications=whole.publications, deadlines=whole.deadlines
        )
        tried = 0
        try:
            for hears in whole.hears:
                for subscription in hears.subscriptions:
                    for golden in goldens_of(subscription.kind):
                        tried += 1
                        try:
                            await handled(works, subscription, heard(golden, subscription.kind, tried))
                        except Refused:
                            if subscription.projects:
                                raise  # a projection may not
        finally:
            await database.close()
        assert tried or not any(hears.subscriptions for hears in whole.hears)
