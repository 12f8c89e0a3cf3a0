"""Where the parts of casework are joined: settings, storage, doors, publications."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from casework.deadlines import DEADLINES
from casework.publications import PUBLICATIONS
from casework.rpc import CaseworkService, DetailService
from casework.settings import Settings
from casework.storage import Work
from casework.subscriptions import HEARS
from chassis.rpc import Servicer
from chassis.service import Service
from chassis.work import Works


def _servicers(works: Works[Any]) -> Sequence[Servicer]:
    return (CaseworkService(works), DetailService(works))


def compose(settings: Settings) -> Service:
    """The whole service."""
    return Service(
        name="casework",
        settings=settings,
        work=Work,
        publications=PUBLICATIONS,
        hears=(HEARS,),
        deadlines=DEADLINES,
        servicers=_servicers,
        migrations="casework.migrations",
    )
