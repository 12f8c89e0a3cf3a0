"""What an outside event suggests, until a person has dealt with it; a prompt changes nothing by itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self
from uuid import UUID

from chassis.aggregate import Aggregate, Event, Unmet


class PromptKind(StrEnum):
    """What is suggested."""

    SCREENING_UNREADABLE = "SCREENING_UNREADABLE"
    PRACTITIONER_CHANGED = "PRACTITIONER_CHANGED"
    RISK_CHANGED = "RISK_CHANGED"
    RECALL_SUGGESTED = "RECALL_SUGGESTED"
    LICENCE_CHANGED = "LICENCE_CHANGED"
    CUSTODY_CHANGED = "CUSTODY_CHANGED"
    ROTL_CHANGED = "ROTL_CHANGED"
    STALE = "STALE"
    MERGE_SUGGESTED = "MERGE_SUGGESTED"
    UNMERGED = "UNMERGED"
    ERASURE_AT_SOURCE = "ERASURE_AT_SOURCE"


class Done(StrEnum):
    """What was done about it."""

    RECORD_UPDATED = "RECORD_UPDATED"
    CONCERN_RAISED = "CONCERN_RAISED"
    PRACTITIONER_CHANGED = "PRACTITIONER_CHANGED"
    CHECKED_WITH_PRACTITIONER = "CHECKED_WITH_PRACTITIONER"
    PEOPLE_MERGED = "PEOPLE_MERGED"
    RECORDS_SORTED = "RECORDS_SORTED"
    REQUEST_RECEIVED = "REQUEST_RECEIVED"


class Dismissal(StrEnum):
    """Why it needs nothing."""

    NOT_RELEVANT = "NOT_RELEVANT"
    ALREADY_KNOWN = "ALREADY_KNOWN"
    WRONG_PERSON = "WRONG_PERSON"
    MISTAKE_AT_SOURCE = "MISTAKE_AT_SOURCE"


class Status(StrEnum):
    """Where a prompt stands."""

    OPEN = "OPEN"
    DONE = "DONE"
    DISMISSED = "DISMISSED"


# Who sees a kind; the duty manager is a service manager until the rota is heard.
SEEN_BY: dict[PromptKind, frozenset[str]] = {
    PromptKind.SCREENING_UNREADABLE: frozenset({"PP", "SM"}),
    PromptKind.PRACTITIONER_CHANGED: frozenset({"PP", "SM"}),
    PromptKind.RISK_CHANGED: frozenset({"PP", "SM"}),
    PromptKind.RECALL_SUGGESTED: frozenset({"PP", "CP", "SM"}),
    PromptKind.LICENCE_CHANGED: frozenset({"PP", "EW"}),
    PromptKind.CUSTODY_CHANGED: frozenset({"PP", "EW"}),
    PromptKind.ROTL_CHANGED: frozenset({"PP", "EW"}),
    PromptKind.STALE: frozenset({"PP", "EW"}),
    PromptKind.MERGE_SUGGESTED: frozenset({"SM"}),
    PromptKind.UNMERGED: frozenset({"SM"}),
    PromptKind.ERASURE_AT_SOURCE: frozenset({"IG"}),
}


@dataclass(frozen=True, kw_only=True)
class PromptRaised(Event):
    """An outside event suggests something."""

    kind: PromptKind


@dataclass(frozen=True, kw_only=True)
class PromptDone(Event):
    """It was dealt with."""

    kind: PromptKind
    done: Done


@dataclass(frozen=True, kw_only=True)
class PromptDismissed(Event):
    """It needs nothing."""

    kind: PromptKind
    reason: Dismissal


@dataclass(frozen=True, kw_only=True)
class Prompt(Aggregate):
    """One suggestion; its source message raises no second one, ever."""

    person_id: UUID
    kind: PromptKind
    source_key: str
    event_type: str = ""
    status: Status = Status.OPEN
    raised_at: datetime | None = None

    def raise_(self, *, at: datetime) -> Self:
        """Put it before those who see its kind."""
        return self.telling(PromptRaised(at=at, kind=self.kind), raised_at=at)

    def complete(self, done: Done, *, at: datetime) -> Self:
        """Say what was done."""
        self._must_be_open()
        return self.telling(PromptDone(at=at, kind=self.kind, done=done), status=Status.DONE)

    def dismiss(self, reason: Dismissal, *, at: datetime) -> Self:
        """Say why it needs nothing."""
        self._must_be_open()
        return self.telling(PromptDismissed(at=at, kind=self.kind, reason=reason), status=Status.DISMISSED)

    def _must_be_open(self) -> None:
        if self.status is not Status.OPEN:
            raise Unmet("invalid_transition", "This prompt has been dealt with.")
