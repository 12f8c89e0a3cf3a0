"""What the owners in this house hold of a person, asked of them when something of him is offered elsewhere."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final, Protocol
from uuid import uuid4

import grpc
from google.protobuf.json_format import MessageToDict

from chassis.access import Purpose
from chassis.aggregate import Unmet
from chassis.rpc import channel
from throughcare.details.v1.service_pb2 import GetDetailRequest
from throughcare.details.v1.service_pb2_grpc import DetailServiceStub

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from chassis.settings import ServiceSettings
    from partners.domain.handoff.codes import Category

OWNERS: Final = ("referral", "casework")
_SECONDS: Final = 5.0
# A person whom an owner does not know, and an owner that answers nothing of this kind, hold nothing.
_NOTHING: Final = frozenset({grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNIMPLEMENTED})


class Details(Protocol):
    """What may be read of a person now, by category."""

    async def snapshot(self, person_id: UUID, case_id: UUID | None, categories: Sequence[Category]) -> str:
        """In one form, so that the same detail has the same digest; empty where nothing is held.

        Raises Unmet("details_unavailable") where an owner cannot be asked: a part is never taken for the whole.
        """


class HouseDetails:
    """Asks `DetailService` of every owner this house runs, as the house itself, for the purpose HANDOFF."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings
        self._channels: dict[str, grpc.aio.Channel] = {}

    async def snapshot(self, person_id: UUID, case_id: UUID | None, categories: Sequence[Category]) -> str:
        """What they hold, by owner."""
        request = GetDetailRequest(
            person_id=str(person_id), case_id=str(case_id or ""), categories=[each.value for each in categories]
        )
        owners = [owner for owner in OWNERS if owner in self._settings.peers]
        answers = await asyncio.gather(*(self._of(owner, request) for owner in owners))
        found = {owner: answer for owner, answer in zip(owners, answers, strict=True) if answer}
        return json.dumps(found, sort_keys=True, separators=(",", ":"), ensure_ascii=False) if found else ""

    async def _of(self, owner: str, request: GetDetailRequest) -> dict[str, Any]:
        metadata = (("purpose", Purpose.HANDOFF.value), ("idempotency-key", str(uuid4())))
        stub = DetailServiceStub(self._opened(owner))
        try:
            answer = await stub.GetDetail(request, timeout=_SECONDS, metadata=metadata)
        except grpc.aio.AioRpcError as fault:
            if fault.code() in _NOTHING:
                return {}
            raise Unmet(
                "details_unavailable", "What is known of him cannot be read now. Try again in a minute."
            ) from fault
        return MessageToDict(answer.detail, preserving_proto_field_name=True)

    def _opened(self, owner: str) -> grpc.aio.Channel:
        if owner not in self._channels:
            self._channels[owner] = channel(self._settings, owner)
        return self._channels[owner]

    async def close(self) -> None:
        """Close what was opened."""
        for each in self._channels.values():
            await each.close(None)
