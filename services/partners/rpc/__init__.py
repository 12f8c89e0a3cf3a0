"""PartnerService and NodeService: request → command or question → answer, an aggregate a file."""

from __future__ import annotations

from typing import Any

from chassis.work import Works
from partners.rpc.directory import DirectoryServicer
from partners.rpc.nodes import NodeService, NodeServicer
from partners.rpc.offers import OfferServicer
from partners.rpc.organisations import OrganisationServicer
from partners.rpc.pictures import PictureServicer
from partners.rpc.signposts import SignpostServicer

__all__ = ["NodeService", "PartnerService"]


class PartnerService(
    OrganisationServicer,
    NodeServicer,
    PictureServicer,
    OfferServicer,
    DirectoryServicer,
    SignpostServicer,
):
    """Every method of the contract."""

    def __init__(self, works: Works[Any]) -> None:
        self.works = works
