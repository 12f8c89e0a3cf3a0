"""What a heard fact leads to: what it answers is answered, what moves moves, and who must hear is told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from chassis.access import by, one_man
from chassis.promises import Drop
from chassis.work import command
from notifications.commands.desk import Desk, first
from notifications.domain import answers
from notifications.domain.audience import MISSED, Fact, who_must_hear
from notifications.domain.codes import Kind, Suppression
from notifications.domain.notice import ARRIVED, WAITING, Notice, Status
from notifications.storage import KEPT, OPEN_CASES, Around, Work

if TYPE_CHECKING:
    from uuid import UUID

HOUSE = by("SYSTEM")
_NAMES_ITSELF = frozenset({"worker-named", "practitioner-changed"})


@command("notice.request", HOUSE)
async def request_notices(work: Work, fact: Fact) -> None:
    """Ask for the notices of a fact; of a person's fact, for each of his open cases."""
    told: set[tuple[str, str]] = set()
    await _answer(work, fact)
    for each in await _by_case(work, fact):
        around = await work.around(each.case_id, each.person_id)
        if each.name == "worker.cover_set":
            each = replace(each, worker_before=around.main_worker)  # noqa: PLW2901 - the message does not name him
        await _move(work, each, around)
        await _tell(work, each, around, told)


@command("notice.stop", HOUSE)
async def stop_notices(work: Work, person_id: UUID) -> None:
    """A death stops everything that has not left, under whichever record of his."""
    for each in (await one_man(work.conn, person_id)).records:
        for notice in await work.open_notices("person_id", each):
            if notice.status in WAITING:
                await work.notices.put(notice.suppress(Suppression.DECEASED, at=work.now))
            else:
                _stop_ladder(work, notice)


@command("notice.stop_joined", HOUSE)
async def stop_joined(work: Work, person_id: UUID) -> None:
    """Two records are of one man: where he has died, nothing more leaves under either."""
    if (await work.around(None, person_id)).deceased:
        await stop_notices.inside(work, person_id)


async def _by_case(work: Work, fact: Fact) -> list[Fact]:
    if fact.case_id is not None or fact.person_id is None:
        return [fact]
    rows = await work.conn.fetch(OPEN_CASES, fact.person_id, fact.programme_id)
    if not rows and not fact.only_with_a_case:
        return [fact]
    return [replace(fact, case_id=row["case_id"]) for row in rows]


async def _tell(work: Work, fact: Fact, around: Around, told: set[tuple[str, str]]) -> None:
    """Each recipient once, whatever the number of cases."""
    dated = await work.dated()
    tellings = who_must_hear(fact, rules=dated.rules, keepers=dated.keepers, circle=around.circle, day=work.today)
    if not tellings:
        return
    suppressed = await _needless(work, fact, around)
    desk, reference = Desk(work), fact.filling.get("reference") or around.reference
    for telling in tellings:
        if (intent := (telling.recipient.ref, telling.rule.template)) not in told:
            told.add(intent)
            await desk.ask_for(first(fact, telling, reference, suppressed))


async def _needless(work: Work, fact: Fact, around: Around) -> Suppression | None:
    """Why nobody is to be told, whoever he is."""
    if around.deceased:
        return Suppression.DECEASED
    if fact.name.endswith(MISSED) and fact.due_at is not None:
        people = (await one_man(work.conn, fact.person_id)).records if fact.person_id else ()
        subjects = [each for each in (fact.case_id, *people, fact.subject_id) if each is not None]
        if await work.conn.fetchval(KEPT, subjects, fact.about, fact.due_at):
            return Suppression.SUPERSEDED
    return None


async def _answer(work: Work, fact: Fact) -> None:
    """Open notices that this fact answers: those that have not left are superseded, the others acknowledged."""
    for table, column, key in (
        (answers.TO_THE_CASE, "case_id", fact.case_id),
        (answers.TO_THE_PERSON, "person_id", fact.person_id),
        (answers.TO_THE_SUBJECT, "subject_id", fact.subject_id),
    ):
        answer = table.get(fact.name)
        if answer is None or key is None:
            continue
        keys = (await one_man(work.conn, key)).records if column == "person_id" else (key,)
        for notice in [notice for each in keys for notice in await work.open_notices(column, each)]:
            if answer.covers(template=notice.template, about=notice.about):
                await _settle(work, notice, by=fact.name)


async def _settle(work: Work, notice: Notice, *, by: str) -> None:
    if notice.status in WAITING:
        await work.notices.put(notice.suppress(Suppression.SUPERSEDED, at=work.now))
    elif notice.status in ARRIVED and notice.ack_wanted:
        await work.notices.put(notice.acknowledge(by=by, at=work.now))
    else:
        _stop_ladder(work, notice)


def _stop_ladder(work: Work, notice: Notice) -> None:
    work.change(Drop("LADDER"), aggregate_type="notice", aggregate_id=notice.id)


async def _move(work: Work, fact: Fact, around: Around) -> None:
    """Open notices of the case go over to whoever took it over, once his day has come."""
    circle = around.circle
    if fact.case_id is None:
        return
    taken_over = fact.worker and fact.worker_before and circle.worker == fact.worker != fact.worker_before
    renamed = fact.practitioner and circle.practitioner == fact.practitioner
    if not taken_over and not renamed:
        return
    for notice in await work.open_notices("case_id", fact.case_id):
        if taken_over and notice.recipient_kind is Kind.STAFF and notice.recipient_ref == fact.worker_before:
            await _hand_over(work, notice, fact.worker, fact.name)
        elif renamed and notice.recipient_kind is Kind.PRACTITIONER and notice.recipient_ref != fact.practitioner:
            await _hand_over(work, notice, fact.practitioner, fact.name)


async def _hand_over(work: Work, notice: Notice, to: str, by: str) -> None:
    """The old one ends; what was still to be done is asked for anew, in the new one's name."""
    unfinished = notice.status in WAITING or (notice.status in ARRIVED and notice.ack_wanted)
    await _settle(work, notice, by=by)
    if unfinished and notice.template not in _NAMES_ITSELF and not await _told_already(work, notice, to):
        await Desk(work).ask_again(_in_the_name_of(work, notice, to))


async def _told_already(work: Work, notice: Notice, to: str) -> bool:
    held = await work.notices.find(
        event_id=notice.event_id, recipient_ref=to, template=notice.template, rung=notice.rung
    )
    return bool(held)


def _in_the_name_of(work: Work, notice: Notice, to: str) -> Notice:
    at = max(notice.send_after, work.now)
    return replace(
        notice,
        id=work.new_id(),
        version=0,
        news=(),
        recipient_ref=to,
        chain=to if notice.chain == notice.recipient_ref else notice.chain,
        status=Status.REQUESTED,
        requested_at=work.now,
        anchor_at=at,
        send_after=at,
        use_by=max(notice.use_by, at + (notice.use_by - notice.requested_at)),
        template_version=0,
        reason="",
        attempts=0,
        tries=0,
        lease_until=None,
        letter=None,
    )
