"""Asking another house about a man it works with, for a user of this one: mutual TLS, a signed word for whom, one
minute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid4

import grpc

from chassis.aggregate import NotFound, Unmet
from chassis.rpc.assertion import METADATA, assertion
from chassis.shares import Signer
from partners.gateways.doors import Door, NoDoor, door_of, opened
from throughcare.details.v1 import service_pb2 as details
from throughcare.details.v1.service_pb2_grpc import DetailServiceStub

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from chassis.access import Actor
    from chassis.work import Works
    from partners.domain.handoff.codes import Category

_SECONDS: Final = 5.0
_NOTHING: Final = frozenset({grpc.StatusCode.NOT_FOUND, grpc.StatusCode.PERMISSION_DENIED})


class Unreached(Exception):  # noqa: N818 - an answer
    """The other house does not answer now."""


class OtherHouses:
    """The doors of other houses, each opened once."""

    def __init__(self, works: Works[Any]) -> None:
        self._works = works
        self._channels: dict[Door, grpc.aio.Channel] = {}

    async def detail(
        self, node: str, actor: Actor, detail_ref: str, categories: Sequence[Category], *, key: UUID | None
    ) -> details.GetDetailResponse:
        """What that house lets this user know now. Raises NotFound where it is nothing, Unmet where it is away."""
        request = details.GetDetailRequest(detail_ref=detail_ref, categories=[each.value for each in categories])
        try:
            answer: details.GetDetailResponse = await self._asked(node, actor, "GetDetail", request, key=key)
        except Unreached:
            raise Unmet(
                "house_unreachable", "The other house does not answer now. Try again later, or ring them."
            ) from None
        return answer

    async def names(self, node: str, actor: Actor, refs: Mapping[str, str]) -> dict[str, str]:
        """By id, how these people like to be called; `refs` are the references by id. Raises Unreached."""
        request = details.ListNamesRequest(detail_refs=list(refs.values()))
        try:
            answer = await self._asked(node, actor, "ListNames", request, key=None)
        except NotFound:
            return {}
        by_ref = {each.detail_ref: each.preferred_name for each in answer.names}
        return {id: by_ref[ref] for id, ref in refs.items() if ref in by_ref}

    async def _asked(self, node: str, actor: Actor, method: str, request: Any, *, key: UUID | None) -> Any:
        stub = DetailServiceStub(await self._channel(node))
        metadata = (
            ("purpose", actor.purpose.value),
            ("idempotency-key", str(key or uuid4())),
            (METADATA, await self._word(actor, node)),
        )
        try:
            return await getattr(stub, method)(request, timeout=_SECONDS, metadata=metadata)
        except grpc.aio.AioRpcError as fault:
            if fault.code() in _NOTHING:
                raise NotFound from fault
            raise Unreached from fault

    async def _word(self, actor: Actor, to: str) -> str:
        """For whom this house asks, signed, and for that house alone."""
        settings = self._works.settings
        if settings.node_key_file is None:
            raise Unmet("node_key_missing", "This house has no key to sign with, so others do not answer it.")
        async with self._works.database.connection() as conn:
            at = await conn.fetchval("select house_now()")
        return assertion(actor, Signer.load(settings.node_key_file), node=settings.node_id, to=to, at=at)

    async def _channel(self, node: str) -> grpc.aio.Channel:
        try:
            door = await door_of(self._works, node)
            if door not in self._channels:
                self._channels[door] = opened(self._works, door)
        except NoDoor as none:
            raise Unreached from none
        return self._channels[door]

    async def close(self) -> None:
        """Close what was opened."""
        for each in self._channels.values():
            await each.close(None)
