"""What a guest of the house may see of a record that was found for him: a disclosure to his employer."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chassis.access.deciding import Asked
from chassis.access.guests import Agreements, Let, in_force_with_employer, let_know
from chassis.access.roles import Role
from chassis.database import Statement, statement

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from chassis.access.deciding import Consent


@cache
def _in_force(agreements: Agreements) -> Statement:
    return statement(in_force_with_employer(agreements))


def _disclosed(found: Let, isa_ids: Sequence[str]) -> tuple[str, str]:
    """Action and outcome of a disclosure to a guest's employer as the audit keeps it: agreement, regimes, bases,
    categories; no content. Without a category it is of the process alone, under the agreement by which the record
    exists for him at all.
    """
    of = found.verdict
    if found.categories:
        bases = (of.regime, of.recipient_regime, of.lawful_basis, of.confidentiality_basis, of.reference or "-")
        said = f"isa:{of.isa_id} {'/'.join(bases)} {','.join(sorted(found.categories))}"
        return "disclosure.made", said
    if not isa_ids:
        return "disclosure.refused", "refused:isa_not_in_force"
    return "disclosure.made", f"isa:{isa_ids[0]} - {of.refusal.value if of.refusal else '-'}"


async def let_see(
    work: Any,
    agreements: Agreements,
    person_id: UUID | None,
    categories: Iterable[str],
    consents: Mapping[str, Consent] | None = None,
) -> frozenset[str]:
    """Of a record that was found for the actor of this work, the categories he may see: whoever works for the house
    all of them. For a guest that is a disclosure to his employer: what he is let see, under which agreement and on what
    bases, is entered beside the reading; without a category, that he saw how it stands and nothing else."""
    wanted, employer = frozenset(categories), work.actor.organisation
    owner = work.works.settings.node_organisation
    if work.actor.role in (Role.SYSTEM, Role.NODE) or employer == owner:
        return wanted
    rows = await _in_force(agreements).all(work.conn, **work.asking)
    asked = Asked(
        owner=owner,
        person_id=person_id or UUID(int=0),
        category="",
        purpose=work.actor.purpose.value,
        recipient=employer,
        at=work.now,
    )
    found = let_know(rows, asked, wanted, consents=consents or {})
    action, outcome = _disclosed(found, [row["isa_id"] for row in rows])
    work.audit(action, record=str(person_id or ""), outcome=outcome)
    return found.categories
