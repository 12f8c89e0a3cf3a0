"""Fact → registers, of what partners tells: handoffs on either side, other houses and links.

Left out on purpose: why somebody was not taken on or why it failed, what was shared, what came of the work.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from partners.projections.picture.heard import stamp
from partners.projections.picture.registers import Holder, Plain, Register, Slot

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from uuid import UUID

    from partners.projections.picture.registers import Told

RECEIVER: Final = "RECEIVER"
HANDED_OVER: Final = "HANDED_OVER"
SHARED: Final = "SHARED"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Of:
    """One handoff as one side holds it: a maker of its registers."""

    def __init__(self, told: Told, handoff_id: UUID, side: str, partner: str) -> None:
        self.told, self.id, self.side, self.partner = told, handoff_id, side, partner

    def says(self, slot: str, **value: Plain) -> Register:
        """A register of the handoff."""
        return Register(holder=Holder.HANDOFF, id=self.id, slot=slot, seq=self.told.version, value=value)

    def about(self) -> Register:
        """Whom it concerns, as of this fact: a link may change that."""
        of = self.told
        person, case = (str(of.person_id or ""), str(of.case_id or ""))
        return self.says(Slot.ABOUT, person_id=person, case_id=case, side=self.side, partner=self.partner)

    def stands(self, state: str, *, due_at: datetime | None = None, kept: bool = True) -> Iterator[Register]:
        """Where it stands from now on; what was late of it is late no more."""
        yield self.about()
        yield self.says(Slot.STANDING, state=state, since=stamp(self.told.at), due_at=stamp(due_at))
        if kept:
            yield self.says(Slot.LATE.of("L7"), since=None)

    def decided(self, state: str, *, due_at: datetime | None = None) -> Iterator[Register]:
        """The same; a request to have it back that crossed it is over."""
        yield from self.stands(state, due_at=due_at)
        yield self.says(Slot.REVOKING, asked=False, since=None, due_at=None)
        yield self.says(Slot.LATE.of("L22"), since=None)


def offered(of: Of, *, kind: str, aspects: Iterable[str], due_at: datetime | None) -> Iterator[Register]:
    """It was offered."""
    yield from of.stands("OFFERED", due_at=due_at)
    yield of.says(Slot.TERMS, kind=kind, aspects=tuple(sorted(aspects)))


def received(of: Of, *, kind: str, aspects: Iterable[str], due_at: datetime | None) -> Iterator[Register]:
    """The receiver has it. Where that is this house, somebody may become known here by it."""
    yield from of.stands("RECEIVED", due_at=due_at)
    yield of.says(Slot.TERMS, kind=kind, aspects=tuple(sorted(aspects)))
    if of.side == RECEIVER:
        yield from _became_known(of.told)


def _became_known(told: Told) -> Iterator[Register]:
    """A picture of whoever is known through a handoff alone, under his own id: there is no case of this house.

    Several handoffs of one person, in streams of their own, write the same: the newest instant wins.
    """
    if told.person_id is None:
        raise LookupError("a handoff names nobody")
    at, seq = stamp(told.at), (told.at - _EPOCH) // timedelta(microseconds=1)
    opened = {
        "person_id": str(told.person_id),
        "reference": "",
        "programme_id": "",
        "kind": HANDED_OVER,
        "submitted_at": at,
        "decision_due_at": at,
    }
    known = {"holder": Holder.CASE, "id": told.person_id, "seq": seq}
    yield Register(**known, slot=Slot.OPENED, value=opened)  # type: ignore[arg-type]  # plain keywords of its fields
    yield Register(**known, slot=Slot.STANDING, value={"state": SHARED, "since": at})  # type: ignore[arg-type]


def corrected(of: Of, *, kind: str, aspects: Iterable[str]) -> Iterator[Register]:
    """What it is about was said wrongly."""
    yield of.about()
    yield of.says(Slot.TERMS, kind=kind, aspects=tuple(sorted(aspects)))


def information_requested(of: Of, *, due_at: datetime | None) -> Iterator[Register]:
    """The receiver asks something first."""
    yield from of.stands("INFO_REQUESTED", due_at=due_at, kept=False)


def information_over(of: Of, *, due_at: datetime | None) -> Iterator[Register]:
    """It was answered, or is waited for no longer."""
    yield from of.stands("RECEIVED", due_at=due_at, kept=False)


def accepted(of: Of, *, due_at: datetime | None) -> Iterator[Register]:
    """The receiver takes it on."""
    yield from of.decided("ACCEPTED", due_at=due_at)


def waitlisted(of: Of) -> Iterator[Register]:
    """The receiver will."""
    yield from of.stands("WAITLISTED")


def started(of: Of) -> Iterator[Register]:
    """The receiver has made first contact."""
    yield from of.decided("IN_PROGRESS")


def contact_planned(of: Of, *, aspect: str, step: str, starts_at: datetime, ends_at: datetime) -> Iterator[Register]:
    """The receiver sees him then."""
    yield of.about()
    said = {"aspect": aspect, "step": step, "starts_at": stamp(starts_at), "ends_at": stamp(ends_at)}
    yield of.says(Slot.CONTACT, **said)


def busy(of: Of, *, starts_at: datetime, ends_at: datetime, off: bool) -> Iterator[Register]:
    """The other house says that he is busy then, or is not after all. The fact is of an aggregate of its own, so it
    says nothing of how the handoff stands."""
    hours = {"starts_at": stamp(starts_at), "ends_at": stamp(ends_at)}
    yield of.says(Slot.BUSY.of(of.told.aggregate_id), stands=not off, **hours)


def on_hold(of: Of, *, reason_group: str) -> Iterator[Register]:
    """It rests, where it was."""
    yield of.about()
    yield of.says(Slot.REST, rests=True, since=stamp(of.told.at), reason_group=reason_group)


def resumed(of: Of) -> Iterator[Register]:
    """It goes on where it was."""
    yield of.about()
    yield of.says(Slot.REST, rests=False, since=None, reason_group="")


def completed(of: Of, *, due_at: datetime | None) -> Iterator[Register]:
    """Done; the sender is to see the outcome."""
    yield from of.decided("COMPLETED", due_at=due_at)


def ended(of: Of, *, state: str) -> Iterator[Register]:
    """Declined, taken back, run out, failed, or done and seen: which, and nothing of why."""
    yield from of.decided(state)


def revoke_requested(of: Of, *, due_at: datetime | None) -> Iterator[Register]:
    """The sender asks for it back."""
    yield of.about()
    yield of.says(Slot.REVOKING, asked=True, since=stamp(of.told.at), due_at=stamp(due_at))


def purge_confirmed(of: Of) -> Iterator[Register]:
    """What came with it is deleted: whatever it was, it is open no more."""
    yield of.about()
    yield of.says(Slot.PURGED, at=stamp(of.told.at))
    yield of.says(Slot.LATE.of("L22"), since=None)


def late(of: Of, *, promise: str, due_at: datetime) -> Iterator[Register]:
    """A promise of one of the sides was not kept in time."""
    yield of.says(Slot.LATE.of(promise), since=stamp(due_at))


# Other houses, and who is whom.


def _of_node(told: Told, slot: Slot, **value: Plain) -> Register:
    return Register(holder=Holder.NODE, id=told.aggregate_id, slot=slot, seq=told.version, value=value)


def node_registered(told: Told, *, node_id: str, org_id: str) -> Iterator[Register]:
    """Whose house it is."""
    yield _of_node(told, Slot.NODE, node_id=node_id, org_id=org_id)


def node_unheard(told: Told, *, last_heard_at: datetime) -> Iterator[Register]:
    """It has not been heard since."""
    yield _of_node(told, Slot.HEARING, unheard_since=stamp(last_heard_at))


def node_suspended(told: Told) -> Iterator[Register]:
    """Nothing from it is applied since."""
    yield _of_node(told, Slot.HEARING, unheard_since=stamp(told.at))


def node_resumed(told: Told) -> Iterator[Register]:
    """It is heard again."""
    yield _of_node(told, Slot.HEARING, unheard_since=None)


def linked(told: Told, *, person_id: str, known_as: str, holds: bool) -> Iterator[Register]:
    """Somebody whom a partner's reference had brought is a person known here, or is not after all."""
    value: dict[str, Plain] = {"person_id": person_id, "known_as": known_as, "holds": holds}
    yield Register(holder=Holder.LINK, id=told.aggregate_id, slot=Slot.LINK, seq=told.version, value=value)
