"""What is told of sharing agreements: in the house, when one begins, rests or is over; to the houses of its parties,
its terms and what their guardians did. There is no person in any of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from chassis.shares import Share
from partners.domain.agreement import facts
from partners.publications.list import PUBLICATIONS
from throughcare.partners.v1 import events_pb2 as told
from throughcare.partners.v1 import shares_pb2 as shared

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from partners.domain.agreement.terms import Terms


def _to(nodes: tuple[str, ...], isa_id: UUID, message: Message) -> tuple[Share, ...]:
    """To each of these houses; the agreement's id stands as it is, since its parties hold it."""
    return tuple(Share(to=node, message=message, aggregate_id=isa_id) for node in nodes)


def _terms(terms: Terms) -> dict[str, Any]:
    """What both the house and its partners are told of the terms."""
    return {
        "parties": terms.organisations,
        "regimes": [party.regime.value for party in terms.parties],
        "lawful_bases": [party.lawful_basis.value for party in terms.parties],
        "recipients": terms.recipients,
        "purposes": terms.purposes,
        "categories": terms.categories,
        "confidentiality_bases": terms.confidentiality_bases,
        "statutes": terms.statutes,
        "standing_basis": terms.standing_basis.value if terms.standing_basis else "",
        "standing_reference": terms.standing_reference,
        "standing_recipients": terms.standing_recipients,
        "associates": terms.associates,
        "valid_from": terms.valid_from.isoformat(),
        "valid_to": terms.valid_to.isoformat(),
        "review_on": terms.review_on.isoformat(),
    }


@PUBLICATIONS.tells(facts.Proposed)
def proposed(fact: facts.Proposed) -> tuple[Share, ...]:
    """To the houses of the other parties, with all its terms."""
    terms = fact.terms
    message = shared.SharedIsaProposed(
        isa_id=str(fact.isa_id),
        controller_roles=[party.controller_role.value for party in terms.parties],
        article_9_conditions=[party.article_9_condition.value for party in terms.parties],
        article_10_conditions=[party.article_10_condition.value for party in terms.parties],
        policy_documents=[party.policy_document for party in terms.parties],
        retention_days=terms.retention_days,
        terms_hash=fact.terms_hash,
        **_terms(terms),
    )
    return _to(fact.told, fact.isa_id, message)


@PUBLICATIONS.tells(facts.Signed)
def signed(fact: facts.Signed) -> tuple[Share, ...]:
    """To the houses of the other parties: who has signed which digest."""
    message = shared.SharedIsaSigned(isa_id=str(fact.isa_id), party=fact.party, terms_hash=fact.terms_hash)
    return _to(fact.told, fact.isa_id, message)


@PUBLICATIONS.tells(facts.Activated)
def activated(fact: facts.Activated) -> told.IsaActivated:
    """isa.activated."""
    return told.IsaActivated(isa_id=str(fact.isa_id), version=fact.agreement_version, **_terms(fact.terms))


@PUBLICATIONS.tells(facts.Expiring)
def expiring(fact: facts.Expiring) -> told.IsaExpiring:
    """isa.expiring."""
    return told.IsaExpiring(isa_id=str(fact.isa_id), valid_to=fact.valid_to.isoformat())


@PUBLICATIONS.tells(facts.Expired)
def expired(fact: facts.Expired) -> told.IsaExpired:
    """isa.expired; each house sees by itself that the last day is over."""
    return told.IsaExpired(isa_id=str(fact.isa_id))


@PUBLICATIONS.tells(facts.Suspended)
def suspended(fact: facts.Suspended) -> tuple[Message | Share, ...]:
    """isa.suspended, and to the houses of the other parties."""
    message = shared.SharedIsaSuspended(isa_id=str(fact.isa_id), party=fact.party)
    return (told.IsaSuspended(isa_id=str(fact.isa_id)), *_to(fact.told, fact.isa_id, message))


@PUBLICATIONS.tells(facts.ResumptionAgreed)
def resumption_agreed(fact: facts.ResumptionAgreed) -> tuple[Share, ...]:
    """To the houses of the other parties: who lets it go on."""
    message = shared.SharedIsaResumed(isa_id=str(fact.isa_id), party=fact.party)
    return _to(fact.told, fact.isa_id, message)


@PUBLICATIONS.tells(facts.Resumed)
def resumed(fact: facts.Resumed) -> told.IsaResumed:
    """isa.resumed."""
    return told.IsaResumed(isa_id=str(fact.isa_id))


@PUBLICATIONS.tells(facts.Ended)
def ended(fact: facts.Ended) -> tuple[Message | Share, ...]:
    """isa.ended, and to the houses of the other parties."""
    message = shared.SharedIsaEnded(isa_id=str(fact.isa_id), party=fact.party)
    return (told.IsaEnded(isa_id=str(fact.isa_id)), *_to(fact.told, fact.isa_id, message))
