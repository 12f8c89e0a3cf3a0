"""Which aggregate of partners lives in which table. The picture keeps its own tables (`projections/picture`)."""

from __future__ import annotations

import chassis.work
from chassis.repository import Repository
from partners.domain.handoff.aggregate import Handoff
from partners.domain.heartbeat import Heartbeat
from partners.domain.link import SubjectLink
from partners.domain.node import Node
from partners.domain.organisation import Organisation
from partners.storage.handoffs import HANDOFFS, LOCK_HANDOFF, SEALED, handoff
from partners.storage.links import LINKS, subject_link
from partners.storage.metadata import metadata
from partners.storage.nodes import heartbeat, node
from partners.storage.organisations import LOCK_ORGANISATIONS, organisation

__all__ = [
    "LOCK_HANDOFF", "LOCK_ORGANISATIONS", "Work", "handoff", "heartbeat", "metadata", "node", "organisation",
    "subject_link",
]  # fmt: skip


class Work(chassis.work.Work):
    """One unit of work of this service."""

    organisations = Repository(Organisation, organisation, kind="organisation")
    nodes = Repository(Node, node, kind="node")
    heartbeats = Repository(Heartbeat, heartbeat, kind="heartbeat")
    handoffs = Repository(Handoff, handoff, kind="handoff", records=HANDOFFS, sealed=SEALED)
    links = Repository(SubjectLink, subject_link, kind="subject_link", records=LINKS)
