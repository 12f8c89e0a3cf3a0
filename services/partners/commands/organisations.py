"""What is asked of organisations; each is fetch, ask, put."""

from __future__ import annotations

from datetime import date

from chassis.access import by
from chassis.aggregate import Exists, NotFound
from chassis.work import command
from partners.domain.organisation import Organisation, Sector
from partners.storage import LOCK_ORGANISATIONS, Work

ORGANISATION = by("SM, PA")


async def _organisation(work: Work, org_id: str, expected: int | None = None) -> Organisation:
    found = await work.organisations.first(org_id=org_id)
    if found is None:
        raise NotFound
    return await work.organisations.get(found.id, expected)


@command("organisation.register", ORGANISATION)
async def register_organisation(work: Work, org_id: str, name: str, sector: Sector, effective_on: date) -> int:
    """Begin to work with an organisation."""
    if await work.organisations.first(org_id=org_id):
        raise Exists("organisation_exists", "It is registered already.", reference=org_id)
    return await work.organisations.put(
        Organisation.register(
            work.new_id(), org_id=org_id, name=name, sector=sector, effective_on=effective_on, at=work.now
        )
    )


@command("organisation.rename", ORGANISATION)
async def rename_organisation(work: Work, org_id: str, name: str, effective_on: date, expected: int | None) -> int:
    """Give it a new name from a day on."""
    organisation = await _organisation(work, org_id, expected)
    return await work.organisations.put(organisation.rename(name, effective_on=effective_on, at=work.now))


@command("organisation.merge", ORGANISATION)
async def merge_organisation(
    work: Work, org_id: str, successor_id: str, effective_on: date, expected: int | None
) -> int:
    """Record that it became part of another."""
    await LOCK_ORGANISATIONS.all(work.conn, org_ids=[org_id, successor_id])
    organisation = await _organisation(work, org_id, expected)
    successor = await _organisation(work, successor_id)
    return await work.organisations.put(organisation.merge(successor, effective_on=effective_on, at=work.now))


@command("organisation.close", ORGANISATION)
async def close_organisation(work: Work, org_id: str, effective_on: date, expected: int | None) -> int:
    """Record that it ended without a successor."""
    organisation = await _organisation(work, org_id, expected)
    return await work.organisations.put(organisation.close(effective_on=effective_on, at=work.now))
