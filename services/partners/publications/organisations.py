"""What is told of organisations: ids and days. Names are asked for, not told."""

from __future__ import annotations

from partners.domain.organisation import Closed, MergedInto, Registered, Renamed
from partners.publications.list import PUBLICATIONS
from throughcare.partners.v1 import events_pb2 as told


@PUBLICATIONS.tells(Registered)
def registered(fact: Registered) -> told.OrganisationRegistered:
    """organisation.registered."""
    return told.OrganisationRegistered(org_id=fact.org_id, effective_on=fact.effective_on.isoformat())


@PUBLICATIONS.tells(Renamed)
def renamed(fact: Renamed) -> told.OrganisationRenamed:
    """organisation.renamed."""
    return told.OrganisationRenamed(org_id=fact.org_id, effective_on=fact.effective_on.isoformat())


@PUBLICATIONS.tells(MergedInto)
def merged_into(fact: MergedInto) -> told.OrganisationMergedInto:
    """organisation.merged_into."""
    return told.OrganisationMergedInto(
        org_id=fact.org_id, successor_id=fact.successor_id, effective_on=fact.effective_on.isoformat()
    )


@PUBLICATIONS.tells(Closed)
def closed(fact: Closed) -> told.OrganisationClosed:
    """organisation.closed."""
    return told.OrganisationClosed(org_id=fact.org_id, effective_on=fact.effective_on.isoformat())
