"""Which aggregate of partners lives in which table. The picture keeps its own tables (`projections/picture`)."""

from __future__ import annotations

import chassis.work
from chassis.repository import Repository
from partners.domain.heartbeat import Heartbeat
from partners.domain.listing import Listing
from partners.domain.node import Node
from partners.domain.offer import Offer
from partners.domain.organisation import Organisation
from partners.domain.signpost import Signpost
from partners.storage.listings import listing
from partners.storage.metadata import metadata
from partners.storage.nodes import heartbeat, node
from partners.storage.offers import MERGED_INTO, NODES_TOLD, OFFERS, READERS, heard_offer, offer, standing_for
from partners.storage.organisations import LOCK_ORGANISATIONS, STANDING_FOR, organisation
from partners.storage.signposts import SIGNPOSTS, signpost

__all__ = [
    "LOCK_ORGANISATIONS",
    "MERGED_INTO",
    "NODES_TOLD",
    "READERS",
    "STANDING_FOR",
    "Work",
    "heard_offer",
    "heartbeat",
    "listing",
    "metadata",
    "node",
    "offer",
    "organisation",
    "signpost",
    "standing_for",
]


class Work(chassis.work.Work):
    """One unit of work of this service."""

    organisations = Repository(Organisation, organisation, kind="organisation")
    nodes = Repository(Node, node, kind="node")
    heartbeats = Repository(Heartbeat, heartbeat, kind="heartbeat")
    offers = Repository(Offer, offer, kind="offer", records=OFFERS)
    listings = Repository(Listing, listing, kind="listing")
    signposts = Repository(Signpost, signpost, kind="signpost", records=SIGNPOSTS)
