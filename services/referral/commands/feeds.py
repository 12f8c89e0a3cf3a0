"""The house's word on its feeds: who has applied everything up to these numbers is current."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from chassis.access import by
from chassis.journal import feed_head
from chassis.work import command
from referral.domain.feeds import CONSENTS, LISTS, Feeds

if TYPE_CHECKING:
    from referral.storage import Work

_ONE = UUID("3a0b3c52-7d57-4a0e-9d2f-1c9a6f0d5e11")


@command("feed.confirm", by("SYSTEM"))
async def confirm_feeds(work: Work) -> None:
    """Say which numbers are the newest."""
    if not await work.conn.fetchval("select pg_try_advisory_xact_lock(7034, 15)"):
        return  # another process of this house is saying it
    feeds = await work.feeds.first(id=_ONE) or Feeds(id=_ONE, confirmed_at=work.now)
    numbers = {
        "consent_number": await feed_head(work.conn, CONSENTS),
        "access_list_number": await feed_head(work.conn, LISTS),
    }
    await work.feeds.put(feeds.confirm(**numbers, at=work.now))
