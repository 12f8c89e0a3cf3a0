"""Registers → what several organisations do with one man: who delivers what, what is next, open, missing.

Pure, as of a moment: an appointment that is over is no next contact any more.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from partners.projections.picture.handoffs import RECEIVER
from partners.projections.picture.registers import Holder, Plain, Register, Registers, Slot

ONE_TO_ONE: Final = "ONE_TO_ONE"
ACCEPTED, IN_PROGRESS = "ACCEPTED", "IN_PROGRESS"
AT_WORK: Final = (ACCEPTED, IN_PROGRESS)
ENDS: Final = frozenset({"DECLINED", "REVOKED", "EXPIRED", "FAILED", "LOOP_CLOSED", "ENTERED_IN_ERROR"})
# What leaves nothing behind of whoever was known by it alone.
FORGOTTEN: Final = frozenset({"REVOKED", "EXPIRED", "ENTERED_IN_ERROR"})
Values = Mapping[str, Register]


@dataclass(frozen=True, kw_only=True)
class House:
    """Whose picture it is, and which organisation stands behind each of the other houses."""

    node: str
    organisation: str
    organisations: Mapping[str, str]

    def behind(self, node: str) -> str:
        """The organisation of a node; the node's own name where it is not registered."""
        return self.organisation if node == self.node else self.organisations.get(node, node)


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """Who delivers which service."""

    org_id: str
    aspect: str
    state: str
    since: datetime
    ends_on: date | None = None
    handoff_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class OpenHandoff:
    """A handoff that is not settled; the group is of a rest alone."""

    handoff_id: UUID
    side: str
    org_id: str
    kind: str
    aspects: tuple[str, ...]
    state: str
    since: datetime
    due_at: datetime | None = None
    reason_group: str = ""
    late_since: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class NextContact:
    """When an organisation sees him; without a service where the hour alone was told."""

    org_id: str
    starts_at: datetime
    ends_at: datetime
    aspect: str = ""
    step: str = ""


@dataclass(frozen=True, kw_only=True)
class Gap:
    """A need with nobody at work on it now, or with nobody after a day; who was asked and has not taken it on."""

    aspect: str
    needed_since: date
    after: date | None = None
    asked: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Clash:
    """Two organisations at one hour."""

    starts_at: datetime
    ends_at: datetime
    org_ids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Across:
    """All of it."""

    deliveries: tuple[Delivery, ...]
    handoffs: tuple[OpenHandoff, ...]
    contacts: tuple[NextContact, ...]
    gaps: tuple[Gap, ...]
    clashes: tuple[Clash, ...]


def moment(value: Plain) -> datetime:
    """An instant of a register that always has one."""
    return datetime.fromisoformat(str(value))


def _when(value: Plain) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) and value else None


def _value(held: Values, slot: str) -> Mapping[str, Plain]:
    return held[slot].value if slot in held else {}


def links(registers: Registers) -> dict[UUID, UUID]:
    """Who was taken for somebody new and is a person known here."""
    held = [slots[Slot.LINK].value for (holder, _), slots in registers.items() if holder is Holder.LINK]
    return {UUID(str(each["person_id"])): UUID(str(each["known_as"])) for each in held if each["holds"]}


def handoffs_of(registers: Registers, case_id: UUID, persons: Iterable[UUID]) -> Mapping[UUID, Values]:
    """The handoffs about this case, or about this person under any of his ids."""
    concerned = {str(person) for person in persons}
    found: dict[UUID, Values] = {}
    for (holder, id_), slots in registers.items():
        about = _value(slots, Slot.ABOUT) if holder is Holder.HANDOFF else {}
        if about and (about["case_id"] == str(case_id) or about["person_id"] in concerned):
            found[id_] = slots
    return found


def state_of(handoff: Values) -> str:
    """Where it stands: an end over a request to have it back, that over a rest, that over the step it is at."""
    state = str(_value(handoff, Slot.STANDING).get("state", ""))
    if state in ENDS or state == "COMPLETED":
        return state
    if Slot.PURGED in handoff:
        return "REVOKED"
    if _value(handoff, Slot.REVOKING).get("asked"):
        return "REVOKE_PENDING"
    return "ON_HOLD" if _value(handoff, Slot.REST).get("rests") else state


def forgotten(handoffs: Iterable[Values]) -> bool:
    """Whether nothing is left of what brought somebody here: taken back, never received in time, deleted."""
    return all(Slot.PURGED in held or _value(held, Slot.STANDING).get("state") in FORGOTTEN for held in handoffs)


def across(
    handoffs: Mapping[UUID, Values], case: Values, own: Delivery | None, *, house: House, at: datetime
) -> Across:
    """What several organisations do with him, as of a moment."""
    told = {id_: held for id_, held in handoffs.items() if {Slot.STANDING, Slot.TERMS, Slot.ABOUT} <= set(held)}
    deliveries = tuple(sorted([*_deliveries(told, house), *([own] if own else [])], key=_by_aspect))
    asked = tuple(sorted(_open(told, house), key=lambda each: (each.since, each.handoff_id)))
    contacts = tuple(sorted({each for each in _contacts(told, case, house) if each.ends_at > at}, key=_by_time))
    return Across(
        deliveries=deliveries,
        handoffs=asked,
        contacts=contacts,
        gaps=tuple(_gaps(case, deliveries, asked)),
        clashes=tuple(_clashes(contacts)),
    )


def _by_aspect(delivery: Delivery) -> tuple[str, str, str]:
    return delivery.aspect, delivery.org_id, str(delivery.handoff_id or "")


def _by_time(contact: NextContact) -> tuple[datetime, datetime, str, str, str]:
    return contact.starts_at, contact.ends_at, contact.org_id, contact.aspect, contact.step


def _terms(held: Values) -> tuple[str, ...]:
    aspects = _value(held, Slot.TERMS)["aspects"]
    return tuple(aspects) if isinstance(aspects, (tuple, list)) else ()


def _receiver(held: Values, house: House) -> str:
    about = _value(held, Slot.ABOUT)
    return house.organisation if about["side"] == RECEIVER else house.behind(str(about["partner"]))


def _deliveries(handoffs: Mapping[UUID, Values], house: House) -> Iterator[Delivery]:
    for id_, held in handoffs.items():
        if (state := state_of(held)) not in AT_WORK:
            continue
        since = moment(_value(held, Slot.STANDING)["since"])
        for aspect in _terms(held):
            org_id = _receiver(held, house)
            yield Delivery(org_id=org_id, aspect=aspect, state=state, since=since, handoff_id=id_)


def _open(handoffs: Mapping[UUID, Values], house: House) -> Iterator[OpenHandoff]:
    for id_, held in handoffs.items():
        state = state_of(held)
        if state in ENDS:
            continue
        about, rest = _value(held, Slot.ABOUT), _value(held, Slot.REST)
        over = {"ON_HOLD": Slot.REST, "REVOKE_PENDING": Slot.REVOKING}.get(state, Slot.STANDING)
        stands = _value(held, over)
        missed = [_when(each.value["since"]) for slot, each in held.items() if slot.startswith(f"{Slot.LATE}:")]
        yield OpenHandoff(
            handoff_id=id_,
            side=str(about["side"]),
            org_id=house.behind(str(about["partner"])),
            kind=str(_value(held, Slot.TERMS)["kind"]),
            aspects=_terms(held),
            state=state,
            since=moment(stands["since"]),
            due_at=_when(stands.get("due_at")),
            reason_group=str(rest["reason_group"]) if state == "ON_HOLD" else "",
            late_since=min((since for since in missed if since is not None), default=None),
        )


def _contacts(handoffs: Mapping[UUID, Values], case: Values, house: House) -> Iterator[NextContact]:
    for held in handoffs.values():
        # While it rests nobody is expected: the hour may have been given away.
        if Slot.CONTACT in held and state_of(held) not in {*ENDS, "COMPLETED", "ON_HOLD"}:
            contact = _value(held, Slot.CONTACT)
            starts_at, ends_at = _hour(contact)
            what = {"aspect": str(contact["aspect"]), "step": str(contact["step"])}
            yield NextContact(org_id=_receiver(held, house), starts_at=starts_at, ends_at=ends_at, **what)
    yield from _busy(handoffs, house)
    for slot, each in case.items():
        if slot.startswith(f"{Slot.APPOINTMENT}:") and each.value["stands"]:
            starts_at, ends_at = _hour(each.value)
            org_id, aspect = str(each.value["org_id"]), str(each.value["aspect"])
            yield NextContact(org_id=org_id, starts_at=starts_at, ends_at=ends_at, aspect=aspect)


def _busy(handoffs: Mapping[UUID, Values], house: House) -> Iterator[NextContact]:
    """Hours that another house told of other work, while it and this one are at work with him."""
    at_work = {str(_value(held, Slot.ABOUT)["partner"]) for held in handoffs.values() if state_of(held) in AT_WORK}
    for held in handoffs.values():
        partner = str(_value(held, Slot.ABOUT)["partner"])
        for slot, each in held.items():
            if partner in at_work and slot.startswith(f"{Slot.BUSY}:") and each.value["stands"]:
                starts_at, ends_at = _hour(each.value)
                yield NextContact(org_id=house.behind(partner), starts_at=starts_at, ends_at=ends_at)


def _hour(value: Mapping[str, Plain]) -> tuple[datetime, datetime]:
    return moment(value["starts_at"]), moment(value["ends_at"])


def _gaps(case: Values, deliveries: Iterable[Delivery], asked: Iterable[OpenHandoff]) -> Iterator[Gap]:
    """A recorded need with no organisation at work on it now, or none after the current one's end date (S34)."""
    for slot, held in sorted(case.items()):
        if not slot.startswith(f"{Slot.NEED}:") or not held.value["needed"]:
            continue
        aspect, since = str(held.value["aspect"]), date.fromisoformat(str(held.value["on"]))
        at_work = [each for each in deliveries if each.aspect == aspect]
        ends = [each.ends_on for each in at_work]
        after = None if None in ends else max((day for day in ends if day), default=None)
        if at_work and after is None:
            continue
        waiting = [
            each.org_id for each in asked if aspect in each.aspects and each.state not in (*AT_WORK, "COMPLETED")
        ]
        yield Gap(aspect=aspect, needed_since=since, after=after, asked=tuple(sorted(set(waiting))))


def _clashes(contacts: Iterable[NextContact]) -> Iterator[Clash]:
    """Each pair of organisations that want to see him at one hour."""
    for one, other in itertools.combinations(contacts, 2):
        starts_at, ends_at = max(one.starts_at, other.starts_at), min(one.ends_at, other.ends_at)
        if one.org_id != other.org_id and starts_at < ends_at:
            yield Clash(starts_at=starts_at, ends_at=ends_at, org_ids=tuple(sorted((one.org_id, other.org_id))))
