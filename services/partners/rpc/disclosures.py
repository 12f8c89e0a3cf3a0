"""The door to the gate's verdicts, and to how far a man's answers reach."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chassis.rpc import Form, calling, page, serves
from partners.projections.picture import queries as pictures
from partners.queries import disclosures as queries
from partners.rpc.shown import day, stamp
from throughcare.partners.v1 import agreements_pb2 as said
from throughcare.partners.v1.service_pb2_grpc import PartnerServiceServicer

if TYPE_CHECKING:
    import grpc

    from chassis.work import Works
    from partners.domain.disclosure import Disclosure

    Context = grpc.aio.ServicerContext[Any, Any]


def _disclosure(held: Disclosure) -> said.DisclosureSeen:
    bases = held.bases
    rests_on = {
        "isa_id": bases.isa_id,
        "regime": bases.regime,
        "recipient_regime": bases.recipient_regime,
        "lawful_basis": bases.lawful_basis,
        "confidentiality_basis": bases.confidentiality_basis,
        "basis_reference": bases.reference,
    } if bases else {}  # fmt: skip
    return said.DisclosureSeen(
        disclosure_id=str(held.id),
        person_id=str(held.person_id),
        case_id=str(held.case_id or ""),
        recipient=held.recipient,
        categories=held.categories,
        purpose=held.purpose,
        judged_at=stamp(held.judged_at),
        refusal_code=held.refusal_code,
        **rests_on,
    )


def _node(seen: queries.NodeReach) -> said.NodeReach:
    return said.NodeReach(
        node_id=seen.node_id,
        told_version=seen.told_version,
        applied_version=seen.applied_version,
        applied_at=stamp(seen.applied_at),
        fails_closed=seen.fails_closed,
    )


def _answer(seen: queries.Answer) -> said.ConsentReach:
    shares = seen.purpose == "SHARE"
    return said.ConsentReach(
        purpose=seen.purpose,
        programme_id="" if shares else seen.about,
        recipient=seen.about if shares else "",
        scope_codes=seen.scope_codes,
        state=seen.state,
        version=seen.version,
        since=stamp(seen.since),
        review_on=day(seen.review_on),
        nodes=map(_node, seen.nodes),
        in_force_everywhere_since=stamp(seen.everywhere_since),
    )


class DisclosureServicer(PartnerServiceServicer):
    """What is asked of the gate."""

    works: Works[Any]

    @serves(queries.list_disclosures)
    async def ListDisclosures(
        self, request: said.ListDisclosuresRequest, context: Context
    ) -> said.ListDisclosuresResponse:
        """ListDisclosures."""
        form, call = Form(request), calling(context, request)
        person_id = form.uuid_or_none("person_id")
        form.done()
        asked = page(request.page_size, request.page_token, filter=(person_id,), call=call)
        after = asked.after[0] if asked.after else None
        found = await self.works.ask(
            queries.list_disclosures, call, person_id=person_id, after=after, most=asked.size + 1
        )
        kept, following = asked.cut(found, lambda held: (held.id,))
        return said.ListDisclosuresResponse(disclosures=map(_disclosure, kept), next_page_token=following)

    @serves(pictures.get_picture, queries.get_consent_reach)
    async def GetConsentReach(
        self, request: said.GetConsentReachRequest, context: Context
    ) -> said.GetConsentReachResponse:
        """GetConsentReach: the picture says whether the caller may know of the case at all."""
        form = Form(request)
        case_id, typed = form.uuid_or_none("case_id"), request.case_reference or None
        if bool(request.case_id) == bool(typed):
            form.fault("case_id", "CONFLICTS_WITH(case_reference)" if typed else "REQUIRED")
        form.done()
        call = calling(context, request)
        seen, _ = await self.works.ask(pictures.get_picture, call, case_id=case_id, case_reference=typed)
        reach = await self.works.ask(queries.get_consent_reach, call, case_id=seen.case_id)
        return said.GetConsentReachResponse(
            person_id=str(reach.person_id),
            answers=map(_answer, reach.answers),
            access_lists=map(_node, reach.access_lists),
        )
