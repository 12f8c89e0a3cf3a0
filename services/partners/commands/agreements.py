"""What is asked of sharing agreements, here and by the guardians of other houses; each is fetch, ask, put."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from chassis.access import by
from chassis.aggregate import Denied, Fault, Invalid, Unmet
from chassis.work import command
from partners.commands.basis import lose_agreement
from partners.commands.handoffs import rest_as_known
from partners.domain.agreement.aggregate import SharingAgreement
from partners.domain.agreement.codes import LawfulBasis, Regime
from partners.domain.organisation import Sector
from partners.storage import Work
from partners.storage.nodes import node_of, organisation_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from partners.domain.agreement.terms import Party, Terms

GUARDIAN = by("IG")
HOUSE = by("SYSTEM")
_COMPETENT = frozenset({Sector.PROBATION, Sector.PRISON, Sector.POLICE})
_PRIVATE = frozenset({Sector.VOLUNTARY, Sector.HOUSING})


async def houses_of(work: Work, organisations: Iterable[str]) -> tuple[str, ...]:
    """The nodes of these organisations, ours left out."""
    found = [await node_of(work.conn, each) for each in organisations if each != work.settings.node_organisation]
    return tuple(sorted(node for node in found if node is not None and node != work.node))


@command("isa.draft", by("SM, PA, IG"))
async def draft_isa(work: Work, terms: Terms) -> dict[str, object]:
    """Put terms on the table; the houses of the other parties hear of them."""
    if work.actor.organisation != work.settings.node_organisation:
        raise Denied  # a guest signs what this house drafts, and drafts nothing in its name
    await _must_be_possible(work, terms)
    told = await houses_of(work, terms.organisations)
    value = SharingAgreement.draft(work.new_id(), terms, node=work.node, told=told, at=work.now)
    version = await work.agreements.put(value)
    return {"isa_id": value.isa_id, "terms_hash": value.terms_hash, "version": version}


async def _must_be_possible(work: Work, terms: Terms) -> None:
    """The parties are known here, we are one of them, and each has the basis an organisation of its sector may have."""
    if terms.organisations and work.settings.node_organisation not in terms.organisations:
        raise Unmet("not_a_party", "The organisation of this house must be a party of what it drafts.")
    known = {each.org_id: each.sector for each in await work.organisations.find(org_id=terms.organisations)}
    faults = [fault for nth, party in enumerate(terms.parties) for fault in _unfit(party, known.get(party.org_id), nth)]
    if faults:
        raise Invalid(*faults, *terms.faults())


def _unfit(party: Party, sector: Sector | None, nth: int) -> Iterator[Fault]:
    if sector is None:
        yield Fault(f"parties.{nth}.org_id", "UNKNOWN_CODE")
    elif party.regime is Regime.PART3 and sector not in _COMPETENT:
        yield Fault(f"parties.{nth}.regime", "CONFLICTS_WITH(sector)")
    elif party.lawful_basis is LawfulBasis.RECOGNISED_LEGITIMATE_INTEREST and sector not in _PRIVATE:
        yield Fault(f"parties.{nth}.lawful_basis", "CONFLICTS_WITH(sector)")


async def _acting(work: Work, isa_id: UUID, expected: int | None) -> tuple[SharingAgreement, str, tuple[str, ...]]:
    """The agreement, the party for which this guardian acts, and the houses that must hear of it.

    Whoever has a house acts there; who has none does it as a guest of the house that drafted it.
    """
    agreement, party = await work.agreements.get(isa_id, expected), work.actor.organisation
    if party not in agreement.terms.organisations:
        raise Unmet("not_a_party", "Your organisation is no party of this agreement.")
    guest = party != work.settings.node_organisation
    if guest and (agreement.proposed_by != work.node or await node_of(work.conn, party) is not None):
        raise Unmet("acts_in_another_house", "Do this in your own house, or in the one that drafted the agreement.")
    return agreement, party, await houses_of(work, agreement.terms.organisations)


@command("isa.activate", GUARDIAN)
async def activate_isa(work: Work, isa_id: UUID, terms_hash: str, expected: int | None) -> dict[str, object]:
    """The guardian of a party signs; the last signature brings it into force."""
    agreement, party, told = await _acting(work, isa_id, expected)
    return await _kept(work, agreement.sign(party, terms_hash, told=told, at=work.now))


@command("isa.suspend", GUARDIAN)
async def suspend_isa(work: Work, isa_id: UUID, expected: int | None) -> dict[str, object]:
    """The guardian of any party lets it rest, at once."""
    agreement, party, told = await _acting(work, isa_id, expected)
    value = agreement.suspend(party, told=told, at=work.now)
    await lose_agreement(work, value)
    return await _kept(work, value)


@command("isa.resume", GUARDIAN)
async def resume_isa(work: Work, isa_id: UUID, expected: int | None) -> dict[str, object]:
    """The guardian of a party lets it go on; it does once each has."""
    agreement, party, told = await _acting(work, isa_id, expected)
    kept = await _kept(work, agreement.resume(party, told=told, at=work.now))
    await _gone_on(work, agreement)
    return kept


@command("isa.end", GUARDIAN)
async def end_isa(work: Work, isa_id: UUID, expected: int | None) -> dict[str, object]:
    """The guardian of any party ends it, for good."""
    agreement, party, told = await _acting(work, isa_id, expected)
    value = agreement.end(party, told=told, at=work.now)
    await lose_agreement(work, value)
    return await _kept(work, value)


@command("isa.warn", HOUSE)
async def warn_of_end(work: Work, isa_id: UUID) -> None:
    """It ends in four weeks."""
    agreement = await work.agreements.get(isa_id)
    await work.agreements.put(agreement.warn(at=work.now))


@command("isa.expire", HOUSE)
async def expire_isa(work: Work, isa_id: UUID) -> None:
    """Its last day has passed."""
    agreement = await work.agreements.get(isa_id)
    await lose_agreement(work, agreement)
    await work.agreements.put(agreement.expire(at=work.now))


@command("isa.hear_proposed", HOUSE)
async def hear_proposed(work: Work, isa_id: UUID, terms: Terms, terms_hash: str, node: str) -> None:
    """Another house proposes it. The same terms again change nothing; others under the same id are refused."""
    known = await work.agreements.first(id=isa_id)
    if known is not None:
        known.must_be_of(terms_hash)
        return
    proposing = await organisation_of(work.conn, node)
    if not {proposing, work.settings.node_organisation} <= set(terms.organisations):
        raise Unmet("not_a_party", "Who proposes it, and who is asked, must both be parties.")
    value = SharingAgreement.hear(isa_id, terms, terms_hash, node=node, at=work.now)
    await work.agreements.put(value)


async def _heard(work: Work, isa_id: UUID, party: str, node: str) -> SharingAgreement:
    """The agreement of which another house speaks, for its own organisation or for a guest of the house that drafted
    it; for nobody else."""
    agreement = await work.agreements.first(id=isa_id)
    if agreement is None:
        raise Unmet("isa_unknown", "The agreement has not been heard of yet.")
    own = await organisation_of(work.conn, node) == party
    for_a_guest = node == agreement.proposed_by and await node_of(work.conn, party) is None
    if not own and not (for_a_guest and party != work.settings.node_organisation):
        raise Unmet("not_the_party", "This house does not speak for that organisation.")
    return agreement


@command("isa.hear_signed", HOUSE)
async def hear_signed(work: Work, isa_id: UUID, party: str, *, terms_hash: str, node: str, at: datetime) -> None:
    """The guardian of another party has signed, in another house."""
    agreement = await _heard(work, isa_id, party, node)
    await work.agreements.put(agreement.hear_signed(party, terms_hash, at=at))


@command("isa.hear_suspended", HOUSE)
async def hear_suspended(work: Work, isa_id: UUID, party: str, node: str, at: datetime) -> None:
    """Another party lets it rest."""
    value = (await _heard(work, isa_id, party, node)).hear_suspended(party, at=at)
    await lose_agreement(work, value)
    await work.agreements.put(value)


@command("isa.hear_resumed", HOUSE)
async def hear_resumed(work: Work, isa_id: UUID, party: str, node: str, at: datetime) -> None:
    """Another party lets it go on."""
    agreement = await _heard(work, isa_id, party, node)
    await work.agreements.put(agreement.hear_resumed(party, at=at))
    await _gone_on(work, agreement)


@command("isa.hear_ended", HOUSE)
async def hear_ended(work: Work, isa_id: UUID, party: str, node: str, at: datetime) -> None:
    """Another party has ended it."""
    value = (await _heard(work, isa_id, party, node)).hear_ended(party, at=at)
    await lose_agreement(work, value)
    await work.agreements.put(value)


async def _kept(work: Work, value: SharingAgreement) -> dict[str, object]:
    return {"state": value.status.value, "version": await work.agreements.put(value)}


async def _gone_on(work: Work, agreement: SharingAgreement) -> None:
    """What rested with it goes on, where it is in force again."""
    for party in agreement.terms.organisations:
        await rest_as_known(work, recipient=party, isa_id=agreement.id)
