"""What is told of signposts, in the house alone: which offer, and what came of it."""

from __future__ import annotations

from partners.domain.signpost import Given, OutcomeRecorded
from partners.publications.list import PUBLICATIONS
from throughcare.partners.v1 import events_pb2 as told


@PUBLICATIONS.tells(Given)
def given(fact: Given) -> told.SignpostGiven:
    """signpost.given."""
    return told.SignpostGiven(offer_id=str(fact.offer_id))


@PUBLICATIONS.tells(OutcomeRecorded)
def outcome_recorded(fact: OutcomeRecorded) -> told.SignpostOutcomeRecorded:
    """signpost.outcome_recorded."""
    return told.SignpostOutcomeRecorded(offer_id=str(fact.offer_id), outcome=fact.outcome)
