"""Commands given and facts told in tests, short: plausible by default, one argument to differ."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from casework.commands import allocation, worker
from casework.domain.worker import WorkerRole
from tests.casework.house import NODE, PROGRAMME, SM, WORKER
from throughcare.referral.v1 import events_pb2 as referral

TABLES = ("worker", "allocation", "engagement", "external_appointment", "journal", "promises", "pending", "received")


async def whole(house):
    """Everything but the audit."""
    return {table: sorted(str(dict(row)) for row in await house.rows(f"select * from {table}")) for table in TABLES}


async def refused(house, attempt, kind, reason):
    """It is refused with this reason; no row changed, and one entry was written."""
    before, entries = await whole(house), len(await house.outcomes())
    with pytest.raises(kind) as refusal:
        await attempt
    assert refusal.value.reason == reason
    assert await whole(house) == before
    assert (await house.outcomes())[entries:] == [f"refused:{reason}"]


def register(house, ref="staff-ew-9", actor=SM, **changes):
    given = {"role": WorkerRole.EW, "organisation": NODE, "capacity": 3}
    return house.do(worker.register_worker, actor, worker_ref=ref, **given | changes)


def names(items: Sequence[str]) -> list[str]:
    """The facts without their aggregate."""
    return [item.partition(".")[2] for item in items]


async def allocating(house, case, ref="staff-ew-1", actor=SM, *, conflict=False, expected=None):
    held = await house.allocation_of(case)
    return await house.do(
        allocation.allocate_worker,
        actor,
        allocation_id=held["id"],
        worker_ref=ref,
        conflict_declared=conflict,
        expected=expected or held["version"],
    )


async def on(house, id_, command, actor=WORKER, **arguments):
    rows = await house.rows("select version from engagement where id = $1", id_)
    given = {"engagement_id": id_, "expected": rows[0]["version"]} | arguments
    return await house.do(command, actor, **given)


def accepted(worker_ref="", programme=PROGRAMME):
    return referral.ReferralAccepted(programme_id=str(programme), kind="PERSON_SUPPORT", proposed_worker_ref=worker_ref)


def withdrawn(by="REFERRER"):
    return referral.ReferralWithdrawn(reason_group="ADMIN", by_party=by)


def submitted(kind=referral.ReferralSubmitted):
    return kind(programme_id=str(PROGRAMME), kind="PERSON_SUPPORT", case_reference="7KQ2M9RJ")
