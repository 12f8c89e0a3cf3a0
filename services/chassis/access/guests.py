"""Sharing agreements as a service has heard of them: by these it knows for which guests anything exists here.

People whose organisation has no house are guests of the house they work with. What they see there is a disclosure to
their employer, so an agreement between the house and him must be in force at that moment.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    MetaData,
    Table,
    Text,
    and_,
    cast,
    exists,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB

from chassis.access.asking import ACTOR_ORGANISATION, HOUSE, NOW

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy import ColumnElement

_TODAY = cast(func.timezone("Europe/London", NOW), Date)
Held = tuple[Table, dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Agreements:
    """Two tables, so that facts may be heard in any order: what was signed, and whether it is in force."""

    terms: Table
    standing: Table

    @property
    def tables(self) -> tuple[Table, Table]:
        """Both, for a rebuild."""
        return (self.terms, self.standing)

    def signed(
        self,
        isa_id: str,
        *,
        parties: Iterable[str],
        recipients: Iterable[str],
        valid_from: date,
        valid_to: date,
        seq: int,
    ) -> Held:
        """The row of what its parties signed."""
        between = {"parties": list(parties), "recipients": list(recipients)}
        return self.terms, {"isa_id": isa_id, **between, "valid_from": valid_from, "valid_to": valid_to, "seq": seq}

    def stands(self, isa_id: str, *, in_force: bool, since: datetime, seq: int) -> Held:
        """The row of whether it is in force."""
        return self.standing, {"isa_id": isa_id, "in_force": in_force, "since": since, "seq": seq}


def agreements(metadata: MetaData) -> Agreements:
    """The tables, in a service that guests of a house may look into."""
    terms = Table(
        "agreement_terms",
        metadata,
        Column("isa_id", Text, primary_key=True),
        Column("parties", JSONB, nullable=False),
        Column("recipients", JSONB, nullable=False),
        Column("valid_from", Date, nullable=False),
        Column("valid_to", Date, nullable=False),
        Column("seq", BigInteger, nullable=False),
    )
    standing = Table(
        "agreement_standing",
        metadata,
        Column("isa_id", Text, primary_key=True),
        Column("in_force", Boolean, nullable=False),
        Column("since", DateTime(timezone=True), nullable=False),
        Column("seq", BigInteger, nullable=False),
    )
    return Agreements(terms=terms, standing=standing)


def agreed_with_employer(held: Agreements) -> ColumnElement[bool]:
    """An agreement is in force by which this house may tell the employer of who asks."""
    terms, standing = held.terms.alias(), held.standing.alias()
    between = and_(terms.c.parties.has_key(HOUSE), terms.c.recipients.has_key(ACTOR_ORGANISATION))
    in_force = and_(standing.c.isa_id == terms.c.isa_id, standing.c.in_force)
    in_term = _TODAY.between(terms.c.valid_from, terms.c.valid_to)
    return exists(select(1).select_from(terms).join(standing, in_force).where(between, in_term))
