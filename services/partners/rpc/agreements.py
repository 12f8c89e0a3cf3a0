"""The door to sharing agreements, the gate's verdicts, and how far a man's answers reach."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chassis.rpc import Form, calling, page, serves
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
    Status,
    Statute,
)
from partners.domain.agreement.terms import LONGEST_RETENTION, MOST_PARTIES, Party, Terms
from partners.queries import agreements as queries
from partners.rpc.shown import day, stamp
from throughcare.partners.v1 import agreements_pb2 as said
from throughcare.partners.v1.service_pb2_grpc import PartnerServiceServicer

if TYPE_CHECKING:
    import grpc

    from chassis.work import Command, Works
    from partners.domain.agreement.aggregate import Act, SharingAgreement

    Context = grpc.aio.ServicerContext[Any, Any]


def _party(form: Form) -> Party:
    return Party(
        org_id=form.opaque("org_id"),
        controller_role=form.code("controller_role", ControllerRole),
        regime=form.code("regime", Regime),
        lawful_basis=form.code("lawful_basis", LawfulBasis),
        article_9_condition=form.code("article_9_condition", Article9),
        article_10_condition=form.code("article_10_condition", Article10),
        policy_document=form.line("policy_document", limit=64),
    )


def _listed(form: Form, path: str, message: said.IsaTerms) -> tuple[str, ...]:
    """Organisations and groups; their shape is the domain's to judge."""
    found = tuple(getattr(message, path))
    if len(found) > MOST_PARTIES:
        form.fault(path, "OUT_OF_RANGE")
    return found[:MOST_PARTIES]


def _terms(form: Form, message: said.IsaTerms) -> Terms:
    return Terms(
        parties=tuple(_party(each) for each in form.each("parties", least=2, most=MOST_PARTIES)),
        recipients=_listed(form, "recipients", message),
        purposes=form.codes("purposes", Purpose),
        categories=form.codes("categories", Category),
        confidentiality_bases=form.codes("confidentiality_bases", OtherBasis),
        statutes=form.codes("statutes", Statute),
        standing_basis=form.code_or_none("standing_basis", OtherBasis),
        standing_reference=form.line("standing_reference", limit=64, required=False),
        standing_recipients=_listed(form, "standing_recipients", message),
        associates=_listed(form, "associates", message),
        retention_days=form.count("retention_days", least=1, most=LONGEST_RETENTION),
        valid_from=form.date("valid_from"),
        valid_to=form.date("valid_to"),
        review_on=form.date("review_on"),
    )


def _said_terms(terms: Terms) -> said.IsaTerms:
    return said.IsaTerms(
        parties=[
            said.IsaParty(
                org_id=party.org_id,
                controller_role=party.controller_role,
                regime=party.regime,
                lawful_basis=party.lawful_basis,
                article_9_condition=party.article_9_condition,
                article_10_condition=party.article_10_condition,
                policy_document=party.policy_document,
            )
            for party in terms.parties
        ],
        recipients=terms.recipients,
        purposes=terms.purposes,
        categories=terms.categories,
        confidentiality_bases=terms.confidentiality_bases,
        statutes=terms.statutes,
        standing_basis=terms.standing_basis or "",
        standing_reference=terms.standing_reference,
        standing_recipients=terms.standing_recipients,
        associates=terms.associates,
        retention_days=terms.retention_days,
        valid_from=day(terms.valid_from),
        valid_to=day(terms.valid_to),
        review_on=day(terms.review_on),
    )


def _act(act: Act) -> said.IsaAct:
    return said.IsaAct(party=act.party, at=stamp(act.at))


def _isa(held: SharingAgreement) -> said.Isa:
    since = held.suspended_at
    resting = since if held.status is Status.SUSPENDED else None
    return said.Isa(
        isa_id=held.isa_id,
        state=held.status,
        terms=_said_terms(held.terms),
        terms_hash=held.terms_hash,
        proposed_by=held.proposed_by,
        signed=map(_act, held.signed),
        suspended_at=stamp(resting),
        resumed=[_act(act) for act in held.resumed if resting is not None and act.at > resting],
        ended_at=stamp(held.ended_at),
        version=held.version,
    )


class AgreementServicer(PartnerServiceServicer):
    """What is asked of and about sharing agreements."""

    works: Works[Any]

    @serves(commands.draft_isa)
    async def DraftIsa(self, request: said.DraftIsaRequest, context: Context) -> said.DraftIsaResponse:
        """DraftIsa."""
        form = Form(request)
        terms = _terms(form.part("terms"), request.terms)
        form.done()
        answer = await self.works.do(commands.draft_isa, calling(context, request), terms=terms)
        return said.DraftIsaResponse(**answer)

    @serves(commands.activate_isa)
    async def ActivateIsa(self, request: said.ActivateIsaRequest, context: Context) -> said.ActivateIsaResponse:
        """ActivateIsa."""
        form = Form(request)
        given = {
            "isa_id": form.uuid("isa_id"),
            "terms_hash": form.line("terms_hash", limit=64),
            "expected": form.version(),
        }
        form.done()
        answer = await self.works.do(commands.activate_isa, calling(context, request), **given)
        return said.ActivateIsaResponse(**answer)

    async def _change(self, command: Command, request: Any, context: Context) -> dict[str, Any]:
        """Every other act of a guardian names the agreement and the version he has read."""
        form = Form(request)
        given = {"isa_id": form.uuid("isa_id"), "expected": form.version()}
        form.done()
        answer: dict[str, Any] = await self.works.do(command, calling(context, request), **given)
        return answer

    @serves(commands.suspend_isa)
    async def SuspendIsa(self, request: said.SuspendIsaRequest, context: Context) -> said.SuspendIsaResponse:
        """SuspendIsa."""
        return said.SuspendIsaResponse(**await self._change(commands.suspend_isa, request, context))

    @serves(commands.resume_isa)
    async def ResumeIsa(self, request: said.ResumeIsaRequest, context: Context) -> said.ResumeIsaResponse:
        """ResumeIsa."""
        return said.ResumeIsaResponse(**await self._change(commands.resume_isa, request, context))

    @serves(commands.end_isa)
    async def EndIsa(self, request: said.EndIsaRequest, context: Context) -> said.EndIsaResponse:
        """EndIsa."""
        return said.EndIsaResponse(**await self._change(commands.end_isa, request, context))

    @serves(queries.get_isa)
    async def GetIsa(self, request: said.GetIsaRequest, context: Context) -> said.GetIsaResponse:
        """GetIsa."""
        form = Form(request)
        isa_id = form.uuid("isa_id")
        form.done()
        held = await self.works.ask(queries.get_isa, calling(context, request), isa_id=isa_id)
        return said.GetIsaResponse(isa=_isa(held))

    @serves(queries.list_isas)
    async def ListIsas(self, request: said.ListIsasRequest, context: Context) -> said.ListIsasResponse:
        """ListIsas."""
        form, call = Form(request), calling(context, request)
        states = form.codes("states", Status)
        form.done()
        asked = page(request.page_size, request.page_token, filter=tuple(sorted(states)), call=call)
        after = asked.after[0] if asked.after else None
        found = await self.works.ask(queries.list_isas, call, states=states, after=after, most=asked.size + 1)
        kept, following = asked.cut(found, lambda held: (held.id,))
        return said.ListIsasResponse(isas=map(_isa, kept), next_page_token=following)
