"""PartnerService and NodeService: request → command or question → answer, an aggregate a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chassis.work import Works
from partners.gateways.details import HouseDetails
from partners.gateways.houses import OtherHouses
from partners.rpc.agreements import AgreementServicer
from partners.rpc.details import DetailService
from partners.rpc.directory import DirectoryServicer
from partners.rpc.disclosures import DisclosureServicer
from partners.rpc.handoff_answers import HandoffAnswerServicer
from partners.rpc.handoff_details import HandoffDetailServicer
from partners.rpc.handoff_mending import HandoffMendingServicer
from partners.rpc.handoffs import HandoffServicer
from partners.rpc.links import LinkServicer
from partners.rpc.nodes import NodeService, NodeServicer
from partners.rpc.offers import OfferServicer
from partners.rpc.organisations import OrganisationServicer
from partners.rpc.pictures import PictureServicer
from partners.rpc.signposts import SignpostServicer

if TYPE_CHECKING:
    from partners.gateways.details import Details

__all__ = ["DetailService", "NodeService", "PartnerService"]


class PartnerService(
    OrganisationServicer,
    NodeServicer,
    PictureServicer,
    OfferServicer,
    DirectoryServicer,
    SignpostServicer,
    HandoffServicer,
    HandoffAnswerServicer,
    HandoffMendingServicer,
    HandoffDetailServicer,
    LinkServicer,
    AgreementServicer,
    DisclosureServicer,
):
    """Every method of the contract."""

    def __init__(self, works: Works[Any], details: Details | None = None) -> None:
        self.works, self.details = works, details or HouseDetails(works.settings)
        self.houses = OtherHouses(works)
