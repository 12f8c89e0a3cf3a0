"""What the houses of other parties say of sharing agreements: their terms, and what their guardians did."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING
from uuid import UUID

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
    from collections.abc import Iterator

    from chassis.hearing import Heard
    from partners.storage import Work


def _parties(message: shared.SharedIsaProposed) -> Iterator[Party]:
    """The parties, whose members stand side by side; lists of another length are no terms."""
    columns = (
        message.parties,
        message.controller_roles,
        message.regimes,
        message.lawful_bases,
        message.article_9_conditions,
        message.article_10_conditions,
        message.policy_documents,
    )
    for org_id, role, regime, basis, article_9, article_10, document in zip(*columns, strict=True):
        yield Party(
            org_id=org_id,
            controller_role=ControllerRole(role),
            regime=Regime(regime),
            lawful_basis=LawfulBasis(basis),
            article_9_condition=Article9(article_9),
            article_10_condition=Article10(article_10),
            policy_document=document,
        )


def _terms(message: shared.SharedIsaProposed) -> Terms:
    return Terms(
        parties=tuple(_parties(message)),
        recipients=tuple(message.recipients),
        purposes=tuple(map(Purpose, message.purposes)),
        categories=tuple(map(Category, message.categories)),
        confidentiality_bases=tuple(map(OtherBasis, message.confidentiality_bases)),
        statutes=tuple(map(Statute, message.statutes)),
        standing_basis=OtherBasis(message.standing_basis) if message.standing_basis else None,
        standing_reference=message.standing_reference,
        standing_recipients=tuple(message.standing_recipients),
        associates=tuple(message.associates),
        retention_days=message.retention_days,
        valid_from=date.fromisoformat(message.valid_from),
        valid_to=date.fromisoformat(message.valid_to),
        review_on=date.fromisoformat(message.review_on),
    )


@GATE.command(shared.SharedIsaProposed)
async def isa_proposed(work: Work, heard: Heard[shared.SharedIsaProposed]) -> None:
    """It is kept here with the same terms, for our guardian to read."""
    message, node = heard.message, heard.envelope.source_node
    await commands.hear_proposed.inside(work, UUID(message.isa_id), _terms(message), message.terms_hash, node)


@GATE.command(shared.SharedIsaSigned)
async def isa_signed(work: Work, heard: Heard[shared.SharedIsaSigned]) -> None:
    """The guardian of another party has signed."""
    message, of = heard.message, heard.envelope
    await commands.hear_signed.inside(
        work,
        UUID(message.isa_id),
        message.party,
        terms_hash=message.terms_hash,
        node=of.source_node,
        at=of.occurred_at,
    )


@GATE.command(shared.SharedIsaSuspended)
async def isa_suspended(work: Work, heard: Heard[shared.SharedIsaSuspended]) -> None:
    """It rests, at once."""
    message, of = heard.message, heard.envelope
    await commands.hear_suspended.inside(work, UUID(message.isa_id), message.party, of.source_node, of.occurred_at)


@GATE.command(shared.SharedIsaResumed)
async def isa_resumed(work: Work, heard: Heard[shared.SharedIsaResumed]) -> None:
    """Another party lets it go on."""
    message, of = heard.message, heard.envelope
    await commands.hear_resumed.inside(work, UUID(message.isa_id), message.party, of.source_node, of.occurred_at)


@GATE.command(shared.SharedIsaEnded)
async def isa_ended(work: Work, heard: Heard[shared.SharedIsaEnded]) -> None:
    """It is over, at once."""
    message, of = heard.message, heard.envelope
    await commands.hear_ended.inside(work, UUID(message.isa_id), message.party, of.source_node, of.occurred_at)
