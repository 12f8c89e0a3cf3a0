"""What is asked of the gate: what it has let be known, and how far a man's answers reach."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import BigInteger, Uuid, bindparam, or_, select

from chassis.access import ACTOR_ORGANISATION, HOUSE, by, of_him, one_man, visible_to
from chassis.aggregate import NotFound
from chassis.database import statement
from chassis.work import query
from partners.domain.leave import LONGEST_SILENCE
from partners.storage import DISCLOSURES, Work, disclosure
from partners.storage.known import ANSWERS, PERSON_OF, SAME
from partners.storage.nodes import last_heard, node_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from asyncpg import Record

    from partners.domain.disclosure import Disclosure
    from partners.domain.holding import Holding

GUARDIANS = by("IG, SM")
REACH_READERS = by("SM, CP, IG, EW")
_AFTER = bindparam("after", type_=Uuid)
_PERSON = bindparam("person_id", type_=Uuid)
LIST = statement(
    select(disclosure)
    .where(
        visible_to(DISCLOSURES),
        # A guest sees what his own employer was told, and nothing that others were.
        or_(ACTOR_ORGANISATION == HOUSE, disclosure.c.recipient == ACTOR_ORGANISATION),
        or_(_PERSON.is_(None), of_him(SAME, disclosure.c.person_id, _PERSON)),
        or_(_AFTER.is_(None), disclosure.c.id < _AFTER),
    )
    .order_by(disclosure.c.id.desc())
    .limit(bindparam("most", type_=BigInteger))
)


@dataclass(frozen=True, kw_only=True)
class NodeReach:
    """How far one node has come; `fails_closed`: it is not heard, so it may no longer ask for anything."""

    node_id: str
    told_version: int
    applied_version: int
    applied_at: datetime | None
    fails_closed: bool

    @property
    def there(self) -> bool:
        """Whether it holds to what it was told."""
        return self.applied_version >= self.told_version


@dataclass(frozen=True, kw_only=True)
class Answer:
    """His answer to one question, and how far it reaches."""

    purpose: str
    about: str
    scope_codes: tuple[str, ...]
    state: str
    version: int
    since: datetime
    review_on: date | None
    nodes: tuple[NodeReach, ...]

    @property
    def everywhere_since(self) -> datetime | None:
        """Since when it is in force everywhere; None while a node is missing."""
        if not all(node.there for node in self.nodes):
            return None
        return max([self.since, *(node.applied_at for node in self.nodes if node.applied_at)])


@dataclass(frozen=True, kw_only=True)
class Reach:
    """All answers of one person, and how far the lists of who may know of him reach."""

    person_id: UUID
    answers: tuple[Answer, ...]
    access_lists: tuple[NodeReach, ...]


@query("disclosure.list", GUARDIANS)
async def list_disclosures(
    work: Work, person_id: UUID | None = None, after: UUID | None = None, most: int = 50
) -> tuple[Disclosure, ...]:
    """Verdicts of the gate, newest first, those before `after`."""
    rows = await LIST.all(work.conn, person_id=person_id, after=after, most=most, **work.asking)
    return tuple(Work.disclosures.value(row, work.keys, None) for row in rows)


@query("consent.reach", REACH_READERS)
async def get_consent_reach(work: Work, case_id: UUID) -> Reach:
    """His answers by purpose and recipient, under the record he goes on by. Whether the caller may know of the case is
    asked of the picture first."""
    person_id = await work.conn.fetchval(PERSON_OF, case_id)
    if person_id is None:
        raise NotFound
    work.record = str(case_id)
    man = await one_man(work.conn, person_id)
    held_of_him = await work.holdings.find(person_id=man.records)
    # Where a node holds two records of his, the one he goes on by says how far it has come.
    by_weight = sorted(held_of_him, key=lambda held: held.person_id == man.goes_by)
    holdings = {held.node_id: held for held in by_weight}
    heard = await last_heard(work.conn)
    silent = {node for node in holdings if node not in heard or heard[node] < work.now - LONGEST_SILENCE}
    rows = await ANSWERS.all(work.conn, person_id=man.goes_by)
    return Reach(
        person_id=person_id,
        answers=tuple([await _answer(work, row, holdings, silent) for row in rows]),
        access_lists=tuple(
            _reached(held, held.list_told, held.list_applied, held.list_applied_at, silent)
            for held in holdings.values()
            if held.list_told
        ),
    )


async def _answer(work: Work, row: Record, holdings: Mapping[str, Holding], silent: Iterable[str]) -> Answer:
    node = await node_of(work.conn, row["about"]) if row["purpose"] == "SHARE" else None
    held = holdings.get(node) if node else None
    told = held is not None and held.consent_told > 0
    nodes = (
        (_reached(held, held.consent_told, held.consent_applied, held.consent_applied_at, silent),)
        if held and told
        else ()
    )
    return Answer(
        purpose=row["purpose"],
        about=row["about"],
        scope_codes=tuple(row["scope_codes"]),
        state=row["state"],
        version=row["consent_version"],
        since=row["since"],
        review_on=row["review_on"],
        nodes=nodes,
    )


def _reached(held: Holding, told: int, applied: int, applied_at: datetime | None, silent: Iterable[str]) -> NodeReach:
    return NodeReach(
        node_id=held.node_id,
        told_version=told,
        applied_version=applied,
        applied_at=applied_at,
        fails_closed=held.node_id in silent,
    )
