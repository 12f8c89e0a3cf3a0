"""What is asked of notices, the contact book and templates, filtered by who asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, Text, Uuid, and_, any_, bindparam, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY

from chassis.access import ACTOR_ID, ACTOR_ROLE, by, visible_to
from chassis.database import statement
from chassis.work import query
from notifications.domain.contact_book import Contact
from notifications.domain.notice import Notice
from notifications.domain.template import Template
from notifications.storage import CONTACTS, NOTICES, RECIPIENTS, STAFF, Work
from notifications.storage.tables import contact_table, notice_table, template_table

if TYPE_CHECKING:
    from chassis.repository import Repository

_MOST = bindparam("most", type_=BigInteger)
_STATES = bindparam("states", type_=ARRAY(Text))
_CASE = bindparam("case_id", type_=Uuid)
_OPEN_ALONE = bindparam("unacknowledged", type_=Boolean)
_AFTER = bindparam("after", type_=Uuid)
_NAME = bindparam("name", type_=Text)
_ROLE = bindparam("role", type_=Text)
_AFTER_TEXT, _AFTER_OTHER = bindparam("after_text", type_=Text), bindparam("after_other", type_=Text)
_AFTER_NUMBER = bindparam("after_number", type_=BigInteger)


def _any_of(column: Any) -> Any:
    return or_(func.cardinality(_STATES) == 0, column == any_(_STATES))


_N = notice_table.c
LIST_NOTICES = statement(
    select(notice_table)
    .where(visible_to(NOTICES), _any_of(_N.status))
    .where(or_(_CASE.is_(None), _N.case_id == _CASE))
    .where(or_(~_OPEN_ALONE, and_(_N.ack_wanted, _N.status.in_(["SENT", "DELIVERED"]))))
    .where(or_(_AFTER.is_(None), _N.id < _AFTER))
    .order_by(_N.id.desc())
    .limit(_MOST)
)
_C = contact_table.c
_KEEPS_OR_OWN = or_(ACTOR_ROLE.in_(["SM", "PA"]), _C.ref == ACTOR_ID)
LIST_CONTACTS = statement(
    select(contact_table, _KEEPS_OR_OWN.label("addressed"))
    .where(visible_to(CONTACTS), or_(_ROLE.is_(None), _C.roles.has_key(_ROLE)))
    .where(or_(_AFTER_TEXT.is_(None), tuple_(_C.kind, _C.ref) > tuple_(_AFTER_TEXT, _AFTER_OTHER)))
    .order_by(_C.kind, _C.ref)
    .limit(_MOST)
)
_T = template_table.c
LIST_TEMPLATES = statement(
    select(template_table)
    .where(or_(_NAME.is_(None), _T.name == _NAME), _any_of(_T.status))
    .where(
        or_(
            _AFTER_TEXT.is_(None),
            _T.name > _AFTER_TEXT,
            and_(_T.name == _AFTER_TEXT, _T.number < _AFTER_NUMBER),
        )
    )
    .order_by(_T.name, _T.number.desc())
    .limit(_MOST)
)
__all__ = ["get_notice", "list_contacts", "list_notices", "list_templates"]


def _values(work: Work, repository: Repository[Any], rows: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(repository.value(row, work.keys, None) for row in rows)


@query("notice.get", by(f"SM, OPS, {RECIPIENTS}"))
async def get_notice(work: Work, notice_id: UUID) -> Notice:
    """One notice."""
    notice = await work.notices.get(notice_id)
    work.record = str(notice_id)
    return notice


@query("notice.list", by(f"SM, OPS, {RECIPIENTS}"))
async def list_notices(
    work: Work,
    *,
    states: Sequence[str] = (),
    case_id: UUID | None = None,
    unacknowledged: bool = False,
    after: UUID | None = None,
    most: int = 50,
) -> tuple[Notice, ...]:
    """The notices one may see, newest first."""
    given = {"states": list(states), "case_id": case_id, "unacknowledged": unacknowledged, "after": after}
    rows = await LIST_NOTICES.all(work.conn, **work.asking, **given, most=most)
    return _values(work, Work.notices, rows)


@query("contact.list", by(f"SM, PA, {STAFF}"))
async def list_contacts(
    work: Work, *, role: str | None = None, after: tuple[str, str] | None = None, most: int = 50
) -> tuple[tuple[Contact, bool], ...]:
    """The contact book, and for each entry whether its addresses may be seen."""
    kind, ref = after or (None, None)
    rows = await LIST_CONTACTS.all(work.conn, **work.asking, role=role, after_text=kind, after_other=ref, most=most)
    await work.keys.load(work.conn, {row["person_id"] for row in rows})
    return tuple((Work.contacts.value(row, work.keys, row["person_id"]), bool(row["addressed"])) for row in rows)


@query("template.list", by(f"SM, PA, {STAFF}"))
async def list_templates(
    work: Work,
    *,
    name: str | None = None,
    states: Sequence[str] = (),
    after: tuple[str, int] | None = None,
    most: int = 50,
) -> tuple[Template, ...]:
    """The versions of the templates, by name, the newest first."""
    after_name, after_number = after or (None, None)
    rows = await LIST_TEMPLATES.all(
        work.conn, name=name, states=list(states), after_text=after_name, after_number=after_number, most=most
    )
    return _values(work, Work.templates, rows)
