"""What partners tells, an aggregate a file. A fact that is not listed stays in the service."""

from partners.publications import (
    agreements,
    busy_slots,
    disclosures,
    handoffs,
    links,
    nodes,
    offers,
    offers_heard,
    organisations,
    signposts,
)
from partners.publications.list import PUBLICATIONS

__all__ = [
    "PUBLICATIONS",
    "agreements",
    "busy_slots",
    "disclosures",
    "handoffs",
    "links",
    "nodes",
    "offers",
    "offers_heard",
    "organisations",
    "signposts",
]
