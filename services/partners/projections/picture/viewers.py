"""What of a picture each role sees: fields that are not for him are absent."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from chassis.access import Actor, Role
from chassis.aggregate import Denied
from partners.projections.picture.handoffs import HANDED_OVER
from partners.projections.picture.shapes import Picture, State

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from partners.projections.picture.across import House, OpenHandoff


def seen_by(actor: Actor, picture: Picture, house: House) -> Picture:
    """The picture as far as this person may see it."""
    match actor.role:
        case Role.SM | Role.CP | Role.IG | Role.EW:
            return picture
        case Role.PP:
            return for_practitioner(picture)
        case Role.SPO | Role.PPU:
            return for_officer(picture)
        case Role.PW:
            return for_partner(picture, organisation=actor.organisation, house=house)
        case _:
            raise Denied


def for_practitioner(picture: Picture) -> Picture:
    """The summary a practitioner of probation sees (access.md 3, "S own").

    Whether he agreed, and promises between him and the service, are not probation's: from them his choice could be
    told from circumstance.
    """
    engagement = picture.engagement and replace(picture.engagement, last_tried_at=None)
    handoffs = tuple(replace(each, reason_group="", late_since=None) for each in picture.handoffs or ())
    contacts = tuple(replace(each, step="") for each in picture.contacts or ())
    return replace(picture, taking_part=None, late=None, engagement=engagement, handoffs=handoffs, contacts=contacts)


def for_officer(picture: Picture) -> Picture:
    """The summary another officer of probation sees (access.md 3, "S"): the practitioner's, and nothing of handoffs."""
    summary = for_practitioner(picture)
    deliveries = tuple(replace(each, handoff_id=None) for each in summary.deliveries or ())
    gaps = tuple(replace(each, asked=()) for each in summary.gaps or ())
    return replace(summary, handoffs=None, deliveries=deliveries, gaps=gaps)


def for_partner(picture: Picture, *, organisation: str, house: House) -> Picture:
    """What a partner's worker sees (access.md 3, "own scope"): what his organisation takes part in, and nothing of the
    case it belongs to. At home he takes part in every handoff of the house; as a guest, in those with his employer."""
    at_home = organisation == house.organisation
    handoffs = tuple(each for each in picture.handoffs or () if at_home or each.org_id == organisation)
    named = {organisation, *(each.org_id for each in handoffs if at_home)}
    clashes = (
        replace(each, org_ids=tuple(org for org in each.org_ids if org in named))
        for each in picture.clashes or ()
        if organisation in each.org_ids
    )
    return Picture(
        case_id=picture.case_id,
        person_id=picture.person_id,
        reference="",
        programme_id="",
        kind=HANDED_OVER,
        state=State.SHARED,
        submitted_at=picture.submitted_at if picture.kind == HANDED_OVER else _first(handoffs, picture),
        deliveries=tuple(each for each in picture.deliveries or () if each.org_id == organisation),
        handoffs=handoffs,
        contacts=tuple(each for each in picture.contacts or () if each.org_id in named),
        clashes=tuple(clashes),
    )


def _first(handoffs: Iterable[OpenHandoff], picture: Picture) -> datetime:
    """Since when he has to do with it; when the case began is not his to know."""
    return min((each.since for each in handoffs), default=picture.submitted_at)
