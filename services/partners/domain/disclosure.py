"""Each verdict of the gate as a fact: what was let be known to whom, under which agreement and on which bases (S38)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.aggregate import Aggregate, Event


@dataclass(frozen=True, kw_only=True)
class Bases:
    """On what it rests, and under which part of the Act each side is."""

    isa_id: str
    regime: str
    recipient_regime: str
    lawful_basis: str
    confidentiality_basis: str
    reference: str


@dataclass(frozen=True, kw_only=True)
class Made(Event):
    """It may be known there."""

    recipient: str
    categories: tuple[str, ...]
    purpose: str
    bases: Bases
    detail_ref: str


@dataclass(frozen=True, kw_only=True)
class Refused(Event):
    """It may not; `refusal_code` says which condition did not hold."""

    recipient: str
    categories: tuple[str, ...]
    purpose: str
    refusal_code: str


@dataclass(frozen=True, kw_only=True)
class Disclosure(Aggregate):
    """One verdict. It is never changed."""

    person_id: UUID
    case_id: UUID | None
    recipient: str
    categories: tuple[str, ...]
    purpose: str
    judged_at: datetime
    bases: Bases | None = None
    refusal_code: str = ""
    detail_ref: str = ""

    @classmethod
    def make(
        cls,
        id: UUID,
        *,
        person_id: UUID,
        case_id: UUID | None,
        recipient: str,
        categories: tuple[str, ...],
        purpose: str,
        bases: Bases,
        detail_ref: str,
        at: datetime,
    ) -> Disclosure:
        """Let it be known."""
        value = cls(
            id=id, person_id=person_id, case_id=case_id, recipient=recipient, categories=categories, purpose=purpose,
            judged_at=at, bases=bases, detail_ref=detail_ref,
        )  # fmt: skip
        return value.telling(
            Made(recipient=recipient, categories=categories, purpose=purpose, bases=bases, detail_ref=detail_ref, at=at)
        )

    @classmethod
    def refuse(
        cls,
        id: UUID,
        *,
        person_id: UUID,
        case_id: UUID | None,
        recipient: str,
        categories: tuple[str, ...],
        purpose: str,
        refusal_code: str,
        at: datetime,
    ) -> Disclosure:
        """Do not, where nobody gave a command that could be refused."""
        value = cls(
            id=id, person_id=person_id, case_id=case_id, recipient=recipient, categories=categories, purpose=purpose,
            judged_at=at, refusal_code=refusal_code,
        )  # fmt: skip
        return value.telling(
            Refused(recipient=recipient, categories=categories, purpose=purpose, refusal_code=refusal_code, at=at)
        )
