"""Refusals on the wire: one status each with google.rpc details, and back again for those who call.

Never a value that was given, never a fault's text. A fault of infrastructure is UNAVAILABLE, any other INTERNAL
with a reference that finds it in the logs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import asyncpg
import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from grpc_status import rpc_status

from chassis.aggregate import Exists, Fault, Refused
from chassis.database import TRY_AGAIN, UNREACHABLE

if TYPE_CHECKING:
    from google.protobuf.message import Message

DOMAIN: Final = "throughcare"
CODES: Final = {
    "INV": grpc.StatusCode.INVALID_ARGUMENT,
    "PRE": grpc.StatusCode.FAILED_PRECONDITION,
    "DENY": grpc.StatusCode.PERMISSION_DENIED,
    "NF": grpc.StatusCode.NOT_FOUND,
    "DUP": grpc.StatusCode.ALREADY_EXISTS,
    "CONF": grpc.StatusCode.ABORTED,
    "EXH": grpc.StatusCode.RESOURCE_EXHAUSTED,
}
AWAY: Final = (*UNREACHABLE, *TRY_AGAIN, asyncpg.CannotConnectNowError)
_KINDS: Final = {code: kind for kind, code in CODES.items()}
_DETAILS: Final = "grpc-status-details-bin"
_AWAY_SENTENCE: Final = "The service cannot reach its database just now. Try again in a moment."
_FAULT_SENTENCE: Final = "Something went wrong on our side. Quote the reference to the service desk."
_RETRY_AFTER: Final = 1.0


@dataclass(frozen=True, kw_only=True)
class Said:
    """What the other side is told instead of an answer."""

    code: grpc.StatusCode
    kind: str
    reason: str
    sentence: str
    trailing: tuple[tuple[str, bytes], ...]


def said_of(error: Exception, correlation_id: str) -> Said:
    """A refusal, a fault of infrastructure or any other fault, as the caller may hear of it."""
    if isinstance(error, Refused):
        info = {"policy_version": error.policy_version, "correlation_id": correlation_id}
        if isinstance(error, Exists) and error.reference:
            info["reference"] = error.reference
        return _said(CODES[error.kind], error.reason, error.sentence or error.reason, info, error)
    info = {"policy_version": "", "correlation_id": correlation_id}
    if isinstance(error, AWAY):
        return _said(grpc.StatusCode.UNAVAILABLE, "unavailable", _AWAY_SENTENCE, info, None)
    return _said(grpc.StatusCode.INTERNAL, "internal", _FAULT_SENTENCE, info, None)


def _said(code: grpc.StatusCode, reason: str, sentence: str, info: dict[str, str], refused: Refused | None) -> Said:
    details: list[Message] = [ErrorInfo(reason=reason, domain=DOMAIN, metadata=info)]
    if refused is not None and refused.fields:
        details.append(BadRequest(field_violations=[_violation(fault) for fault in refused.fields]))
    after = refused.retry_after if refused is not None else None
    if code is grpc.StatusCode.UNAVAILABLE or (code is grpc.StatusCode.RESOURCE_EXHAUSTED and after is None):
        after = _RETRY_AFTER
    if after is not None:
        details.append(RetryInfo(retry_delay=Duration(seconds=int(after), nanos=int(after % 1 * 1e9))))
    status = Status(code=code.value[0], message=sentence, details=[_packed(detail) for detail in details])
    trailing = ((_DETAILS, status.SerializeToString(deterministic=True)),)
    return Said(code=code, kind=_KINDS.get(code, code.name), reason=reason, sentence=sentence, trailing=trailing)


def _violation(fault: Fault) -> BadRequest.FieldViolation:
    return BadRequest.FieldViolation(field=fault.path, description=fault.code, reason=fault.code)


def _packed(message: Message) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(message, deterministic=True)
    return packed


@dataclass(frozen=True, kw_only=True)
class Answered:
    """A refusal as its caller reads it: `kind` INV PRE DENY NF DUP CONF EXH, or the name of the status."""

    kind: str
    reason: str
    sentence: str
    fields: tuple[Fault, ...] = ()
    correlation_id: str = ""
    policy_version: str = ""
    reference: str = ""
    retry_after: float | None = None


def error_of(error: grpc.RpcError) -> Answered:
    """Read the refusal out of a failed call, for command lines and pages."""
    code: grpc.StatusCode = error.code()
    kind = _KINDS.get(code, code.name)
    status = rpc_status.from_call(error)  # type: ignore[arg-type]  # a failed call is both
    if status is None:
        return Answered(kind=kind, reason=code.name.lower(), sentence=error.details() or "")
    info, bad, retry = ErrorInfo(), BadRequest(), RetryInfo()
    for detail in status.details:
        for message in (info, bad, retry):
            if detail.Is(message.DESCRIPTOR):
                detail.Unpack(message)
    wait = retry.retry_delay
    return Answered(
        kind=kind,
        reason=info.reason or code.name.lower(),
        sentence=status.message,
        fields=tuple(Fault(each.field, each.description) for each in bad.field_violations),
        correlation_id=info.metadata.get("correlation_id", ""),
        policy_version=info.metadata.get("policy_version", ""),
        reference=info.metadata.get("reference", ""),
        retry_after=wait.seconds + wait.nanos / 1e9 if retry.HasField("retry_delay") else None,
    )
