"""Who somebody is, by one identifier or by his record, and how he is reached."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Text, bindparam, select

from chassis.access import Category, Role, by, let_see, one_man, visible_to
from chassis.aggregate import Exhausted, Fault, Invalid, NotFound
from chassis.calendar import local_date
from chassis.database import statement
from chassis.work import query
from referral.domain.codes import Channel
from referral.domain.person import NO_CHANNELS, NO_DETAILS
from referral.domain.person_form import normalised
from referral.queries.letting import let_by_him
from referral.storage import AGREEMENTS, IDENTIFIERS, PEOPLE, PERSON

if TYPE_CHECKING:
    from uuid import UUID

    from referral.domain.person import Person
    from referral.storage import Work

_CONTACT = (Category.CONTACT_DETAILS.value,)
_PERSON_READERS = by("SM, CP, IG, PP own, PW own, EW own or proposed")
_FIND = {
    kind: statement(
        select(PERSON.c.id)
        .where(visible_to(PEOPLE), PERSON.c[f"{kind}_hash"] == bindparam("hashed", type_=Text))
        .order_by(PERSON.c.id)
    )
    for kind in IDENTIFIERS
}


@query("person.find", _PERSON_READERS)
async def find_person(work: Work, *, kind: str, value: str) -> str:
    """The person with this identifier, or empty: none, or none the caller may know of. 30 searches in 10 minutes."""
    kind = kind.strip().lower()
    stored = normalised(kind, value, today=local_date(work.now))
    await work.conn.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", f"person.find:{work.actor.id}")
    searched = await work.conn.fetchval(
        "select count(*) from audit where actor_ref = $1 and action = 'person.find' and outcome = 'read' and at > $2",
        work.actor.id,
        work.now - timedelta(minutes=10),
    )
    if searched >= work.settings.searches_in_ten_minutes:
        raise Exhausted("too_many_searches", "Wait ten minutes before you search again.", retry_after=600)
    hashed = work.keys.ring.fingerprint(kind, stored)
    held = await _FIND[kind].value(work.conn, hashed=hashed, **work.asking)
    found = str((await one_man(work.conn, held)).goes_by) if held else ""
    work.record = found
    return found


@query("person.get", _PERSON_READERS)
async def get_person(work: Work, *, person_id: UUID) -> dict[str, Any]:
    """Who he is and how to reach him; a partner sees no identifiers, a guest what his employer may know. Of a record
    that was joined to another, what stands there; of the one he goes on by, the identifiers of all."""
    person = await work.people.get(person_id)
    work.record = str(person.id)
    if not await let_see(work, AGREEMENTS, person.id, _CONTACT, await let_by_him(work, person.id)):
        blank = replace(person, details=NO_DETAILS, channels=NO_CHANNELS, safe_contact=None)
        return {"person": blank, "identifiers": {}, "access_list_version": 0}
    lists = await work.limits.first(person_id=person.id) if work.actor.role in {Role.SM, Role.IG} else None
    return {
        "person": person,
        "identifiers": {} if work.actor.role is Role.PW else await _identifiers(work, person),
        "access_list_version": lists.version if lists else 0,
    }


async def _identifiers(work: Work, person: Person) -> dict[str, str]:
    """What he is known by: all of it by the record he goes on by, by another what stands there."""
    records = () if person.merged_into else (await one_man(work.conn, person.id)).records
    others = await work.people.find(id=records) if len(records) > 1 else ()
    return person.with_identifiers_of(others).identifiers.given()


@query("contact.get", by("SYSTEM"))
async def get_contact(work: Work, *, case_id: UUID, recipient: str, channel: Channel) -> dict[str, str]:
    """How the person of a case, or its practitioner, is reached by a channel now; judged at each reading."""
    referral = await work.referrals.first(case_id=case_id)
    if referral is None:
        raise NotFound
    work.record = str(case_id)
    if recipient == "PERSON":
        person = await work.people.get((await one_man(work.conn, referral.person_id)).goes_by)
        return {"address": person.address_for(channel), "preferred_name": person.name}
    if recipient != "PRACTITIONER":
        raise Invalid(Fault("recipient", "UNKNOWN_CODE"))
    contact = await work.contacts.first(case_id=case_id)
    who = contact.on(local_date(work.now)) if contact else None
    address = {Channel.EMAIL: who.email, Channel.SMS: who.phone, Channel.PHONE: who.phone}.get(channel) if who else ""
    if who is None or not address:
        raise NotFound
    return {"address": address, "preferred_name": who.name}
