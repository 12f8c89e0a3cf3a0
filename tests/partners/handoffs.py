"""Two sides of a handoff in tests: plausible by default, one argument to differ."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID, uuid4

from chassis.aggregate import Aggregate
from partners.domain.codes import Aspect
from partners.domain.handoff import receiver, sender
from partners.domain.handoff.aggregate import Handoff
from partners.domain.handoff.codes import Category, ConfidentialityBasis, Kind, Origin
from partners.domain.handoff.receiver import Arrival
from partners.domain.handoff.sender import Offering
from partners.domain.handoff.states import Grounds, Said

A = TypeVar("A", bound=Aggregate)
NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)  # a Monday
GROUNDS = Grounds(
    regime="PART2",
    lawful_basis="LEGITIMATE_INTERESTS",
    confidentiality_basis=ConfidentialityBasis.AGREED,
    isa_id=UUID("0190e2a0-0000-7000-8000-0000000000d1"),
)
HIS, OURS = UUID("0190e2a0-0000-7000-8000-0000000000a1"), UUID("0190e2a0-0000-7000-8000-0000000000b1")


def stored(value: A) -> A:
    """The value as a repository gives it back: at its new version, its news told."""
    return replace(value, version=value.version + len(value.news), news=())


def an_offering(**changes) -> Offering:
    given = {
        "partner": "women-in-prison",
        "partner_org": "women-in-prison",
        "own_org": "together",
        "to_probation": False,
        "person_id": HIS,
        "case_id": UUID("0190e2a0-0000-7000-8000-0000000000c1"),
        "kind": Kind.WARM_INTRODUCTION,
        "aspects": (Aspect.DEBT_ADVICE,),
        "offer_id": None,
        "categories": (Category.CONTACT_DETAILS, Category.APPOINTMENTS),
        "scope_hash": "0" * 64,
        "snapshot": '{"needs": "money advice"}',
        "origin": Origin.WORK,
        "grounds": GROUNDS,
        "detail_ref": "ref-" + "a" * 26,
    }
    return Offering(**given | changes)


def an_offered(*, at: datetime = NOW, **changes) -> Handoff:
    return sender.offer(uuid4(), an_offering(**changes), by="staff-ew-1", at=at)


def arrival_of(offered: Handoff, **changes) -> Arrival:
    """What the other house takes in of it, by its own name for him."""
    same = ("kind", "aspects", "offer_id", "categories", "scope_hash", "origin", "grounds", "detail_ref", "expires_at")
    given = {name: getattr(offered, name) for name in same} | {
        "handoff_id": offered.id,
        "partner": "together",
        "partner_org": "together",
        "own_org": "women-in-prison",
        "to_probation": False,
        "subject_ref": "A" * 26,
        "person_id": OURS,
    }
    return Arrival(**given | changes)


def said(at: datetime) -> Said:
    return Said(at=at, recorded_at=at)


def a_received(*, at: datetime = NOW, offered: Handoff | None = None, **changes) -> Handoff:
    """The receiver's side of one that arrived at once."""
    offered = offered or an_offered(at=at, **changes)
    return stored(receiver.acknowledge(arrival_of(offered), said=said(offered.offered_at), at=at))
