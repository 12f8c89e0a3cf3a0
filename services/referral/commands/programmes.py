"""Dated rules of a programme: drafted by one service manager, brought into force by the same command of another."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from chassis.access import by
from chassis.aggregate import Exists, Fault, Invalid
from chassis.work import command
from referral.commands.looking import today
from referral.domain import policies
from referral.domain.fields import Reading
from referral.domain.identifiers import Wrong
from referral.domain.policies import Content, Policy, PolicyKind
from referral.domain.programme import Programme

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from referral.storage import Work

_MANAGERS = by("SM")


async def _drafted_or_published(
    work: Work,
    programme_id: UUID,
    draft_id: UUID | None,
    expected: int | None,
    *,
    kind: PolicyKind,
    read: Callable[[], Policy],
) -> dict[str, object]:
    """Draft rules, or bring the draft named into force."""
    programme = await work.programmes.get(programme_id, expected)
    if draft_id is not None:
        value = programme.publish(draft_id, kind, by=work.actor.id, at=work.now)
        return _answer(await work.programmes.put(value), programme_id, draft_id, "PUBLISHED")
    policy = read()
    version = await work.programmes.put(programme.draft(policy, at=work.now))
    return _answer(version, programme_id, policy.id, "DRAFT")


def _answer(version: int, programme_id: UUID, policy_id: UUID, state: str) -> dict[str, object]:
    return {"version": version, "programme_id": str(programme_id), "policy_id": str(policy_id), "state": state}


def _policy(work: Work, given: Mapping[str, object], read: Callable[[Reading], Content]) -> Policy:
    reading = Reading(given)
    start, end = policies.read_period(reading)
    content = read(reading)
    reading.done()
    return Policy(
        id=work.new_id(), valid_from=start or today(work), valid_to=end, content=content, drafted_by=work.actor.id
    )


@command("programme.publish", _MANAGERS)
async def publish_programme(
    work: Work,
    programme_id: UUID | None,
    draft_id: UUID | None,
    given: Mapping[str, object],
    expected: int | None,
) -> dict[str, object]:
    """Draft a new programme with its first terms, or bring such a draft into force."""
    if programme_id is not None and draft_id is not None:
        return await _drafted_or_published(
            work,
            programme_id,
            draft_id,
            expected,
            kind=PolicyKind.TERMS,
            read=lambda: _policy(work, given, policies.read_terms),
        )
    reading = Reading(given)
    code = reading.read("code", _code, required=True) or ""
    policies.read_terms(reading)
    policies.read_period(reading)
    reading.done()
    if await work.programmes.first(code=code) is not None:
        raise Exists("programme_exists", "There is a programme with this code.", reference=code)
    policy = _policy(work, given, policies.read_terms)
    programme = Programme(id=work.new_id(), code=code).draft(policy, at=work.now)
    return _answer(await work.programmes.put(programme), programme.id, policy.id, "DRAFT")


def _code(text: str) -> str:
    plain = text.upper()
    if not plain.replace("_", "").isalnum() or not plain.isascii() or len(plain) > 64:
        raise Wrong
    return plain


@command("programme.amend", _MANAGERS)
async def amend_programme(
    work: Work, programme_id: UUID, draft_id: UUID | None, given: Mapping[str, object], expected: int | None
) -> dict[str, object]:
    """New terms from a day on."""
    return await _drafted_or_published(
        work,
        programme_id,
        draft_id,
        expected,
        kind=PolicyKind.TERMS,
        read=lambda: _policy(work, given, policies.read_terms),
    )


@command("programme.set_commission", _MANAGERS)
async def set_commission(
    work: Work, programme_id: UUID, draft_id: UUID | None, given: Mapping[str, object], expected: int | None
) -> dict[str, object]:
    """The first commission."""
    return await _drafted_or_published(
        work,
        programme_id,
        draft_id,
        expected,
        kind=PolicyKind.COMMISSION,
        read=lambda: _policy(work, given, policies.read_commission),
    )


@command("programme.extend_commission", _MANAGERS)
async def extend_commission(
    work: Work, programme_id: UUID, draft_id: UUID | None, given: Mapping[str, object], expected: int | None
) -> dict[str, object]:
    """The next commission, from the day after the last one ends."""
    programme = await work.programmes.get(programme_id)
    if draft_id is None and not any(held.kind is PolicyKind.COMMISSION for held in programme.policies):
        raise Invalid(Fault("programme_id", "CONFLICTS_WITH(commission)"), reason="commission_gap")
    return await _drafted_or_published(
        work,
        programme_id,
        draft_id,
        expected,
        kind=PolicyKind.COMMISSION,
        read=lambda: _policy(work, given, policies.read_commission),
    )


@command("programme.set_area", _MANAGERS)
async def set_area(
    work: Work, programme_id: UUID, draft_id: UUID | None, given: Mapping[str, object], expected: int | None
) -> dict[str, object]:
    """The boroughs it serves."""
    return await _drafted_or_published(
        work,
        programme_id,
        draft_id,
        expected,
        kind=PolicyKind.AREA,
        read=lambda: _policy(work, given, policies.read_area),
    )


@command("programme.set_delivery_mode", _MANAGERS)
async def set_delivery_mode(
    work: Work, programme_id: UUID, draft_id: UUID | None, given: Mapping[str, object], expected: int | None
) -> dict[str, object]:
    """How people of a quadrant are met."""
    return await _drafted_or_published(
        work,
        programme_id,
        draft_id,
        expected,
        kind=PolicyKind.DELIVERY,
        read=lambda: _policy(work, given, policies.read_delivery),
    )


@command("programme.publish_eligibility_policy", _MANAGERS)
async def publish_eligibility_policy(
    work: Work, programme_id: UUID, draft_id: UUID | None, given: Mapping[str, object], expected: int | None
) -> dict[str, object]:
    """Whom it is for."""
    return await _drafted_or_published(
        work,
        programme_id,
        draft_id,
        expected,
        kind=PolicyKind.ELIGIBILITY,
        read=lambda: _policy(work, given, policies.read_eligibility),
    )


@command("programme.publish_priority_policy", _MANAGERS)
async def publish_priority_policy(
    work: Work, programme_id: UUID, draft_id: UUID | None, given: Mapping[str, object], expected: int | None
) -> dict[str, object]:
    """Who waits at the front."""
    return await _drafted_or_published(
        work,
        programme_id,
        draft_id,
        expected,
        kind=PolicyKind.PRIORITY,
        read=lambda: _policy(work, given, policies.read_priority),
    )


@command("programme.supersede", by("SYSTEM"))
async def supersede_policies(work: Work, programme_id: UUID) -> int:
    """Set aside what a newer version has taken the place of."""
    programme = await work.programmes.get(programme_id)
    return await work.programmes.put(programme.supersede(today(work), at=work.now))
