"""Sharing agreements as a service has heard of them: by these it knows for which guests anything exists here.

People whose organisation has no house are guests of the house they work with. What they see there is a disclosure to
their employer, so an agreement between the house and him must be in force at that moment, and of a record he sees the
categories that `decide` lets his employer know.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
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
from chassis.access.deciding import Agreement, Asked, Consent, Ground, Known, Terms, Verdict, decide

if TYPE_CHECKING:
    from datetime import date, datetime

    from asyncpg import Record
    from sqlalchemy import ColumnElement, Select

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
        covers: Mapping[str, Any] | None = None,
    ) -> Held:
        """The row of what its parties signed; `covers` as `covers_of` says it, without which nothing is covered."""
        between = {"parties": list(parties), "recipients": list(recipients)}
        lasting = {"valid_from": valid_from, "valid_to": valid_to, "covers": covers}
        return self.terms, {"isa_id": isa_id, **between, **lasting, "seq": seq}

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
        Column("covers", JSONB),
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


def _with_employer(held: Agreements) -> tuple[Any, ColumnElement[bool]]:
    terms, standing = held.terms.alias(), held.standing.alias()
    between = and_(terms.c.parties.has_key(HOUSE), terms.c.recipients.has_key(ACTOR_ORGANISATION))
    stands = exists(select(1).where(standing.c.isa_id == terms.c.isa_id, standing.c.in_force))
    return terms, and_(between, stands, _TODAY.between(terms.c.valid_from, terms.c.valid_to))


def agreed_with_employer(held: Agreements) -> ColumnElement[bool]:
    """An agreement is in force by which this house may tell the employer of who asks."""
    terms, in_force = _with_employer(held)
    return exists(select(1).select_from(terms).where(in_force))


def in_force_with_employer(held: Agreements) -> Select[Any]:
    """Which they are."""
    terms, in_force = _with_employer(held)
    return select(terms).where(in_force).order_by(terms.c.isa_id)


_PLAIN = (
    "purposes", "categories", "confidentiality_bases", "statutes", "standing_basis", "standing_reference",
    "standing_recipients", "associates",
)  # fmt: skip


def covers_of(told: Any) -> dict[str, Any]:
    """What an agreement covers, of the fact that it is in force: by these names it is told."""
    plain = {name: value if isinstance(value := getattr(told, name), str) else list(value) for name in _PLAIN}
    rest_on = zip(told.parties, told.regimes, told.lawful_bases, strict=False)
    return {**plain, "terms": {party: [regime, lawful] for party, regime, lawful in rest_on}}


def _agreement(row: Record) -> Agreement:
    """An agreement that is in force, as `decide` knows it."""
    covers = row["covers"] or {}
    return Agreement(
        isa_id=row["isa_id"],
        parties={party: Terms(regime=of[0], lawful_basis=of[1]) for party, of in covers.get("terms", {}).items()},
        recipients=frozenset(row["recipients"]),
        purposes=frozenset(covers.get("purposes", ())),
        categories=frozenset(covers.get("categories", ())),
        valid_from=row["valid_from"],
        valid_to=row["valid_to"],
        bases=frozenset(covers.get("confidentiality_bases", ())),
        statutes=frozenset(covers.get("statutes", ())),
        standing_basis=covers.get("standing_basis", ""),
        standing_recipients=frozenset(covers.get("standing_recipients", ())),
        associates=frozenset(covers.get("associates", ())),
    )


@dataclass(frozen=True, kw_only=True)
class Let:
    """What a guest's employer may know of a record: the categories, and the verdict that lets him; without one, why
    not."""

    categories: frozenset[str]
    verdict: Verdict


def let_know(
    rows: Iterable[Record],
    asked: Asked,
    categories: Iterable[str],
    *,
    consents: Mapping[str, Consent],
) -> Let:
    """Of these categories those that may be known, all under one agreement: the one that lets most be.

    That he stands in a relation to the record, is on no list, and that what is known of the person is current, is
    settled by whoever has found the record for him.
    """
    best = Let(categories=frozenset(), verdict=Verdict(refusal=None))
    for row in rows:
        covers = row["covers"] or {}
        standing = asked.recipient in covers.get("standing_recipients", ())
        ground = (
            Ground(basis=covers["standing_basis"], reference=covers["standing_reference"]) if standing else Ground()
        )
        known = Known(agreements=(_agreement(row),), consents=consents, related=True, feed_age=timedelta(0))
        verdicts = {each: decide(replace(asked, category=each, ground=ground), known) for each in sorted(categories)}
        let = frozenset(each for each, verdict in verdicts.items() if verdict.permitted)
        if len(let) > len(best.categories) or not best.categories:
            verdict = next((verdicts[each] for each in sorted(let)), next(iter(verdicts.values()), best.verdict))
            best = Let(categories=let, verdict=verdict)
    return best
