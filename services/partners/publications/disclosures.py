"""What is told of the gate's verdicts, in the house alone; and, to the node concerned, what a man has answered about
it, by a reference that only the two know."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from google.protobuf.timestamp_pb2 import Timestamp

from chassis.shares import Share
from partners.domain.disclosure import Made, Refused
from partners.domain.holding import ConsentApplied, ConsentTold, ListApplied, ListTold, SubjectTold
from partners.domain.leave import ConsentHeard, ListHeard
from partners.domain.word import WordGiven
from partners.publications.list import PUBLICATIONS
from throughcare.partners.v1 import events_pb2 as told
from throughcare.partners.v1 import shares_pb2 as shared

if TYPE_CHECKING:
    from datetime import datetime


def _at(instant: datetime) -> Timestamp:
    found = Timestamp()
    found.FromDatetime(instant.astimezone(UTC))
    return found


@PUBLICATIONS.tells(Made)
def made(fact: Made) -> told.DisclosureMade:
    """disclosure.made: the share that it permits is told by whoever asked."""
    return told.DisclosureMade(
        isa_id=fact.bases.isa_id,
        recipient=fact.recipient,
        categories=fact.categories,
        purpose=fact.purpose,
        regime=fact.bases.regime,
        recipient_regime=fact.bases.recipient_regime,
        lawful_basis=fact.bases.lawful_basis,
        confidentiality_basis=fact.bases.confidentiality_basis,
        basis_reference=fact.bases.reference,
        detail_ref=fact.detail_ref,
    )


@PUBLICATIONS.tells(Refused)
def refused(fact: Refused) -> told.DisclosureRefused:
    """disclosure.refused."""
    return told.DisclosureRefused(
        recipient=fact.recipient, categories=fact.categories, purpose=fact.purpose, refusal_code=fact.refusal_code
    )


@PUBLICATIONS.tells(ConsentTold)
def consent_told(fact: ConsentTold) -> Share:
    """To the node it is about, and to nobody else."""
    if not fact.categories:
        return Share(to=fact.node_id, message=shared.SharedConsentWithdrawn(version=fact.consent_version))
    review_on = fact.review_on.isoformat() if fact.review_on else ""
    granted = shared.SharedConsentGranted(categories=fact.categories, version=fact.consent_version, review_on=review_on)
    return Share(to=fact.node_id, message=granted)


@PUBLICATIONS.tells(ConsentApplied)
def consent_applied(fact: ConsentApplied) -> told.ConsentApplied:
    """consent.applied."""
    return told.ConsentApplied(node_id=fact.node_id, version=fact.consent_version, applied_at=_at(fact.applied_at))


@PUBLICATIONS.tells(ListTold)
def list_told(fact: ListTold) -> Share:
    """To a node that holds him: the version, and whether it is excluded; the lists themselves stay here."""
    return Share(
        to=fact.node_id, message=shared.SharedAccessListChanged(version=fact.list_version, excluded=fact.excluded)
    )


@PUBLICATIONS.tells(SubjectTold)
def subject_told(fact: SubjectTold) -> Share:
    """To a node that holds him under another reference of its own: the one he goes by, and nothing else."""
    return Share(to=fact.node_id, message=shared.SharedSubjectChanged(subject_ref=fact.goes_by))


@PUBLICATIONS.tells(ListApplied)
def list_applied(fact: ListApplied) -> told.AccessListApplied:
    """access_list.applied."""
    return told.AccessListApplied(node_id=fact.node_id, version=fact.list_version, applied_at=_at(fact.applied_at))


@PUBLICATIONS.tells(ConsentHeard)
def consent_heard(fact: ConsentHeard) -> Share:
    """The answer to his house, by its own reference."""
    message = shared.SharedConsentApplied(version=fact.consent_version, applied_at=_at(fact.at))
    return Share(to=fact.source_node, message=message, subject_ref=fact.subject_ref)


@PUBLICATIONS.tells(ListHeard)
def list_heard(fact: ListHeard) -> Share:
    """The answer to his house, by its own reference."""
    message = shared.SharedAccessListApplied(version=fact.list_version, applied_at=_at(fact.at))
    return Share(to=fact.source_node, message=message, subject_ref=fact.subject_ref)


@PUBLICATIONS.tells(WordGiven)
def word_given(fact: WordGiven) -> Share:
    """To one node: how many changes it was told."""
    message = shared.SharedFeedConfirmed(consent_version=fact.consent_changes, access_list_version=fact.list_changes)
    return Share(to=fact.node_id, message=message)
