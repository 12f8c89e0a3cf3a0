"""Lists in pages: a token says where the next begins, for one caller and one filter only.

The token is sealed, not merely signed: what a list is ordered by may be a name. It has no age of its own; one
sealed under another house key, for another caller or for another filter is refused alike.
"""

from __future__ import annotations

import hashlib
import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chassis.aggregate import Fault, Invalid
from chassis.rpc.identity import SERVING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chassis.access import Call

R = TypeVar("R")
USUAL: Final = 50
MOST: Final = 200
_NONCE: Final = 12
_READ: Final[dict[str, Callable[[str], object]]] = {
    "uuid": UUID,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
}


@dataclass(frozen=True)
class Page:
    """One page of a list: `after` is where the one before ended, None at the beginning."""

    size: int
    after: tuple[Any, ...] | None
    bound_to: bytes
    key: bytes

    def next_token(self, last: Sequence[object] | None) -> str:
        """The token for what follows this row: the values the list is ordered by; "" where nothing follows."""
        if last is None:
            return ""
        nonce, text = os.urandom(_NONCE), json.dumps([_written(value) for value in last]).encode()
        return urlsafe_b64encode(nonce + AESGCM(self.key).encrypt(nonce, text, self.bound_to)).decode()

    def cut(self, rows: Sequence[R], order: Callable[[R], Sequence[object]]) -> tuple[Sequence[R], str]:
        """Of `size + 1` rows asked for: those of this page, and the token of the next."""
        kept = rows[: self.size]
        return kept, self.next_token(order(kept[-1]) if len(rows) > self.size else None)


def page(page_size: int, page_token: str, *, filter: object, call: Call) -> Page:  # noqa: A002 - the word
    """The page asked for. Raises Invalid for a token of another caller or filter, or one that is not ours."""
    faults = [Fault("page_size", "OUT_OF_RANGE")] if page_size < 0 else []
    caller, actor = SERVING.get(), call.actor
    named = (caller.method, actor.id, actor.role.value, actor.organisation, repr(filter))
    bound_to, key = hashlib.sha256(json.dumps(named).encode()).digest(), caller.page_key
    after = None
    if page_token:
        try:
            after = _opened(page_token, key, bound_to)
        except (ValueError, InvalidTag):
            faults.append(Fault("page_token", "INVALID_FORMAT"))
    if faults:
        raise Invalid(*faults)
    return Page(size=min(page_size or USUAL, MOST), after=after, bound_to=bound_to, key=key)


def _opened(token: str, key: bytes, bound_to: bytes) -> tuple[Any, ...]:
    sealed = urlsafe_b64decode(token.encode("ascii"))
    text = AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], bound_to)
    return tuple(_READ[each[0]](each[1]) if isinstance(each, list) else each for each in json.loads(text))


def _written(value: object) -> object:
    if isinstance(value, UUID):
        return ["uuid", str(value)]
    if isinstance(value, datetime):
        return ["datetime", value.isoformat()]
    if isinstance(value, date):
        return ["date", value.isoformat()]
    return value
