"""Our offers as services of Open Referral UK, with all that we hold of them: reading one gives it back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from partners.domain.codes import BOROUGHS
from partners.domain.directory import Candidate
from partners.domain.offer import Room
from partners.domain.terms import Terms
from partners.gateways.open_referral.words import (
    AS_AT,
    CAPACITY,
    LISTS,
    NUMBERS,
    SCHEME,
    WAIT_DAYS,
    WRITTEN_STATUS,
    id_of,
)


def written(offer: Candidate) -> dict[str, Any]:
    """One offer as a service. What nobody has said is left out."""
    terms = offer.terms
    service: dict[str, Any] = {
        "id": str(offer.id),
        "name": terms.name,
        "description": terms.summary,
        "url": terms.url,
        "email": terms.email,
        "status": WRITTEN_STATUS[offer.status],
        "eligibility_description": terms.eligibility_note,
        "minimum_age": terms.minimum_age,
        "maximum_age": terms.maximum_age,
        "last_modified": None if offer.room is None else _instant(offer.room.as_at),
        "phones": [{"id": id_of(offer.id, "phone"), "number": terms.phone}] if terms.phone else None,
        "service_areas": list(_areas(offer)) or None,
        "organization": _organisation(offer),
        "attributes": list(_attributes(offer)),
    }
    return {name: value for name, value in service.items() if value not in (None, "")}


def _organisation(offer: Candidate) -> dict[str, Any] | None:
    name = offer.organisation
    if not name:
        return None
    whose: dict[str, Any] = {"id": id_of("organisation", offer.org_id or name), "name": name, "description": name}
    if offer.org_id:
        identifier = {
            "id": id_of("organisation", offer.org_id, "id"),
            "identifier_scheme": SCHEME,
            "identifier_type": "Organisation id",
            "identifier": offer.org_id,
        }
        whose["organization_identifiers"] = [identifier]
    return whose


def _areas(offer: Candidate) -> Iterator[dict[str, Any]]:
    for code in offer.terms.areas:
        yield {
            "id": id_of(offer.id, "area", code),
            "name": BOROUGHS[code],
            "extent": code,
            "extent_type": "borough code",
        }
    if offer.terms.area_note:
        yield {"id": id_of(offer.id, "area"), "name": offer.terms.area_note}


def _attributes(offer: Candidate) -> Iterator[dict[str, Any]]:
    for taxonomy, code, value in _coded(offer.terms, offer.room):
        term = {
            "id": id_of(taxonomy, code),
            "code": code,
            "name": code,
            "description": code.replace("_", " ").lower(),
            "taxonomy": taxonomy,
        }
        yield {
            "id": id_of(offer.id, taxonomy, code),
            "link_id": str(offer.id),
            "link_entity": "service",
            "link_type": taxonomy,
            "value": value,
            "taxonomy_term_id": term["id"],
            "taxonomy_term": term,
        }


def _coded(terms: Terms, room: Room | None) -> Iterator[tuple[str, str, str]]:
    """Taxonomy, code and value of everything that Open Referral has no field for."""
    for name, taxonomy in LISTS.items():
        for code in getattr(terms, name):
            yield taxonomy, str(code), str(code)
    for name, taxonomy in NUMBERS.items():
        if (number := getattr(terms, name)) is not None:
            yield taxonomy, name, str(number)
    if room is not None:
        yield CAPACITY, str(room.capacity), str(room.capacity)
        yield AS_AT, "as_at", _instant(room.as_at)
        if room.wait_days is not None:
            yield WAIT_DAYS, "wait_days", str(room.wait_days)


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
