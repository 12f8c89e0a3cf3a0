"""Detail by reference between houses: judged at the moment of reading, and written down at both ends."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from chassis.access import Ground, by, system
from chassis.aggregate import NotFound, Unmet
from chassis.rpc.assertion import asserted
from chassis.work import command
from partners.commands import gate, leaves
from partners.commands.gate import Question
from partners.commands.handoffs import based
from partners.domain.handoff.codes import Category, Cause, Side
from partners.storage.nodes import must_be_believed, trust

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID

    from chassis.access import Actor
    from partners.commands.gate import Judged
    from partners.domain.handoff.aggregate import Handoff
    from partners.storage import Work

READERS: Final = by("PW own, EW own, CP, SM")
_NAME: Final = (Category.CONTACT_DETAILS,)


@contextmanager
def as_the_house(work: Work) -> Iterator[None]:
    """Look a record up for another house: whether that one may know of it is judged afterwards, not by a role here."""
    held, work.call = work.call, replace(work.call, actor=system(work.node))
    try:
        yield
    finally:
        work.call = held


async def _user(work: Work, authority: str, token: str) -> tuple[str, Actor]:
    """Which node asks, and for whom: from here on it is he who reads, in the audit and in what is told of it."""
    node = work.actor.id
    await must_be_believed(work.conn, node, authority)
    sender = (await trust(work.conn))[node]
    user = asserted(token, sender, node=node, to=work.node, at=work.now)
    work.call = replace(work.call, actor=user)
    return node, user


async def _meant(work: Work, node: str, detail_ref: str, user: Actor) -> Handoff:
    """The handoff behind a reference, for its other party alone; ended, unknown and another's look alike."""
    with as_the_house(work):
        found = await work.handoffs.first(detail_ref=detail_ref) if detail_ref else None
    if found is None or found.partner != node or found.partner_org != user.organisation or not found.open:
        raise NotFound
    return found


async def _judged(work: Work, handoff: Handoff, user: Actor, categories: Sequence[Category]) -> Judged | None:
    """What of it this user may know now. A house that received him speaks of its own questions on the same basis."""
    ground = Ground(basis=handoff.grounds.confidentiality_basis.value, reference=handoff.grounds.reference)
    with as_the_house(work):
        return await gate.sift(
            work,
            Question(
                person_id=handoff.person_id,
                recipient=handoff.partner_org,
                categories=tuple(each.value for each in handoff.categories if each in categories),
                purpose=user.purpose.value,
                basis=ground,
                case_id=handoff.case_id,
                detail_ref=handoff.detail_ref,
                related=True,
                staff=user.id,
            ),
        )


@command("detail.get", by("NODE"), kept=False)
async def get_detail(
    work: Work, *, detail_ref: str, categories: Sequence[Category], authority: str, token: str
) -> dict[str, Any]:
    """What another house may know behind a reference: whom to ask about it here, and what this house has written.

    What was refused is a fact of its own; where nothing is left, nothing is answered and the door does as for somebody
    unknown.
    """
    node, user = await _user(work, authority, token)
    handoff = await _meant(work, node, detail_ref, user)
    work.record = str(handoff.id)
    if handoff.side is Side.RECEIVER:
        if await _rests_on_something(work, handoff):
            return _answer(handoff, (), user)
    elif judged := await _judged(work, handoff, user, categories or handoff.categories):
        return _answer(handoff, judged.categories, user)
    work.outcome = "refused:not_found"
    return {}


async def _rests_on_something(work: Work, handoff: Handoff) -> bool:
    """Whether the house whose man he is may be answered what this one asks about him: while agreement, his word and
    the lists, as heard here, let anything of him be known between the two."""
    return Cause.BASIS not in handoff.own_holds and await based(work, handoff)


def _answer(handoff: Handoff, categories: Sequence[str], user: Actor) -> dict[str, Any]:
    return {
        "purpose": user.purpose.value,
        "person_id": str(handoff.person_id),
        "case_id": str(handoff.case_id or ""),
        "categories": list(categories),
        "scope_hash": handoff.scope_hash,
        "written": [{"round": each.round, "items": list(each.items)} for each in handoff.written],
    }


@command("name.list", by("NODE"), kept=False)
async def list_names(work: Work, *, detail_refs: Sequence[str], authority: str, token: str) -> dict[str, str]:
    """By reference, whose names another house may know; of the others nothing is said."""
    node, user = await _user(work, authority, token)
    found: dict[str, str] = {}
    for detail_ref in detail_refs:
        try:
            handoff = await _meant(work, node, detail_ref, user)
        except NotFound:
            continue
        if handoff.side is Side.SENDER and await _judged(work, handoff, user, _NAME) is not None:
            found[detail_ref] = str(handoff.person_id)
    work.record = ",".join(sorted(set(found.values())))
    return found


@command("handoff.read_detail", READERS, kept=False)
async def read_handoff_detail(work: Work, handoff_id: UUID, *, categories: Sequence[Category] = ()) -> dict[str, str]:
    """Which house is asked, and by which reference; that it was asked for whom is kept here, what it answers is not."""
    handoff = await work.handoffs.get(handoff_id)
    if not handoff.open or not handoff.detail_ref:
        raise Unmet("handoff_ended", "It has ended, and with it what might be read. Ask the other house.")
    await _may_be_asked(work, handoff, categories)
    work.record = str(handoff.id)
    return {"node": handoff.partner, "detail_ref": handoff.detail_ref, "scope_hash": handoff.scope_hash}


async def _may_be_asked(work: Work, handoff: Handoff, categories: Sequence[Category]) -> None:
    """The wall on this side, for what comes from the house whose man he is."""
    if handoff.side is Side.RECEIVER:
        basis, wanted = handoff.grounds.confidentiality_basis.value, [each.value for each in categories]
        await leaves.may_ask(work, handoff.partner, handoff.subject_ref, basis=basis, categories=wanted)


@command("handoff.get_names", READERS, kept=False)
async def get_handoff_names(work: Work, handoff_ids: Sequence[UUID]) -> dict[str, Any]:
    """Of a list of handoffs: which reference to ask of which house, and who is a man of this house."""
    asked: dict[str, dict[str, str]] = {}
    own: dict[str, str] = {}
    for handoff in await work.handoffs.find(id=tuple(handoff_ids)):
        if handoff.side is Side.SENDER:
            own[str(handoff.id)] = str(handoff.person_id)
        elif handoff.open and handoff.detail_ref and await _is_let(work, handoff):
            asked.setdefault(handoff.partner, {})[str(handoff.id)] = handoff.detail_ref
    work.record = ",".join(sorted([*own, *(id for refs in asked.values() for id in refs)]))
    return {"asked": asked, "own": own}


async def _is_let(work: Work, handoff: Handoff) -> bool:
    """Of a list the others are named all the same."""
    try:
        await _may_be_asked(work, handoff, _NAME)
    except Unmet:
        return False
    return True
