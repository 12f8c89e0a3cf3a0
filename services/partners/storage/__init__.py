"""Which aggregate of partners lives in which table. The picture keeps its own tables (`projections/picture`)."""

from __future__ import annotations

import chassis.work
from chassis.repository import Repository
from partners.domain.agreement.aggregate import SharingAgreement
from partners.domain.busy_slot import BusySlot
from partners.domain.disclosure import Disclosure
from partners.domain.handoff.aggregate import Handoff
from partners.domain.heartbeat import Heartbeat
from partners.domain.holding import Holding
from partners.domain.leave import Leave
from partners.domain.link import SubjectLink
from partners.domain.listing import Listing
from partners.domain.node import Node
from partners.domain.offer import Offer
from partners.domain.offer_heard import OfferHeard
from partners.domain.organisation import Organisation
from partners.domain.signpost import Signpost
from partners.domain.word import Word
from partners.storage.agreements import DISCLOSURES, disclosure, sharing_agreement
from partners.storage.busy_slots import appointment_known, busy_slot
from partners.storage.handoffs import HANDOFFS, LOCK_HANDOFF, SEALED, handoff
from partners.storage.holdings import holding, leave, word
from partners.storage.links import LINKS, subject_link
from partners.storage.listings import listing
from partners.storage.metadata import metadata
from partners.storage.nodes import heartbeat, node
from partners.storage.offers import MERGED_INTO, NODES_TOLD, OFFERS, READERS, heard_offer, offer, standing_for
from partners.storage.offers_heard import offer_heard
from partners.storage.organisations import LOCK_ORGANISATIONS, STANDING_FOR, organisation
from partners.storage.redirects import redirect_kept
from partners.storage.signposts import SIGNPOSTS, signpost

__all__ = [
    "DISCLOSURES",
    "LOCK_HANDOFF",
    "LOCK_ORGANISATIONS",
    "MERGED_INTO",
    "NODES_TOLD",
    "READERS",
    "STANDING_FOR",
    "Work",
    "appointment_known",
    "busy_slot",
    "disclosure",
    "handoff",
    "heard_offer",
    "heartbeat",
    "listing",
    "metadata",
    "node",
    "offer",
    "offer_heard",
    "organisation",
    "redirect_kept",
    "sharing_agreement",
    "signpost",
    "standing_for",
    "subject_link",
]


class Work(chassis.work.Work):
    """One unit of work of this service."""

    organisations = Repository(Organisation, organisation, kind="organisation")
    agreements = Repository(SharingAgreement, sharing_agreement, kind="isa")
    disclosures = Repository(Disclosure, disclosure, kind="disclosure", records=DISCLOSURES)
    holdings = Repository(Holding, holding, kind="holding")
    leaves = Repository(Leave, leave, kind="leave")
    words = Repository(Word, word, kind="word")
    nodes = Repository(Node, node, kind="node")
    heartbeats = Repository(Heartbeat, heartbeat, kind="heartbeat")
    handoffs = Repository(Handoff, handoff, kind="handoff", records=HANDOFFS, sealed=SEALED)
    busy_slots = Repository(BusySlot, busy_slot, kind="busy_slot")
    links = Repository(SubjectLink, subject_link, kind="subject_link", records=LINKS)
    offers = Repository(Offer, offer, kind="offer", records=OFFERS)
    offers_heard = Repository(OfferHeard, offer_heard, kind="offer_heard")
    listings = Repository(Listing, listing, kind="listing")
    signposts = Repository(Signpost, signpost, kind="signpost", records=SIGNPOSTS)
