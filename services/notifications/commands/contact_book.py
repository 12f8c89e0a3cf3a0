"""How staff and teams are reached."""

from __future__ import annotations

from chassis.access import Role, by
from chassis.aggregate import Denied, Exists, NotFound
from chassis.work import command
from notifications.domain.codes import Kind
from notifications.domain.contact_book import Contact
from notifications.storage import OWN_STAFF, Work

_KEEP_THE_BOOK = frozenset({Role.SM, Role.PA})


@command("contact.set_staff", by(f"SM, PA, {OWN_STAFF}"))
async def set_staff_contact(
    work: Work,
    *,
    staff_ref: str,
    roles: tuple[str, ...],
    organisation: str,
    email: str,
    sms: str,
    has_left: bool,
    expected: int | None,
) -> int:
    """How a member of the staff is reached; his own addresses he sets himself, his roles others do."""
    keeps = work.actor.role in _KEEP_THE_BOOK
    if not keeps and (staff_ref != work.actor.id or has_left):
        raise Denied
    entry = await _entry(work, Kind.STAFF, staff_ref, expected)
    if not keeps and entry.version == 0:
        raise NotFound
    if not keeps and (set(roles), organisation or entry.organisation) != (set(entry.roles), entry.organisation):
        raise Denied
    return await _put(work, entry, roles=roles, organisation=organisation, email=email, sms=sms, has_left=has_left)


@command("contact.set_team", by("SM, PA"))
async def set_team_contact(
    work: Work,
    *,
    team_ref: str,
    role: str,
    email: str,
    sms: str,
    has_left: bool,
    expected: int | None,
) -> int:
    """How a team is reached; it stands for everybody of one role."""
    entry = await _entry(work, Kind.TEAM, team_ref, expected)
    return await _put(work, entry, roles=(role,), organisation="", email=email, sms=sms, has_left=has_left)


async def _entry(work: Work, kind: Kind, ref: str, expected: int | None) -> Contact:
    """The entry as it stands, or an empty one where there is none yet."""
    held = await work.contacts.first(kind=kind.value, ref=ref)
    if held is None:
        if expected:
            raise NotFound
        id_ = work.new_id()
        return Contact(id=id_, person_id=id_, kind=kind, ref=ref, organisation=work.settings.node_organisation)
    if expected is None:
        raise Exists("contact_exists", "It is in the book already: send the version that you have read.", reference=ref)
    return await work.contacts.get(held.id, expected)


async def _put(work: Work, entry: Contact, *, organisation: str, **given: object) -> int:
    changed = entry.set(organisation=organisation or entry.organisation, at=work.now, **given)  # type: ignore[arg-type]  # as the commands give them
    return await work.contacts.put(changed)
