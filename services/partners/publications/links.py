"""What is told of links: in the house alone, for whoever keeps facts by person."""

from __future__ import annotations

from partners.domain.link import Confirmed, Undone
from partners.publications.list import PUBLICATIONS
from throughcare.partners.v1 import events_pb2 as told


@PUBLICATIONS.tells(Confirmed)
def confirmed(fact: Confirmed) -> told.SubjectLinkConfirmed:
    """subject_link.confirmed."""
    return told.SubjectLinkConfirmed(
        sender_node=fact.sender_node, subject_ref=fact.subject_ref, previous_person_id=str(fact.previous_person_id)
    )


@PUBLICATIONS.tells(Undone)
def undone(fact: Undone) -> told.SubjectLinkUndone:
    """subject_link.undone."""
    return told.SubjectLinkUndone(
        sender_node=fact.sender_node, subject_ref=fact.subject_ref, person_id=str(fact.person_id)
    )
