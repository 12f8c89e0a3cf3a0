"""What every aggregate, fact and refusal of the domain is made of; pure, and the domain's only chassis import
beside `chassis.calendar`.

The family of refusals (a refusal changes no row, tells no fact and leaves one audit entry):

    Refused
    ├── Invalid      INV   bad fields, all of them at once
    ├── Unmet        PRE   a state or a guard says no
    ├── Denied       DENY  the role may not
    ├── NotFound     NF    missing or hidden, alike on purpose
    ├── Exists       DUP   it is there already
    ├── Conflict     CONF  somebody else changed it meanwhile
    └── Exhausted    EXH   too often; try again later

Everything else that is raised is a fault, never an answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Fault:
    """One field that is wrong: where (`path`, dotted) and how (a code of rules.md 6). Never the value."""

    path: str
    code: str


class Refused(Exception):  # noqa: N818 - the domain's word for a refusal
    """The answer is no. `reason` is a stable code, `sentence` says in plain words how to mend it.

    Neither may hold a value that was given: both are shown, logged and parked.
    """

    kind: ClassVar[str] = "PRE"
    audited = False  # set by the work that wrote its entry; a door writes one for what never reached a work

    def __init__(
        self,
        reason: str,
        sentence: str = "",
        *,
        fields: Iterable[Fault] = (),
        policy_version: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.sentence = sentence
        self.fields = tuple(fields)
        self.policy_version = policy_version
        self.retry_after = retry_after

    def __str__(self) -> str:
        listed = "".join(f"; {fault.path}: {fault.code}" for fault in self.fields)
        return f"{self.kind} {self.reason}{listed}"


class Invalid(Refused):
    """INV: bad fields. Collect every fault first, then raise once."""

    kind = "INV"

    def __init__(self, *faults: Fault, reason: str = "invalid_fields", sentence: str = "") -> None:
        super().__init__(reason, sentence or "Mend the fields named and send it again.", fields=faults)


class Unmet(Refused):
    """PRE: a state or a guard says no."""

    kind = "PRE"


class Denied(Refused):
    """DENY: this role may not do this."""

    kind = "DENY"

    def __init__(self, reason: str = "not_permitted", sentence: str = "") -> None:
        super().__init__(reason, sentence or "Your role does not allow this. Ask your service manager.")


class NotFound(Refused):
    """NF: there is no such record, or the caller may not know of it. Both look alike."""

    kind = "NF"

    def __init__(self, reason: str = "not_found", sentence: str = "") -> None:
        super().__init__(reason, sentence or "There is nothing here that you may see. Check the reference.")


class Exists(Refused):
    """DUP: it is there already; `reference` names it for those who may know."""

    kind = "DUP"

    def __init__(self, reason: str = "exists", sentence: str = "", *, reference: str = "") -> None:
        super().__init__(reason, sentence)
        self.reference = reference


class Conflict(Refused):
    """CONF: the record is at another version than expected."""

    kind = "CONF"

    def __init__(self, reason: str = "version_conflict", sentence: str = "") -> None:
        super().__init__(reason, sentence or "It was changed meanwhile. Load it again and repeat your change.")


class Exhausted(Refused):
    """EXH: too many in too short a time."""

    kind = "EXH"


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that happened, named by a past participle. Subclasses hold ids, codes, dates, counts and,
    where the record needs it, text, which never leaves the journal unsealed."""

    at: datetime


@dataclass(frozen=True, kw_only=True)
class Aggregate:
    """One record with its rules. A method refuses, or returns the next value carrying its news.

    `version` is the number of facts that are stored; `news` are those told since. Fields named `person_id`
    and `case_id` say whom and what the facts concern (`person` and `case` may be overridden).
    """

    id: UUID
    version: int = 0
    news: tuple[Event, ...] = field(default=(), compare=False, repr=False)

    def telling(self, *events: Event, **changes: Any) -> Self:
        """The next value: these fields changed, these facts told."""
        return replace(self, news=(*self.news, *events), **changes)

    @property
    def person(self) -> UUID | None:
        """The person the facts concern."""
        return getattr(self, "person_id", None)

    @property
    def case(self) -> UUID | None:
        """The case the facts concern."""
        return getattr(self, "case_id", None)
