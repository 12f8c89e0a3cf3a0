"""What the service remembers of what others told: plain values in, rows out, the newest winning."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from uuid import UUID

from chassis.access import merged_row
from chassis.projection import Row
from notifications.domain.answers import promises_kept
from notifications.storage.tables import (
    access_list_table,
    case_ends_table,
    case_people_table,
    cases_table,
    contact_consents_table,
    contacts_table,
    kept_promises_table,
    merged_table,
    person_flags_table,
)


def case_opened(*, case_id: UUID, person_id: UUID, reference: str, programme_id: str, seq: int) -> Iterable[Row]:
    """What the case is called, and whom it is about."""
    values = {
        "case_id": case_id,
        "person_id": person_id,
        "reference": reference,
        "programme_id": programme_id,
        "seq": seq,
    }
    yield Row(cases_table, values)


def case_ended(*, case_id: UUID, topic: str, ended: bool, seq: int) -> Iterable[Row]:
    """Whether one service says that its part of the case has ended."""
    yield Row(case_ends_table, {"case_id": case_id, "topic": topic, "ended": ended, "seq": seq})


def case_person(
    *,
    case_id: UUID,
    kind: str,
    ref: str,
    starts_on: date,
    seq: int,
    role: str = "",
    organisation: str = "",
    ends_on: date | None = None,
) -> Iterable[Row]:
    """Who stands in one relation to a case, from a day on."""
    values = {
        "case_id": case_id,
        "kind": kind,
        "starts_on": starts_on,
        "ref": ref,
        "role": role,
        "organisation": organisation,
        "ends_on": ends_on,
        "seq": seq,
    }
    yield Row(case_people_table, values)


def promises_answered(*, fact: str, subject_id: UUID, topic: str, at: datetime, seq: int) -> Iterable[Row]:
    """Which promises this fact kept, and when."""
    for promise in promises_kept(fact):
        values = {"subject_id": subject_id, "promise": promise, "topic": topic, "kept_at": at, "seq": seq}
        yield Row(kept_promises_table, values)


def safe_contact(
    *,
    person_id: UUID,
    channels: Sequence[str],
    days: Sequence[int],
    from_hour: int,
    to_hour: int,
    voicemail: bool,
    unnamed: bool,
    version: int,
    seq: int,
) -> Iterable[Row]:
    """How the man can be reached safely: flags, never an address."""
    values = {
        "person_id": person_id,
        "channels": sorted(channels),
        "days": sorted(days),
        "from_hour": from_hour,
        "to_hour": to_hour,
        "voicemail": voicemail,
        "unnamed": unnamed,
        "version": version,
        "seq": seq,
    }
    yield Row(contacts_table, values)


def person_flags(*, person_id: UUID, deceased: bool, version: int, seq: int) -> Iterable[Row]:
    """Whether he has died."""
    yield Row(person_flags_table, {"person_id": person_id, "deceased": deceased, "version": version, "seq": seq})


def merged(*, old_id: UUID, into_id: UUID | None, version: int) -> Iterable[Row]:
    """Of which man a record is: of the one who goes on by another, or of its own again."""
    yield Row(merged_table, merged_row(old_id=old_id, into_id=into_id, version=version))


def contact_consent(
    *, person_id: UUID, scope_codes: Sequence[str], state: str, version: int, seq: int
) -> Iterable[Row]:
    """By which channels he agreed to be written to, or not."""
    for scope in sorted(set(scope_codes)) or [""]:
        values = {"person_id": person_id, "scope": scope, "state": state, "version": version, "seq": seq}
        yield Row(contact_consents_table, values)


def access_list(*, person_id: UUID, listed: str, entries: Sequence[str], version: int, seq: int) -> Iterable[Row]:
    """Who may or may not know of him."""
    values = {"person_id": person_id, "list": listed, "entries": sorted(entries), "version": version, "seq": seq}
    yield Row(access_list_table, values)
