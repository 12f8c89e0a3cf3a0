"""What happens to a sharing agreement. `told` are the nodes of the other parties, which hold their own copy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from chassis.aggregate import Event
from partners.domain.agreement.terms import Terms


@dataclass(frozen=True, kw_only=True)
class Proposed(Event):
    """Its terms are on the table, in this house first."""

    isa_id: UUID
    terms: Terms
    terms_hash: str
    told: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Received(Event):
    """Another house proposes it."""

    isa_id: UUID
    terms: Terms
    terms_hash: str
    proposed_by: str


@dataclass(frozen=True, kw_only=True)
class Signed(Event):
    """The guardian of one party has signed the digest of the terms."""

    isa_id: UUID
    party: str
    terms_hash: str
    told: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Activated(Event):
    """The last party has signed: it is in force within its term."""

    isa_id: UUID
    terms: Terms
    agreement_version: int


@dataclass(frozen=True, kw_only=True)
class Expiring(Event):
    """It ends soon."""

    isa_id: UUID
    valid_to: date


@dataclass(frozen=True, kw_only=True)
class Expired(Event):
    """Its last day has passed."""

    isa_id: UUID


@dataclass(frozen=True, kw_only=True)
class Suspended(Event):
    """A party lets it rest; nothing is shared under it."""

    isa_id: UUID
    party: str
    told: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ResumptionAgreed(Event):
    """A party lets it go on; it does, once all have."""

    isa_id: UUID
    party: str
    told: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Resumed(Event):
    """Every party lets it go on."""

    isa_id: UUID


@dataclass(frozen=True, kw_only=True)
class Ended(Event):
    """A party has ended it, for good."""

    isa_id: UUID
    party: str
    told: tuple[str, ...]
