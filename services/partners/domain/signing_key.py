"""The keys a node signs with: one that it uses, and those before it that are still taken for a while (S36)."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chassis.aggregate import Fault, Invalid

OVERLAP = timedelta(days=7)
LONGEST_OVERLAP = timedelta(days=30)
_THIRTY_TWO_BYTES = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class SigningKey:
    """A public key, thirty-two bytes in hexadecimal, under its digest; without `taken_until` it is the one in use."""

    key_id: str
    public_key: str
    since: datetime
    taken_until: datetime | None = None


def a_key(public_key: str, *, since: datetime) -> SigningKey:
    """The key of these bytes, called by their digest."""
    key_id = hashlib.sha256(bytes.fromhex(public_key)).hexdigest()
    return SigningKey(key_id=key_id, public_key=public_key, since=since)


def digest_faults(path: str, text: str) -> tuple[Fault, ...]:
    """What is wrong with thirty-two bytes in hexadecimal: a key, or a digest."""
    if not text:
        return (Fault(path, "REQUIRED"),)
    return () if _THIRTY_TWO_BYTES.fullmatch(text) else (Fault(path, "INVALID_FORMAT"),)


def overlap_faults(overlap_until: datetime, *, at: datetime) -> tuple[Fault, ...]:
    """An old key is never taken for ever: whoever once had it would speak for the node."""
    if overlap_until < at:
        return (Fault("overlap_until", "IN_PAST"),)
    return (Fault("overlap_until", "OUT_OF_RANGE"),) if overlap_until > at + LONGEST_OVERLAP else ()


def followed_by(
    keys: tuple[SigningKey, ...], following: SigningKey, *, overlap_until: datetime, at: datetime
) -> tuple[SigningKey, ...]:
    """These keys with another after them: the one in use is taken until then, what has run out is forgotten."""
    if any(key.key_id == following.key_id for key in keys):
        raise Invalid(Fault("public_key", "CONFLICTS_WITH(keys)"))
    before = [replace(key, taken_until=key.taken_until or overlap_until) for key in keys]
    return (*(key for key in before if key.taken_until is not None and key.taken_until > at), following)
