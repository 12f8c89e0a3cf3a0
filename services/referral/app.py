"""Where the parts of the front door are joined: settings, storage, doors, publications."""

from __future__ import annotations

from chassis.service import Service
from referral.deadlines import DEADLINES, PERIODIC
from referral.publications import PUBLICATIONS
from referral.rpc import servicers
from referral.settings import Settings
from referral.storage import Work
from referral.subscriptions import HEARS


def compose(settings: Settings) -> Service:
    """The whole service."""
    return Service(
        name="referral",
        settings=settings,
        work=Work,
        publications=PUBLICATIONS,
        hears=(HEARS,),
        deadlines=DEADLINES,
        periodic=PERIODIC,
        servicers=servicers,
        migrations="referral.migrations",
    )
