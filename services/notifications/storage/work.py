"""Which aggregate lives in which table, who may see it, and what a work reads of the rows around it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from uuid import UUID

from sqlalchemy import and_, or_

import chassis.work
from chassis.access import ACTOR_ID, ACTOR_ROLE, Records, by, system
from chassis.calendar import local_date
from chassis.repository import Repository
from notifications.domain.audience import Entry
from notifications.domain.contact_book import Contact
from notifications.domain.lint import Pack
from notifications.domain.notice import OPEN, Notice
from notifications.domain.template import Template
from notifications.storage import reading
from notifications.storage.reading import LOCK_OPEN, Around, Dated
from notifications.storage.tables import SAME, access_list_table, contact_table, notice_table, template_table

# Whoever may be the recipient of a notice reads his own.
RECIPIENTS = "EW own, CP own, PP own, SPO own, PPU own, APS own, PS own, VOL own, CO own, PW own, PA own, IG own"
_OF_HIS_TEAM = and_(notice_table.c.recipient_kind == "TEAM", notice_table.c.recipient_role == ACTOR_ROLE)
NOTICES = Records(
    reads=by(f"SM, OPS, {RECIPIENTS}"),
    person=notice_table.c.person_id,
    own=or_(
        and_(notice_table.c.recipient_kind.in_(["STAFF", "PRACTITIONER"]), notice_table.c.recipient_ref == ACTOR_ID),
        _OF_HIS_TEAM,
    ),
    lists=access_list_table,
    heard=True,
    same=SAME,
)
STAFF = "EW, PS, VOL, CO, CP, PW, CG, CH, TR, IG, OPS"
OWN_STAFF = ", ".join(f"{role} own" for role in STAFF.split(", "))
CONTACTS = Records(reads=by(f"SM, PA, {STAFF}"), own=contact_table.c.ref == ACTOR_ID)


class Work(chassis.work.Work):
    """One unit of work of this service."""

    notices = Repository(Notice, notice_table, kind="notice", records=NOTICES)
    contacts = Repository(Contact, contact_table, kind="contact", records=CONTACTS, sealed=("email", "sms"))
    templates = Repository(Template, template_table, kind="template")

    async def open_notices(self, column: str, key: UUID) -> list[Notice]:
        """The open notices of a case, a person or a subject, locked: what a sender holds is waited for.

        Those that this work has asked for itself are among them; it looks for them only where there are any.
        """
        locked = await self.conn.fetch(LOCK_OPEN[column], key, list(OPEN))
        if not locked and key not in self.__dict__.get("_asked", ()):
            return []
        return await self.notices.find(**{column: key, "status": OPEN})

    async def ask_for(self, notice: Notice) -> None:
        """Put a notice that is new."""
        keys = {notice.case_id, notice.person_id, notice.subject_id} - {None}
        self.__dict__.setdefault("_asked", set()).update(keys)
        await self.notices.put(notice)

    @property
    def today(self) -> date:
        """The London day of this work."""
        return local_date(self.now)

    @contextmanager
    def as_the_house(self) -> Iterator[None]:
        """What follows is done by the house because of what the actor did: he need not see what it touches."""
        call, grants = self.call, self.grants
        self.call, self.grants = replace(call, actor=system(self.node)), None
        try:
            yield
        finally:
            self.call, self.grants = call, grants

    async def dated(self) -> Dated:
        """The dated rows, read once a work."""
        held: Dated | None = self.__dict__.get("_dated")
        if held is None:
            held = self.__dict__["_dated"] = await reading.dated(self.conn)
        return held

    async def book(self) -> tuple[Entry, ...]:
        """The contact book without its addresses, read once a work."""
        held: tuple[Entry, ...] | None = self.__dict__.get("_book")
        if held is None:
            held = self.__dict__["_book"] = await reading.book(self.conn)
        return held

    async def around(self, case_id: UUID | None, person_id: UUID | None) -> Around:
        """Who and what stands around a case, as last heard."""
        return await reading.around(
            self.conn, case_id=case_id, person_id=person_id, book=await self.book(), day=self.today, house=self.node
        )

    async def words(self) -> Pack:
        """The word list of this day."""
        return await reading.words(self.conn, self.today)
