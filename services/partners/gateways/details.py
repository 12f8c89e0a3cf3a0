"""What the owners in this house hold of a person, asked of them when something of him is offered elsewhere."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Final, Protocol
from uuid import UUID, uuid4

import grpc
from google.protobuf.json_format import MessageToDict

from chassis.access import Purpose
from chassis.aggregate import Unmet
from chassis.rpc import channel
from throughcare.details.v1.service_pb2 import Detail, GetDetailRequest, GetDetailResponse, ListNamesRequest
from throughcare.details.v1.service_pb2_grpc import DetailServiceStub

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chassis.settings import ServiceSettings
    from partners.domain.handoff.codes import Category

OWNERS: Final = ("referral", "casework")
HANDOFF: Final = Purpose.HANDOFF.value
_SECONDS: Final = 5.0
# A person whom an owner does not know, and an owner that answers nothing of this kind, hold nothing.
_NOTHING: Final = frozenset({grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNIMPLEMENTED})


class Details(Protocol):
    """What may be read of a person now, by category."""

    async def snapshot(self, person_id: UUID, case_id: UUID | None, categories: Sequence[Category]) -> str:
        """In one form, so that the same detail has the same digest; empty where nothing is held.

        Raises Unmet("details_unavailable") where an owner cannot be asked: a part is never taken for the whole.
        """

    async def known(
        self, person_id: UUID, case_id: UUID | None, categories: Sequence[str], *, purpose: str = HANDOFF
    ) -> GetDetailResponse:
        """The same as one answer; raises as `snapshot` does. The owners write down what it is for."""

    async def names(self, person_ids: Sequence[UUID]) -> dict[UUID, str]:
        """How these people like to be called, as far as it is known here."""


def snapshot_of(detail: Detail) -> str:
    """In one form, whichever owner held what: whoever gets all of it makes the same digest of it."""
    held = MessageToDict(detail, preserving_proto_field_name=True)
    return json.dumps(held, sort_keys=True, separators=(",", ":"), ensure_ascii=False) if held else ""


class HouseDetails:
    """Asks `DetailService` of every owner this house runs, as the house itself."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings
        self._channels: dict[str, grpc.aio.Channel] = {}

    async def snapshot(self, person_id: UUID, case_id: UUID | None, categories: Sequence[Category]) -> str:
        """What they hold."""
        known = await self.known(person_id, case_id, [each.value for each in categories])
        return snapshot_of(known.detail)

    async def known(
        self, person_id: UUID, case_id: UUID | None, categories: Sequence[str], *, purpose: str = HANDOFF
    ) -> GetDetailResponse:
        """The same as one answer, each field from the owner that holds it."""
        request = GetDetailRequest(person_id=str(person_id), case_id=str(case_id or ""), categories=list(categories))
        answers = await asyncio.gather(
            *(self._asked(owner, request, purpose) for owner in OWNERS if owner in self._settings.peers)
        )
        merged = GetDetailResponse()
        for answer in filter(None, answers):
            merged.detail.MergeFrom(answer.detail)
            merged.categories.extend(answer.categories)
        return merged

    async def names(self, person_ids: Sequence[UUID]) -> dict[UUID, str]:
        """How these people like to be called; of a house without the owner of names nobody."""
        if not person_ids or OWNERS[0] not in self._settings.peers:
            return {}
        request = ListNamesRequest(person_ids=[str(each) for each in person_ids])
        stub, metadata = DetailServiceStub(self._opened(OWNERS[0])), self._metadata()
        try:
            answer = await stub.ListNames(request, timeout=_SECONDS, metadata=metadata)
        except grpc.aio.AioRpcError:
            return {}
        return {UUID(each.person_id): each.preferred_name for each in answer.names}

    def _metadata(self, purpose: str = HANDOFF) -> tuple[tuple[str, str], ...]:
        return (("purpose", purpose), ("idempotency-key", str(uuid4())))

    async def _asked(self, owner: str, request: GetDetailRequest, purpose: str) -> GetDetailResponse | None:
        stub = DetailServiceStub(self._opened(owner))
        try:
            return await stub.GetDetail(request, timeout=_SECONDS, metadata=self._metadata(purpose))
        except grpc.aio.AioRpcError as fault:
            if fault.code() in _NOTHING:
                return None
            raise Unmet(
                "details_unavailable", "What is known of him cannot be read now. Try again in a minute."
            ) from fault

    def _opened(self, owner: str) -> grpc.aio.Channel:
        if owner not in self._channels:
            self._channels[owner] = channel(self._settings, owner)
        return self._channels[owner]

    async def close(self) -> None:
        """Close what was opened."""
        for each in self._channels.values():
            await each.close(None)
