"""Who acts, in which role, for what purpose, and how far a role reaches; codes as the contracts write them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Role(StrEnum):
    """The roles of access.md 2, and three that no person holds: the house itself, an adapter of its node, and the gate
    of another node, which sees what names it and nothing else."""

    PP = "PP"
    SPO = "SPO"
    PPU = "PPU"
    APS = "APS"
    EW = "EW"
    PS = "PS"
    VOL = "VOL"
    CO = "CO"
    SM = "SM"
    CP = "CP"
    PW = "PW"
    PA = "PA"
    CG = "CG"
    CH = "CH"
    TR = "TR"
    CMR = "CMR"
    EV = "EV"
    IG = "IG"
    OPS = "OPS"
    PER = "PER"
    SYSTEM = "SYSTEM"
    ADAPTER = "ADAPTER"
    NODE = "NODE"


class Purpose(StrEnum):
    """Why somebody acts or reads (rules.md 11); logged with every entry."""

    REFERRAL_TRIAGE = "REFERRAL_TRIAGE"
    DELIVER_SUPPORT = "DELIVER_SUPPORT"
    HANDOFF = "HANDOFF"
    RISK_MANAGEMENT = "RISK_MANAGEMENT"
    SAFEGUARDING = "SAFEGUARDING"
    CO_ORDINATION = "CO_ORDINATION"
    CLINICAL_CARE = "CLINICAL_CARE"
    RECALL_CONSULTATION = "RECALL_CONSULTATION"
    EVALUATION = "EVALUATION"
    SUBJECT_REQUEST = "SUBJECT_REQUEST"
    COMPLAINT = "COMPLAINT"
    AUDIT = "AUDIT"
    WORKFORCE = "WORKFORCE"
    OPERATE = "OPERATE"


class Reach(StrEnum):
    """How far a role reaches."""

    HOUSE = "house"
    OWN = "own"
    PROPOSED = "proposed"


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who acts: an opaque staff id, in one role, employed by one organisation, for one purpose."""

    id: str
    role: Role
    organisation: str
    purpose: Purpose = Purpose.OPERATE


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request as a door established it. `key` makes it happen once; `fingerprint` is its body's digest."""

    actor: Actor
    correlation_id: UUID
    key: UUID | None = None
    fingerprint: bytes = b""
    causation_id: UUID | None = None
    traceparent: str = ""


def system(node: str) -> Actor:
    """The house itself: timers and heard facts."""
    return Actor(id=node, role=Role.SYSTEM, organisation=node)


Grants = Mapping[Role, frozenset[Reach]]


def by(text: str) -> Grants:
    """Roles with their reach, as access.md 7 writes them: `by("SM, CP, EW own or proposed, SYSTEM")`."""
    grants: dict[Role, frozenset[Reach]] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        role, _, reach = part.partition(" ")
        reaches = frozenset(Reach(word) for word in reach.replace(" or ", " ").split()) or {Reach.HOUSE}
        grants[Role(role)] = grants.get(Role(role), frozenset()) | reaches
    return grants
