"""What the casework service remembers of what others told it: plain values in, rows out, the newest winning."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from casework.storage import (
    access_list_table,
    consents_table,
    forecast_case_table,
    forecast_state_table,
    person_flags_table,
    practitioner_table,
    programme_media_table,
    programmes_table,
    safe_contact_table,
)
from casework.storage.appointments import onward_state_table, onward_table
from casework.storage.metadata import AGREEMENTS, MERGED
from chassis.access import merged_row
from chassis.projection import Row


def consent(
    *,
    person_id: UUID,
    purpose: str,
    programme_id: str,
    recipient: str,
    scope_codes: Sequence[str],
    state: str,
    version: int,
    review_on: date | None,
    seq: int,
) -> Iterable[Row]:
    """What he has agreed to, each purpose by itself."""
    values = {
        "person_id": person_id,
        "purpose": purpose,
        "programme_id": programme_id,
        "recipient": recipient,
        "scope": " ".join(sorted(scope_codes)),
        "state": state,
        "version": version,
        "review_on": review_on,
        "seq": seq,
    }
    yield Row(consents_table, values)


def access_list(*, person_id: UUID, listed: str, entries: Sequence[str], version: int, seq: int) -> Iterable[Row]:
    """Who may or may not know of him."""
    values = {
        "person_id": person_id,
        "list": listed,
        "entries": sorted(entries),
        "version": version,
        "seq": seq,
    }
    yield Row(access_list_table, values)


def programme(
    *,
    programme_id: UUID,
    version: int,
    code: str,
    valid_from: date,
    planned_months: int,
    cap_months: int,
    counted_pauses: bool,
    seq: int,
) -> Iterable[Row]:
    """The lengths of a programme, in one version."""
    values = {
        "programme_id": programme_id,
        "version": version,
        "code": code,
        "valid_from": valid_from,
        "planned_months": planned_months,
        "cap_months": cap_months,
        "counted_pauses": counted_pauses,
        "seq": seq,
    }
    yield Row(programmes_table, values)


def delivery_mode(*, programme_id: UUID, quadrant: str, valid_from: date, mode: str, seq: int) -> Iterable[Row]:
    """How a programme is delivered in a quadrant from a day on."""
    values = {
        "programme_id": programme_id,
        "quadrant": quadrant,
        "valid_from": valid_from,
        "mode": mode,
        "seq": seq,
    }
    yield Row(programme_media_table, values)


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
    """How he can be reached safely."""
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
    yield Row(safe_contact_table, values)


def person_flags(*, person_id: UUID, deceased: bool, version: int, seq: int) -> Iterable[Row]:
    """Whether he has died."""
    yield Row(person_flags_table, {"person_id": person_id, "deceased": deceased, "version": version, "seq": seq})


def merged(*, old_id: UUID, into_id: UUID | None, version: int) -> Iterable[Row]:
    """Of which man a record is: of the one who goes on by another, or of its own again."""
    yield Row(MERGED, merged_row(old_id=old_id, into_id=into_id, version=version))


def practitioner(
    *,
    case_id: UUID,
    kind: str,
    practitioner_ref: str,
    pdu_code: str,
    starts_on: date,
    ends_on: date | None,
    seq: int,
) -> Iterable[Row]:
    """Who the practitioner of a case is (`MAIN`), or covers for him (`COVER`), from a day on."""
    values = {
        "case_id": case_id,
        "kind": kind,
        "practitioner_ref": practitioner_ref,
        "pdu_code": pdu_code,
        "starts_on": starts_on,
        "ends_on": ends_on,
        "seq": seq,
    }
    yield Row(practitioner_table, values)


def expected(
    *, case_id: UUID, person_id: UUID, programme_id: UUID, kind: str, submitted_at: datetime, seq: int
) -> Iterable[Row]:
    """One case more for the programme."""
    values = {
        "case_id": case_id,
        "person_id": person_id,
        "programme_id": programme_id,
        "kind": kind,
        "submitted_at": submitted_at,
        "seq": seq,
    }
    yield Row(forecast_case_table, values)
    yield from decided(case_id=case_id, still_expected=True, seq=seq)


def decided(*, case_id: UUID, still_expected: bool, seq: int) -> Iterable[Row]:
    """Whether the case still waits for a decision."""
    yield Row(forecast_state_table, {"case_id": case_id, "expected": still_expected, "seq": seq})


def onward(*, handoff_id: UUID, case_id: UUID, kind: str, seq: int) -> Iterable[Row]:
    """A piece of work of this case was offered to another house."""
    yield Row(onward_table, {"handoff_id": handoff_id, "case_id": case_id, "kind": kind, "seq": seq})
    yield from onward_state(handoff_id=handoff_id, state="OFFERED", seq=seq)


def onward_state(*, handoff_id: UUID, state: str, seq: int) -> Iterable[Row]:
    """Where it stands."""
    yield Row(onward_state_table, {"handoff_id": handoff_id, "state": state, "seq": seq})


def agreement_signed(
    isa_id: str,
    *,
    parties: Iterable[str],
    recipients: Iterable[str],
    valid_from: date,
    valid_to: date,
    covers: Mapping[str, Any],
    seq: int,
) -> Row:
    """Between whom a sharing agreement is, from when to when, and what it covers."""
    between = {"parties": parties, "recipients": recipients}
    return Row(*AGREEMENTS.signed(isa_id, **between, valid_from=valid_from, valid_to=valid_to, covers=covers, seq=seq))


def agreement_stands(isa_id: str, *, in_force: bool, since: datetime, seq: int) -> Row:
    """Whether it is in force."""
    return Row(*AGREEMENTS.stands(isa_id, in_force=in_force, since=since, seq=seq))
