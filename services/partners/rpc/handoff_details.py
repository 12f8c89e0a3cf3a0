"""The door to what another house lets this one know: asked there when it is read here, and kept nowhere."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Any
from uuid import UUID

from chassis.rpc import Form, calling, serves
from partners.commands import details as commands
from partners.domain.handoff.codes import Category
from partners.gateways.details import snapshot_of
from partners.gateways.houses import Unreached
from throughcare.partners.v1 import handoffs_pb2 as said
from throughcare.partners.v1.service_pb2_grpc import PartnerServiceServicer

if TYPE_CHECKING:
    import grpc

    from chassis.access import Actor
    from chassis.work import Works
    from partners.gateways.details import Details
    from partners.gateways.houses import OtherHouses
    from throughcare.details.v1.service_pb2 import GetDetailResponse

    Context = grpc.aio.ServicerContext[Any, Any]


class HandoffDetailServicer(PartnerServiceServicer):
    """What is read of a man whom another house offers."""

    works: Works[Any]
    details: Details
    houses: OtherHouses

    @serves(commands.read_handoff_detail)
    async def ReadHandoffDetail(
        self, request: said.ReadHandoffDetailRequest, context: Context
    ) -> said.ReadHandoffDetailResponse:
        """ReadHandoffDetail."""
        form, call = Form(request), calling(context, request)
        handoff_id, categories = form.uuid("handoff_id"), form.codes("categories", Category)
        form.done()
        asked = await self.works.do(commands.read_handoff_detail, call, handoff_id=handoff_id, categories=categories)
        answer = await self.houses.detail(asked["node"], call.actor, asked["detail_ref"], categories, key=call.key)
        return said.ReadHandoffDetailResponse(
            detail=answer.detail,
            categories=answer.categories,
            written=answer.written,
            as_offered=_digest(answer) == asked["scope_hash"],
        )

    @serves(commands.get_handoff_names)
    async def GetHandoffNames(
        self, request: said.GetHandoffNamesRequest, context: Context
    ) -> said.GetHandoffNamesResponse:
        """GetHandoffNames."""
        form, call = Form(request), calling(context, request)
        handoff_ids = form.uuids("handoff_ids")
        form.done()
        found = await self.works.do(commands.get_handoff_names, call, handoff_ids=handoff_ids)
        named, unreached = await self._elsewhere(call.actor, found["asked"])
        people = {id: UUID(person_id) for id, person_id in found["own"].items()}
        ours = await self.details.names(list(dict.fromkeys(people.values())))
        named |= {id: ours[person] for id, person in people.items() if person in ours}
        listed = [str(each) for each in handoff_ids if str(each) in named]
        return said.GetHandoffNamesResponse(
            names=[said.HandoffName(handoff_id=id, preferred_name=named[id]) for id in listed], unreached=unreached
        )

    async def _elsewhere(self, actor: Actor, asked: dict[str, dict[str, str]]) -> tuple[dict[str, str], list[str]]:
        """One question to each house, all at once; which of them were away."""

        async def one(node: str) -> dict[str, str] | None:
            try:
                return await self.houses.names(node, actor, asked[node])
            except Unreached:
                return None

        nodes = sorted(asked)
        answers = await asyncio.gather(*(one(node) for node in nodes))
        named = {id: name for answer in answers if answer for id, name in answer.items()}
        return named, [node for node, answer in zip(nodes, answers, strict=True) if answer is None]


def _digest(answer: GetDetailResponse) -> str:
    """The digest of an answer, made as that of the offer was: only an answer in full can be the same."""
    return hashlib.sha256(snapshot_of(answer.detail).encode()).hexdigest()
