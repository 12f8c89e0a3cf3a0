"""The same story on a real Apache Kafka: plain, and over TLS with SCRAM where everything not allowed is denied."""

from __future__ import annotations

import importlib
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka import Consumer, KafkaException

from house.buses import LocalKafka, set_user
from tests.journeys.cast import MANAGER, WORKER, Journey
from tests.support.house import running_house
from tests.support.kafka import local_kafka, secured_kafka

if TYPE_CHECKING:
    from tests.support.house import House

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]
SERVICES = ("referral", "casework", "partners", "notifications")


async def _story(running: House) -> None:
    jay = Journey(running)
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
    ):
        await step()
        await running.until_quiet()
    await running.wind(timedelta(days=10))
    await jay.he_comes_back()
    await jay.they_come_to_the_end()
    assert (await jay.picture(MANAGER)).state == "CLOSED"
    assert await jay.status() == "CONVERTED"
    async with running.database("notifications").connection() as conn:
        kinds = await conn.fetch("select distinct recipient_role, template from notice")
    told = {(row["recipient_role"], row["template"]) for row in kinds}
    assert ("EW", "worker-named") in told
    assert ("PP", "engagement-news") in told
    assert WORKER.id


def _composes() -> dict[str, Any]:
    return {name: (importlib.import_module(f"{name}.app").compose, f"{name}.migrations") for name in SERVICES}


async def test_the_story_on_a_real_kafka(tmp_path, authority, postgres_url) -> None:
    broker = local_kafka(tmp_path / "kafka")
    try:
        async with running_house(
            _composes(), folder=tmp_path, authority=authority, postgres_url=postgres_url, kafka=broker
        ) as running:
            await _story(running)
    finally:
        broker.stop()


async def test_the_story_over_tls_with_scram_and_default_deny(houses, tmp_path) -> None:
    """Every service comes as its own user, and may do what the topic registry says."""
    broker = secured_kafka(tmp_path / "kafka")
    try:
        async with houses({"together": SERVICES}, kafka=broker, introduced=False) as hs:
            await _story(hs["together"])
            _nobody_else_reads(broker, f"{hs['together'].node}.referral.v1")
    finally:
        broker.stop()


def _nobody_else_reads(broker: LocalKafka, topic: str) -> None:
    """A user that the broker knows and nothing allows sees no topic of the house."""
    set_user(broker.client, "stranger", "a-password-of-its-own")
    client = {**broker.client, "sasl.username": "stranger", "sasl.password": "a-password-of-its-own"}
    consumer = Consumer({**client, "group.id": "stranger", "log_level": 0})
    try:
        with suppress(KafkaException):
            found = consumer.list_topics(topic, timeout=10).topics.get(topic)
            assert found is None or found.error is not None
    finally:
        consumer.close()
