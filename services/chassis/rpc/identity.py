"""Who is calling: the name in his certificate, and whom he speaks for where that certificate may say so.

certificate in `may_assert`            the actor named in the metadata
a service of this house                itself, in the role SYSTEM; it may not name another
the partners service of another node   that node, in the role NODE, for methods declared for NODES alone
any other name, none, or more than one refused

Several authorities may be trusted, and each could issue any name. A name of this house counts only from the authority
that has issued this service's own certificate; which of them has issued a node's stands in the caller, to be compared
with what was registered of that node.
"""

from __future__ import annotations

import hashlib
import re
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar
from uuid import UUID, uuid4

from chassis.access import Actor, Call, Purpose, Role
from chassis.aggregate import Denied, Fault, Invalid
from chassis.certificates import Authorities, urn
from chassis.telemetry import current_traceparent

if TYPE_CHECKING:
    from collections.abc import Mapping

    import grpc
    from google.protobuf.message import Message

    from chassis.settings import ServiceSettings

E = TypeVar("E", Role, Purpose)
ASSERTED: Final = ("actor-id", "actor-role", "actor-organisation")
_OPAQUE = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_GATE = re.compile(r"urn:throughcare:([a-z0-9][a-z0-9-]{1,62}):partners")
_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(frozen=True, kw_only=True)
class Caller:
    """One request as the door established it."""

    name: str
    method: str
    actor: Actor
    correlation_id: UUID
    key: UUID | None
    traceparent: str
    page_key: bytes
    node: str = ""  # the other node, where its gate calls
    authority: str = ""  # and the digest of the authority's certificate that has issued its own


SERVING: ContextVar[Caller] = ContextVar("serving")


def calling(context: grpc.aio.ServicerContext[Message, Message], request: Message) -> Call:
    """The call of this request. The same key counts as the same request for one actor, method and body only."""
    caller = SERVING.get()
    digest = hashlib.sha256()
    for part in (caller.method, caller.actor.id, caller.actor.role.value, caller.actor.organisation):
        digest.update(part.encode() + b"\0")
    digest.update(request.SerializeToString(deterministic=True))
    return Call(
        actor=caller.actor,
        key=caller.key,
        fingerprint=digest.digest(),
        correlation_id=caller.correlation_id,
        traceparent=current_traceparent() or caller.traceparent,
    )


def calling_node() -> tuple[str, str]:
    """Which other node's gate is calling, and the digest of the authority that has issued its certificate."""
    caller = SERVING.get()
    return caller.node, caller.authority


class Identities:
    """Turns a certificate and metadata into the caller, or refuses."""

    def __init__(self, settings: ServiceSettings, services: frozenset[str], *, secured: bool) -> None:
        self._settings = settings
        self._services = {urn(settings.node_id, name) for name in services | frozenset(settings.peers)}
        self._secured = secured
        self._authorities = Authorities(settings.ca_file)
        self._own_authority = self._authorities.own(settings.certificate_file) if secured else ""
        self._page_key = hashlib.sha256(b"page tokens\0" + settings.shared_key).digest()

    @property
    def node(self) -> str:
        """The house."""
        return self._settings.node_id

    def caller(
        self, context: grpc.aio.ServicerContext[Message, Message], method: str, *, for_nodes: bool = False
    ) -> Caller:
        """Raises Denied for a name that may not call or may not assert, Invalid for bad metadata, all at once."""
        given = {name: value for name, value in context.invocation_metadata() or () if isinstance(value, str)}
        name = self._name(context, for_nodes=for_nodes)
        node = self._other_node(name) if for_nodes else ""
        faults: list[Fault] = []
        actor = _gate(node, given) if node else self._actor(name, given, faults)
        key = _uuid(given, "idempotency-key", faults)
        correlation = _uuid(given, "correlation-id", faults)
        if faults:
            raise Invalid(*faults, sentence="The call's metadata is incomplete or wrong. Mend what is named.")
        traceparent = given.get("traceparent", "")
        return Caller(
            name=name,
            method=method,
            actor=actor,
            correlation_id=correlation or uuid4(),
            key=key,
            traceparent=traceparent if _TRACEPARENT.fullmatch(traceparent) else "",
            page_key=self._page_key,
            node=node,
            authority=self._authority(context) if node else "",
        )

    def _authority(self, context: grpc.aio.ServicerContext[Message, Message]) -> str:
        """Who has issued the caller's certificate; empty where none of the trusted has done so directly."""
        return self._authorities.issuer(b"".join(context.auth_context().get("x509_pem_cert", ())))

    def _other_node(self, name: str) -> str:
        """The node whose gate this name is, where it is another's."""
        found = _GATE.fullmatch(name)
        return found[1] if found and found[1] != self._settings.node_id else ""

    def _name(self, context: grpc.aio.ServicerContext[Message, Message], *, for_nodes: bool) -> str:
        """The one name in the certificate. Without certificates (embedded profile, loopback) the house itself."""
        if not self._secured:
            return urn(self._settings.node_id, "local")
        found = context.auth_context().get("x509_subject_alternative_name", ())
        names = [each.decode("utf-8", "replace") for each in found if each.startswith(b"urn:throughcare:")]
        if len(names) != 1 or not self._known(names[0], self._authority(context), for_nodes=for_nodes):
            raise Denied("unknown_certificate", "This certificate may not call here. Ask the house's operator.")
        return names[0]

    def _known(self, name: str, authority: str, *, for_nodes: bool) -> bool:
        if name in self._services | self._settings.may_assert:
            return authority == self._own_authority
        return for_nodes and bool(self._other_node(name))

    def _actor(self, name: str, given: Mapping[str, str], faults: list[Fault]) -> Actor:
        asserted = any(each in given for each in ASSERTED)
        if name in self._settings.may_assert or (asserted and not self._secured):
            return _asserted(given, faults)
        if asserted:
            raise Denied("may_not_assert", "This certificate may not act for a person. Ask the house's operator.")
        purpose = _code(given, "purpose", Purpose, faults) if "purpose" in given else Purpose.OPERATE
        own = name.rpartition(":")[2]
        return Actor(id=own, role=Role.SYSTEM, organisation=self._settings.node_organisation, purpose=purpose)


def _gate(node: str, given: Mapping[str, str]) -> Actor:
    """Another node's gate speaks for itself; whom it acts for, where it does, is no matter of metadata."""
    if any(each in given for each in ASSERTED):
        raise Denied("may_not_assert", "This certificate may not act for a person. Ask the house's operator.")
    return Actor(id=node, role=Role.NODE, organisation=node, purpose=Purpose.OPERATE)


def _asserted(given: Mapping[str, str], faults: list[Fault]) -> Actor:
    role = _code(given, "actor-role", Role, faults)
    if role in {Role.SYSTEM, Role.NODE} and not faults:
        raise Denied("may_not_assert", "Nobody acts as a house itself but its services.")
    return Actor(
        id=_opaque(given, "actor-id", faults),
        role=role,
        organisation=_opaque(given, "actor-organisation", faults),
        purpose=_code(given, "purpose", Purpose, faults),
    )


def _opaque(given: Mapping[str, str], name: str, faults: list[Fault]) -> str:
    value = given.get(name, "")
    if not value:
        faults.append(Fault(name, "REQUIRED"))
    elif not _OPAQUE.fullmatch(value):
        faults.append(Fault(name, "INVALID_FORMAT"))
    return value


def _code(given: Mapping[str, str], name: str, kind: type[E], faults: list[Fault]) -> E:
    value = given.get(name, "")
    try:
        return kind(value)
    except ValueError:
        faults.append(Fault(name, "UNKNOWN_CODE" if value else "REQUIRED"))
        return next(iter(kind))


def _uuid(given: Mapping[str, str], name: str, faults: list[Fault]) -> UUID | None:
    value = given.get(name, "")
    if not value:
        return None
    try:
        found = UUID(value)
    except ValueError:
        found = None
    if found is None or str(found) != value or not found.int:
        faults.append(Fault(name, "INVALID_FORMAT"))
        return None
    return found
