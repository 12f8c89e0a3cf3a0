"""Messages of HMPPS, read as tolerantly as they really are (rules.md 8), and what each suggests here.

A message comes bare or in an SNS envelope. Only ids, codes and days are taken from it; user names, links and
descriptions are never looked at.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from chassis.aggregate import Fault, Invalid
from chassis.calendar import LONDON, local_date
from referral.domain import identifiers as read_as
from referral.domain.identifiers import Wrong
from referral.domain.person import Identifiers
from referral.domain.prompt import PromptKind
from referral.domain.screening import Result

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LARGEST = 256 * 1024
_TYPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}")
_INSTANT = re.compile(
    r"(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}(?::\d{2})?)(?:[.,](\d+))?(Z|[+-]\d{2}:?\d{2})?(?:\[[A-Za-z_/+-]+\])?"
)


@dataclass(frozen=True, kw_only=True)
class External:
    """One message: what it is, whose it is and what it says in codes."""

    key: str
    event_type: str
    identifiers: tuple[Identifiers, ...]
    extra: Mapping[str, Any]
    occurred_at: datetime | None
    type_differs: bool = False


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What a message leads to: evidence, an identifier to link, a prompt."""

    prompt: PromptKind | None = None
    screening: tuple[Result, date] | None = None
    links: Identifiers | None = None


def read(message: bytes) -> External:
    """The message; refuses one that is too large, no JSON, or of no type."""
    if len(message) > LARGEST:
        raise Invalid(Fault("message", "TOO_LONG"))
    outer = _json(message)
    enveloped = isinstance(outer.get("Message"), str)
    inner = _json(outer["Message"].encode()) if enveloped else outer
    attribute = _attribute(outer) if enveloped else ""
    body = _word(inner.get("eventType"))
    event_type = attribute or body
    if not event_type:
        raise Invalid(Fault("message.eventType", "REQUIRED"))
    if not _TYPE.fullmatch(event_type):
        raise Invalid(Fault("message.eventType", "INVALID_FORMAT"))
    extra = inner.get("additionalInformation")
    extra = extra if isinstance(extra, dict) else {}
    return External(
        key=_key(outer, inner, enveloped=enveloped),
        event_type=event_type,
        identifiers=_identifiers(inner, extra),
        extra=extra,
        occurred_at=instant_of(inner.get("occurredAt")),
        type_differs=bool(attribute and body and attribute != body),
    )


def _json(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise Invalid(Fault("message", "INVALID_FORMAT")) from None
    if not isinstance(found, dict):
        raise Invalid(Fault("message", "INVALID_FORMAT"))
    return found


def _word(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _attribute(outer: Mapping[str, Any]) -> str:
    """The type in the attributes, which wins over the one in the body."""
    attributes = outer.get("MessageAttributes")
    held = attributes.get("eventType") if isinstance(attributes, dict) else None
    return _word(held.get("Value")) if isinstance(held, dict) else ""


def _key(outer: Mapping[str, Any], inner: Mapping[str, Any], *, enveloped: bool) -> str:
    """The SNS message id, else a digest of the event."""
    message_id = _word(outer.get("MessageId")) if enveloped else ""
    if message_id and len(message_id) <= 128:
        return f"hmpps:{message_id}"
    plain = json.dumps(inner, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return f"hmpps:{hashlib.sha256(plain.encode('utf-8', 'replace')).hexdigest()}"


def instant_of(value: object) -> datetime | None:
    """A point in time as the services write it; without a zone it is London's. Nothing where it is none."""
    found = _INSTANT.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        return None
    day, clock, fraction, zone = found.groups()
    micros = (fraction or "0")[:6].ljust(6, "0")
    offset = "" if zone in {None, "Z"} else zone if ":" in zone else f"{zone[:3]}:{zone[3:]}"
    try:
        instant = datetime.fromisoformat(f"{day}T{clock}{'' if clock.count(':') == 2 else ':00'}.{micros}{offset}")
    except ValueError:
        return None
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC if zone == "Z" else LONDON)
    return instant.astimezone(UTC)


_READERS: dict[str, Callable[[str], str]] = {"crn": read_as.crn, "prison_number": read_as.prison_number}
_KINDS = {"CRN": "crn", "NOMS": "prison_number", "NOMIS": "prison_number", "PRISONNUMBER": "prison_number"}
# Where an event without a person reference names its person.
_IN_EXTRA = (
    ("crn", "crn"),
    ("targetCRN", "crn"),
    ("sourceCRN", "crn"),
    ("reactivatedCRN", "crn"),
    ("unmergedCRN", "crn"),
    ("nomsNumber", "prison_number"),
    ("removedNomsNumber", "prison_number"),
    ("prisonNumber", "prison_number"),
)


def _identifiers(inner: Mapping[str, Any], extra: Mapping[str, Any]) -> tuple[Identifiers, ...]:
    """Whom it names: first the person reference, then the extra block; what has no shape is passed over."""
    reference = inner.get("personReference")
    listed = reference.get("identifiers") if isinstance(reference, dict) else None
    named = [
        (_KINDS.get(_word(each.get("type")).upper(), ""), each.get("value"))
        for each in (listed if isinstance(listed, list) else [])
        if isinstance(each, dict)
    ]
    named += [(kind, extra.get(field)) for field, kind in _IN_EXTRA]
    found = [Identifiers(**{kind: shaped}) for kind, value in named if (shaped := _shaped(kind, value))]
    return tuple(dict.fromkeys(found))


def _shaped(kind: str, value: object) -> str:
    if kind not in _READERS or not isinstance(value, str):
        return ""
    try:
        return _READERS[kind](value)
    except Wrong:
        return ""


_EFFECTS: tuple[tuple[str, PromptKind], ...] = (
    ("prison-recall.recommendation.", PromptKind.RECALL_SUGGESTED),
    ("create-and-vary-a-licence.licence.activated", PromptKind.LICENCE_CHANGED),
    ("create-and-vary-a-licence.licence.inactivated", PromptKind.LICENCE_CHANGED),
    ("person.temporary-absence.", PromptKind.ROTL_CHANGED),
    ("prison-offender-events.prisoner.received", PromptKind.CUSTODY_CHANGED),
    ("prison-offender-events.prisoner.released", PromptKind.CUSTODY_CHANGED),
    ("prisoner-offender-search.prisoner.received", PromptKind.CUSTODY_CHANGED),
    ("prisoner-offender-search.prisoner.released", PromptKind.CUSTODY_CHANGED),
    ("probation-case.deleted.gdpr", PromptKind.ERASURE_AT_SOURCE),
    ("probation-case.registration.", PromptKind.RISK_CHANGED),
    ("probation-case.merge.completed", PromptKind.MERGE_SUGGESTED),
    ("probation-case.unmerge.completed", PromptKind.MERGE_SUGGESTED),
    ("prison-offender-events.prisoner.merged", PromptKind.MERGE_SUGGESTED),
    ("probation-case.prison-identifier.added", PromptKind.MERGE_SUGGESTED),
    ("person.community.manager.allocated", PromptKind.PRACTITIONER_CHANGED),
    ("tier.calculation.complete", PromptKind.STALE),
    ("risk-assessment.scores.", PromptKind.STALE),
)
_RESULTS = {"SCREEN IN": Result.SCREENED_IN, "SCREEN OUT": Result.SCREENED_OUT}


def effect_of(external: External) -> Effect | None:
    """What a message leads to; nothing for a type that is not known here."""
    if external.event_type == "opd.produced":
        return _screening(external)
    for named, kind in _EFFECTS:
        exact = not named.endswith(".")
        if external.event_type == named or (not exact and external.event_type.startswith(named)):
            return Effect(prompt=kind, links=_links(external))
    return None


def _screening(external: External) -> Effect:
    """The sender's meaning holds: an override is in by override whatever the result; an unknown result is kept as a
    prompt and not guessed."""
    overridden = _word(external.extra.get("opdScreenOutOverride")).upper() == "YES"
    result = _RESULTS.get(" ".join(_word(external.extra.get("opdResult")).upper().split()))
    completed_on = _day(external.extra.get("dateCompleted"))
    if overridden:
        result = Result.SCREENED_IN_OVERRIDE
    if result is None or completed_on is None:
        return Effect(prompt=PromptKind.SCREENING_UNREADABLE)
    return Effect(screening=(result, completed_on))


def _day(value: object) -> date | None:
    instant = instant_of(value)
    if instant is not None:
        return local_date(instant)
    try:
        return date.fromisoformat(_word(value))
    except ValueError:
        return None


def _links(external: External) -> Identifiers | None:
    """The prison number that probation added to a case."""
    if external.event_type != "probation-case.prison-identifier.added":
        return None
    shaped = next((held.prison_number for held in external.identifiers if held.prison_number), "")
    return Identifiers(prison_number=shaped) if shaped else None
