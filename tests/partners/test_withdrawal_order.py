"""From a withdrawal that is heard to T0: in which order, and in how many statements. The time it takes is a matter of
the machine; the order and the count are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.partners.test_reach import TRUST, known, ready, sent, shares, waiting

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from tests.partners.houses import House

    Houses = tuple[House, House]

# What has to come in this order, whatever stands between: verdicts are waited for, what waits is emptied and what left
# may not be read again, his own house and the partner's are told, and only then is the next message looked at.
IN_ORDER = (
    "begin",
    "pg_advisory_xact_lock(",
    "for update of pending",
    "update pending set stub = true",
    "insert into share_ended",
    "insert into consent_known",
    "commit",
)
# Of one person and one partner, where nothing was handed off. A loop over what waits or over other people would show.
MOST = 20


async def listening(house: House) -> list[str]:
    """Every statement that its gate sends from now on."""
    said: list[str] = []
    async with house.works.database.connection() as conn:
        conn.add_query_logger(lambda record: said.append(" ".join(record.query.lower().split())))
    return said


def places(said: Sequence[str]) -> list[int]:
    """Where each of the steps is first seen, looked for behind the one before."""
    found: list[int] = []
    for step in IN_ORDER:
        after = found[-1] + 1 if found else 0
        found.append(next((n for n, sql in enumerate(said[after:], after) if step in sql), -1))
    return found


async def withdrawal(one: House, person_id: UUID) -> list[str]:
    """What is sent when it is heard that he took it back; made ready beforehand, as the bus would bring it."""
    from throughcare.referral.v1 import events_pb2 as referral

    message = referral.ConsentWithdrawn(purpose="SHARE", recipient=TRUST, scope_codes=["APPOINTMENTS"], version=2)
    item = await one.told(message, person_id, feed="consent")
    said = await listening(one)
    await one.hears(item)
    return said


async def test_it_acts_in_one_transaction_and_in_this_order(two_houses: Houses) -> None:
    one, _, person_id = await ready(two_houses)
    await sent(one)
    await shares(one, person_id)

    said = await withdrawal(one, person_id)

    assert -1 not in places(said), "\n".join(f"{n} {sql[:160]}" for n, sql in enumerate(said))
    remembered = said[places(said)[-2]]
    assert "insert into stream_head" in remembered  # told in the statement in which it is remembered
    assert [sum(sql.startswith(word) for sql in said) for word in ("begin", "commit")] == [1, 1]
    assert await waiting(one) == [("SharedStub", True), ("SharedConsentWithdrawn", False)]


@pytest.mark.parametrize("others", [0, 9])
async def test_it_takes_as_few_statements_however_much_waits(two_houses: Houses, others: int) -> None:
    one, _, person_id = await ready(two_houses)
    for _ in range(others):
        await shares(one, person_id)
    for _ in range(others // 3):
        await known(one, "APPOINTMENTS")

    said = await withdrawal(one, person_id)

    assert 0 < len(said) <= MOST, (len(said), said)
