"""Asks the owner of a case, inside the house, how somebody is reached now. The answer is used once and not kept."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import grpc

from chassis.access import Purpose
from chassis.rpc import channel
from notifications.domain.codes import Failure, Kind
from notifications.domain.letter import Answer, Letter, Outcome
from throughcare.details.v1.service_pb2 import GetContactRequest
from throughcare.details.v1.service_pb2_grpc import DetailServiceStub

if TYPE_CHECKING:
    from chassis.settings import ServiceSettings

OWNER = "referral"
SECONDS = 5.0
_NOBODY = frozenset({grpc.StatusCode.NOT_FOUND, grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.INVALID_ARGUMENT})
_OURS = frozenset({grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.UNIMPLEMENTED})


class Details:
    """Asks `DetailService` of the referral service, for the purpose DELIVER_SUPPORT, as the house itself."""

    def __init__(self, settings: ServiceSettings, *, address: str = "") -> None:
        self._settings, self._address = settings, address
        self._channel: grpc.aio.Channel | None = None

    async def of(self, letter: Letter) -> str | Outcome:
        """The address, or why there is none: nothing has left, so every answer is certain."""
        if letter.case_id is None:
            return Outcome(answer=Answer.NEVER, reason=Failure.NO_ADDRESS)
        request = GetContactRequest(
            case_id=str(letter.case_id),
            recipient="PERSON" if letter.kind is Kind.PERSON else "PRACTITIONER",
            channel=letter.channel.value,
        )
        metadata = (("purpose", Purpose.DELIVER_SUPPORT.value), ("idempotency-key", str(uuid4())))
        try:
            found = await DetailServiceStub(self._opened()).GetContact(request, timeout=SECONDS, metadata=metadata)
        except grpc.aio.AioRpcError as error:
            return _failed(error.code())
        return found.address or Outcome(answer=Answer.NEVER, reason=Failure.NO_ADDRESS)

    async def close(self) -> None:
        """Close what was opened."""
        if self._channel is not None:
            await self._channel.close(None)

    def _opened(self) -> grpc.aio.Channel:
        if self._channel is None:
            self._channel = channel(self._settings, OWNER, address=self._address)
        return self._channel


def _failed(code: grpc.StatusCode) -> Outcome:
    if code in _NOBODY:
        return Outcome(answer=Answer.NEVER, reason=Failure.NO_ADDRESS)
    if code in _OURS:
        return Outcome(answer=Answer.BROKEN, reason=Failure.MISCONFIGURED)
    return Outcome(answer=Answer.NOT_NOW, reason=Failure.UNREACHABLE)
