"""What the gate remembers of what its own house told: his answers, the lists, and which cases are open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chassis.access import merged_row
from chassis.projection import Row
from partners.storage.busy_slots import appointment_known
from partners.storage.known import access_list, case_known, consent_known, merged

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime
    from uuid import UUID


def answered(
    person_id: UUID,
    *,
    purpose: str,
    about: str,
    scope_codes: Iterable[str],
    state: str,
    version: int,
    review_on: date | None,
    since: datetime,
    seq: int,
) -> Row:
    """His newest answer to one question."""
    return Row(
        consent_known,
        {
            "person_id": person_id,
            "purpose": purpose,
            "about": about,
            "scope_codes": list(scope_codes),
            "state": state,
            "consent_version": version,
            "review_on": review_on,
            "since": since,
            "seq": seq,
        },
    )


def listed(person_id: UUID, *, which: str, entries: Iterable[str], version: int, seq: int) -> Row:
    """Who alone may know of him, or who may not."""
    held = {"list": which, "entries": list(entries), "version": version}
    return Row(access_list, {"person_id": person_id, **held, "seq": seq})


def joined(*, old_id: UUID, into_id: UUID | None, version: int) -> Row:
    """Of which man a record is: of the one who goes on by another, or of its own again."""
    return Row(merged, merged_row(old_id=old_id, into_id=into_id, version=version))


def case_stands(case_id: UUID, person_id: UUID, source: str, *, is_open: bool, since: datetime, seq: int) -> Row:
    """Whether a case is open, as that service says."""
    held = {"person_id": person_id, "open": is_open, "since": since, "seq": seq}
    return Row(case_known, {"case_id": case_id, "source": source, **held})


def appointed(
    appointment_id: UUID,
    *,
    person_id: UUID,
    case_id: UUID | None,
    org_id: str,
    starts_at: datetime,
    ends_at: datetime,
    stands: bool,
    seq: int,
) -> Row:
    """When a partner without a house sees him, and whether that stands."""
    held = {"person_id": person_id, "case_id": case_id, "org_id": org_id, "starts_at": starts_at, "ends_at": ends_at}
    return Row(appointment_known, {"appointment_id": appointment_id, **held, "stands": stands, "seq": seq})
