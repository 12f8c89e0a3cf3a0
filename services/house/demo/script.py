"""What has been played, kept in the data folder: killed at any moment, the story goes on where it stood.

Each call is written down with its key before it is made, and its answer when it is there. Played again, an answered
call is not made; one without an answer is made again with the same key and body, so it has one effect.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import UUID, uuid4, uuid5

from house.clients import Refusal, method
from house.trouble import Trouble

if TYPE_CHECKING:
    from pathlib import Path

    from chassis.access import Actor
    from house.clients import Clients

T = TypeVar("T")
Fields = Mapping[str, Any]
Build = Callable[[], Awaitable[Fields]]
# Facts that are still on their way to the service, or the house, that asks for them.
_NOT_YET: Final = frozenset({
    "consent_missing", "programme_unknown", "safe_contact_missing", "not_found", "worker_unknown", "feed_stale",
    "isa_not_in_force", "offer_unknown", "offer_not_open", "person_held", "unreached",
})  # fmt: skip
# Not heard of yet; or a database was killed under the call, of which a service may know no better than to say this.
_AWAY: Final = ("NF", "INTERNAL")
_PATIENCE: Final = 60.0
_PAUSE: Final = 0.15
_TRIES: Final = 50


class Script:
    """The record of one play of the story."""

    def __init__(self, path: Path, clients: Clients) -> None:
        self._path, self._clients = path, clients
        self._entries: dict[str, dict[str, Any]] = {}
        if path.exists():
            for line in path.read_text().splitlines():
                self._read(line)
        self.seed = UUID(self._entries["seed"]["value"]) if "seed" in self._entries else self._begin()

    def _begin(self) -> UUID:
        seed = uuid4()
        self._write("seed", {"value": str(seed)})
        return seed

    def _read(self, line: str) -> None:
        try:
            entry = json.loads(line)
        except ValueError:
            return  # the last line of a killed process
        self._entries.setdefault(entry.pop("step"), {}).update(entry)

    def _write(self, step: str, entry: dict[str, Any]) -> None:
        self._entries.setdefault(step, {}).update(entry)
        with os.fdopen(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as out:
            out.write(json.dumps({"step": step, **entry}) + "\n")

    async def value(self, step: str, compute: Callable[[], Awaitable[Any]]) -> Any:
        """A value that must be the same when the story is played on: computed once."""
        if "value" not in self._entries.get(step, {}):
            self._write(step, {"value": await compute()})
        return self._entries[step]["value"]

    def begun(self, step: str) -> bool:
        """Whether this call was ever made: then it is made out, whatever has become of it."""
        return "fields" in self._entries.get(step, {})

    async def call(
        self,
        step: str,
        who: Actor,
        name: str,
        fields: Fields | Build,
        *,
        at: Clients | None = None,
        may_lose: frozenset[str] = frozenset(),
    ) -> Any:
        """One call of the story, at the door of the house that leads or of another. `fields` may be built late, and
        is built anew when a version was out of date. A refusal among `may_lose` is an answer too: two houses acted at
        once and the other was first.
        """
        entry = self._entries.get(step, {})
        if "answer" in entry:
            return method(name).answer(base64.b64decode(entry["answer"]))
        until = asyncio.get_running_loop().time() + _PATIENCE
        for _ in range(_TRIES * 20):
            try:
                entry = await self._prepared(step, fields)
                key = uuid5(self.seed, f"{step}:{entry['attempt']}")
                answer = await (at or self._clients).call(who, name, key=key, **entry["fields"])
            except Refusal as refusal:
                if refusal.reason in may_lose:
                    self._write(step, {"answer": "", "lost": refusal.reason})
                    return method(name).answer(b"")
                if asyncio.get_running_loop().time() > until:
                    raise _at(step, refusal) from None
                self._consider(step, refusal)
                await asyncio.sleep(_PAUSE)
            else:
                self._write(step, {"answer": base64.b64encode(answer.SerializeToString()).decode()})
                return answer
        raise Trouble(f"The story does not get past {step}.")

    async def _prepared(self, step: str, fields: Fields | Build) -> dict[str, Any]:
        """The call as it is made, written down before."""
        entry = self._entries.get(step, {})
        if "fields" not in entry:
            self._write(step, {"fields": dict(await _built(fields)), "attempt": entry.get("attempt", 0) + 1})
        return self._entries[step]

    def _consider(self, step: str, refusal: Refusal) -> None:
        """Go on where waiting or a newer version helps; raise where it does not.

        The key makes another try harmless, and a fault that stays is raised when the patience is over.
        """
        if refusal.kind == "CONF":
            self._entries[step] = {"attempt": self._entries[step]["attempt"]}
        elif not _passes(refusal):
            raise _at(step, refusal)


def _passes(refusal: Refusal) -> bool:
    """Whether waiting helps."""
    return refusal.kind in _AWAY or refusal.reason in _NOT_YET


def _at(step: str, refusal: Refusal) -> Trouble:
    return Trouble(f"At {step} the house refused: {refusal.sentence}", mend=refusal.mend)


async def _built(fields: Fields | Build) -> Fields:
    return fields if isinstance(fields, Mapping) else await fields()


async def eventually(look: Callable[[], Awaitable[T | None]], what: str, *, seconds: float = _PATIENCE) -> T:
    """Wait for what another service, or another house, has yet to hear; until then it may know of nothing."""
    until = asyncio.get_running_loop().time() + seconds
    while (found := await _heard(look)) is None:
        if asyncio.get_running_loop().time() > until:
            raise Trouble(f"{what} did not happen within {seconds:g} seconds.", mend="Look with: throughcare status")
        await asyncio.sleep(_PAUSE)
    return found


async def _heard(look: Callable[[], Awaitable[T | None]]) -> T | None:
    try:
        return await look()
    except Refusal as refusal:
        if _passes(refusal):
            return None
        raise
