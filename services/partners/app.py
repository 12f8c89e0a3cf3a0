"""Where the parts of partners are joined: settings, storage, doors, publications."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from chassis.promises import Deadlines
from chassis.rpc import Servicer
from chassis.service import Compose, Service
from chassis.work import Works
from partners.deadlines import DEADLINES, PERIODIC
from partners.deadlines.redirects import Redirects
from partners.gateways.details import HouseDetails
from partners.gateways.nodes import NodeJournals
from partners.publications import PUBLICATIONS
from partners.rpc import DetailService, NodeService, PartnerService
from partners.settings import Settings
from partners.storage import Work
from partners.subscriptions import GATE, PICTURE


def _servicers(works: Works[Any]) -> Sequence[Servicer]:
    details = HouseDetails(works.settings)
    return (PartnerService(works, details), DetailService(works, details), NodeService(works))


def compose(settings: Settings) -> Service:
    """The whole service."""
    return Service(
        name="partners",
        settings=settings,
        work=Work,
        publications=PUBLICATIONS,
        hears=(GATE, PICTURE),
        deadlines=DEADLINES,
        periodic=PERIODIC,
        outside=(Redirects(HouseDetails(settings)),),
        elsewhere=NodeJournals,
        servicers=_servicers,
        migrations="partners.migrations",
    )


def compose_picture(settings: Settings) -> Service:
    """The picture's group without the service's others and its promises, beside a process that has them."""
    return replace(compose(settings), hears=(PICTURE,), deadlines=Deadlines(), outside=(), periodic=())


def chosen(argv: Sequence[str]) -> tuple[list[str], Compose]:
    """What is left of the arguments without `--only picture`, and what they ask to be composed."""
    asked = list(argv)
    if asked[-2:] == ["--only", "picture"]:
        return asked[:-2], compose_picture
    return asked, compose
