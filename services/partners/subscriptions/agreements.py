"""What the houses of other parties say of sharing agreements: their terms, and what their guardians did."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from chassis.aggregate import Fault, Invalid
from partners.commands import agreements as commands
from partners.domain.agreement.codes import (
    Article9,
    Article10,
    Category,
    ControllerRole,
    LawfulBasis,
    OtherBasis,
    Purpose,
    Regime,
    Statute,
)
from partners.domain.agreement.terms import Party, Terms
from partners.subscriptions.gate import GATE
from throughcare.partners.v1 import shares_pb2 as shared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from chassis.hearing import Heard
    from partners.storage import Work

T = TypeVar("T")


def _read(parse: Callable[[str], T], text: str, path: str) -> T:
    """A value of another house. What is of no list here, as from a newer release, is refused, never guessed."""
    try:
        return parse(text)
    except ValueError:
        raise Invalid(Fault(path, "UNKNOWN_CODE")) from None


def _all(parse: Callable[[str], T], texts: Iterable[str], path: str) -> tuple[T, ...]:
    return tuple(_read(parse, text, path) for text in texts)


def _isa(text: str) -> UUID:
    return _read(UUID, text, "isa_id")


def _parties(message: shared.SharedIsaProposed) -> Iterator[Party]:
    """The parties, whose members stand side by side; lists of another length are no terms."""
    columns = (
        tuple(message.parties),
        _all(ControllerRole, message.controller_roles, "controller_roles"),
        _all(Regime, message.regimes, "regimes"),
        _all(LawfulBasis, message.lawful_bases, "lawful_bases"),
        _all(Article9, message.article_9_conditions, "article_9_conditions"),
        _all(Article10, message.article_10_conditions, "article_10_conditions"),
        tuple(message.policy_documents),
    )
    if len({len(column) for column in columns}) > 1:
        raise Invalid(Fault("parties", "INVALID_FORMAT"))
    for org_id, role, regime, basis, article_9, article_10, document in zip(*columns, strict=True):
        yield Party(
            org_id=org_id,
            controller_role=role,
            regime=regime,
            lawful_basis=basis,
            article_9_condition=article_9,
            article_10_condition=article_10,
            policy_document=document,
        )


def _terms(message: shared.SharedIsaProposed) -> Terms:
    standing = message.standing_basis
    return Terms(
        parties=tuple(_parties(message)),
        recipients=tuple(message.recipients),
        purposes=_all(Purpose, message.purposes, "purposes"),
        categories=_all(Category, message.categories, "categories"),
        confidentiality_bases=_all(OtherBasis, message.confidentiality_bases, "confidentiality_bases"),
        statutes=_all(Statute, message.statutes, "statutes"),
        standing_basis=_read(OtherBasis, standing, "standing_basis") if standing else None,
        standing_reference=message.standing_reference,
        standing_recipients=tuple(message.standing_recipients),
        associates=tuple(message.associates),
        retention_days=message.retention_days,
        valid_from=_read(date.fromisoformat, message.valid_from, "valid_from"),
        valid_to=_read(date.fromisoformat, message.valid_to, "valid_to"),
        review_on=_read(date.fromisoformat, message.review_on, "review_on"),
    )


@GATE.command(shared.SharedIsaProposed)
async def isa_proposed(work: Work, heard: Heard[shared.SharedIsaProposed]) -> None:
    """It is kept here with the same terms, for our guardian to read."""
    message, node = heard.message, heard.envelope.source_node
    await commands.hear_proposed.inside(work, _isa(message.isa_id), _terms(message), message.terms_hash, node)


@GATE.command(shared.SharedIsaSigned)
async def isa_signed(work: Work, heard: Heard[shared.SharedIsaSigned]) -> None:
    """The guardian of another party has signed."""
    message, of = heard.message, heard.envelope
    await commands.hear_signed.inside(
        work,
        _isa(message.isa_id),
        message.party,
        terms_hash=message.terms_hash,
        node=of.source_node,
        at=of.occurred_at,
    )


@GATE.command(shared.SharedIsaSuspended)
async def isa_suspended(work: Work, heard: Heard[shared.SharedIsaSuspended]) -> None:
    """It rests, at once."""
    message, of = heard.message, heard.envelope
    await commands.hear_suspended.inside(work, _isa(message.isa_id), message.party, of.source_node, of.occurred_at)


@GATE.command(shared.SharedIsaResumed)
async def isa_resumed(work: Work, heard: Heard[shared.SharedIsaResumed]) -> None:
    """Another party lets it go on."""
    message, of = heard.message, heard.envelope
    await commands.hear_resumed.inside(work, _isa(message.isa_id), message.party, of.source_node, of.occurred_at)


@GATE.command(shared.SharedIsaEnded)
async def isa_ended(work: Work, heard: Heard[shared.SharedIsaEnded]) -> None:
    """It is over, at once."""
    message, of = heard.message, heard.envelope
    await commands.hear_ended.inside(work, _isa(message.isa_id), message.party, of.source_node, of.occurred_at)
