"""Handoffs and links as answers hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from partners.domain.handoff.codes import Kind, Side
from partners.domain.handoff.states import ENDS, Contact, Correction, Status, Written
from partners.rpc.shown import stamp
from throughcare.partners.v1 import handoffs_pb2 as said

if TYPE_CHECKING:
    from asyncpg import Record

    from partners.domain.link import SubjectLink
    from partners.queries.handoffs import HandoffSeen, Listed

_CONTACT = TypeAdapter(Contact)
_WORDS = (
    "side", "partner", "partner_org", "person_id", "case_id", "kind", "offer_id", "scope_hash", "origin", "stage",
    "reason_group", "outcome", "worker", "detail_ref",
)  # fmt: skip
_INSTANTS = (
    "offered_at", "expires_at", "received_at", "accepted_at", "started_at", "ended_at", "loop_closed_at", "due_at",
)  # fmt: skip
# Nobody is expected while it rests, or once it has ended.
_RESTING = {Status.ON_HOLD.value, *(each.value for each in ENDS)}
_BASES = ("regime", "lawful_basis", "confidentiality_basis", "isa_id")


def shown_handoff(seen: HandoffSeen) -> said.Handoff:
    """One handoff as far as it may be seen."""
    held = seen.handoff
    words: dict[str, Any] = {name: str(getattr(held, name) or "") for name in _WORDS}
    words |= {name: str(getattr(held.grounds, name)) for name in _BASES}
    words |= {name: stamp(getattr(held, name)) for name in _INSTANTS}
    return said.Handoff(
        handoff_id=str(held.id),
        state=held.status,
        aspect_codes=list(held.aspects),
        categories=list(held.categories),
        responsible=held.responsible,
        overdue=held.due_at is not None and held.due_at <= seen.at,
        next_contact=_contact(held.contact_shown),
        version=held.version,
        **words,
    )


def listed_handoff(row: Record, listed: Listed) -> said.Handoff:
    """A handoff in a list."""
    moved = row["kind"] == Kind.TRANSFER and row["started_at"] is not None
    words: dict[str, Any] = {name: str(row[name] or "") for name in _WORDS}
    words |= {name: str(row["grounds"][name]) for name in _BASES}
    words |= {name: stamp(row[name]) for name in _INSTANTS}
    if not listed.grouped:
        words["reason_group"] = ""
    contact = row["next_contact"] if row["status"] not in _RESTING else None
    return said.Handoff(
        handoff_id=str(row["id"]),
        state=row["status"],
        aspect_codes=row["aspects"],
        categories=row["categories"],
        responsible=Side.RECEIVER if moved else Side.SENDER,
        overdue=row["due_at"] is not None and row["due_at"] <= listed.at,
        next_contact=_contact(_CONTACT.validate_python(contact) if contact else None),
        version=row["version"],
        **words,
    )


def _contact(contact: Contact | None) -> said.HandoffContact | None:
    if contact is None:
        return None
    return said.HandoffContact(
        aspect_code=contact.aspect or "",
        step_code=contact.step or "",
        starts_at=stamp(contact.starts_at),
        ends_at=stamp(contact.ends_at),
    )


def shown_correction(correction: Correction | None) -> said.HandoffCorrection | None:
    """A correction that waits for a second person."""
    if correction is None:
        return None
    return said.HandoffCorrection(
        proposed_by=correction.proposed_by,
        reason=correction.reason,
        kind=correction.kind or "",
        aspect_codes=list(correction.aspects),
        outcome=correction.outcome or "",
    )


def shown_written(written: Written) -> said.HandoffWritten:
    """What one side has written."""
    return said.HandoffWritten(
        by=written.by,
        round=written.round,
        items=[said.HandoffQuestion(text=item) for item in written.items],
        detail_ref=written.detail_ref,
    )


def shown_link(link: SubjectLink) -> said.SubjectLink:
    """A link."""
    return said.SubjectLink(
        link_id=str(link.id),
        sender_node=link.sender_node,
        subject_ref=link.subject_ref,
        person_id=str(link.person_id),
        made_person_id=str(link.minted_id),
        state=link.status,
        version=link.version,
    )
