"""What a notice says: drafted, linted, approved by a second person, retired. Only approved versions are sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from chassis.aggregate import Aggregate, Event, Fault, Invalid, Unmet
from notifications.domain.codes import Channel
from notifications.domain.lint import Finding, Pack, Reader, Use, lint

_NAME = re.compile(r"[a-z][a-z0-9-]{1,38}[a-z0-9]")
_BRACES = re.compile(r"\{([^{}]*)\}")
# What may be filled in, per channel: a case reference and plain words, never a name or an address.
MAY_FILL = {
    Channel.PAGE: frozenset({"reference", "what", "due_on"}),
    Channel.EMAIL: frozenset({"reference", "what", "due_on"}),
    Channel.SMS: frozenset({"reference"}),
    Channel.LETTER: frozenset({"reference", "what", "due_on"}),
}
LONGEST = {Channel.PAGE: 300, Channel.EMAIL: 5_000, Channel.SMS: 160, Channel.LETTER: 5_000}
LONGEST_SUBJECT = 120
# What stands where nothing was heard to fill in.
UNSAID = {"reference": "no reference yet", "what": "see the case", "due_on": "see the case"}


class Status(StrEnum):
    """Where a version stands."""

    DRAFT = "DRAFT"
    LINTED = "LINTED"
    APPROVED = "APPROVED"
    RETIRED = "RETIRED"


@dataclass(frozen=True, kw_only=True)
class Text:
    """What it says by one channel."""

    channel: Channel
    subject: str = ""
    body: str


@dataclass(frozen=True, kw_only=True)
class Shipped(Event):
    """A version came approved with the release; told by the migration that brings it."""

    template: str
    number: int


@dataclass(frozen=True, kw_only=True)
class Drafted(Event):
    """A version was drafted."""

    template: str
    number: int
    by: str


@dataclass(frozen=True, kw_only=True)
class Linted(Event):
    """Nothing was found in it."""

    pack_version: str


@dataclass(frozen=True, kw_only=True)
class Approved(Event):
    """A second person approved it."""

    by: str


@dataclass(frozen=True, kw_only=True)
class Retired(Event):
    """It is not sent any more."""

    by: str


@dataclass(frozen=True, kw_only=True)
class Template(Aggregate):
    """One version (`number`) of a template (`name`). What shipped with the release came approved, as version 1."""

    name: str
    number: int
    reader: Reader
    texts: tuple[Text, ...]
    status: Status = Status.DRAFT
    drafted_by: str
    approved_by: str = ""

    def draft(self, *, at: datetime) -> Template:
        """Begin a version. Raises Invalid with everything that can never be filled in or sent."""
        faults = [] if _NAME.fullmatch(self.name) else [Fault("template_id", "INVALID_FORMAT")]
        faults += _faults_of(self.texts)
        if faults:
            raise Invalid(*faults)
        return self.telling(Drafted(template=self.name, number=self.number, by=self.drafted_by, at=at))

    def lint(self, pack: Pack, *, at: datetime) -> tuple[Template, tuple[Finding, ...]]:
        """LINTED where nothing is found; else the draft as it is, with what has to be mended."""
        self._must_be(Status.DRAFT)
        found = self.findings(pack)
        if found:
            return self, found
        return self.telling(Linted(pack_version=pack.version, at=at), status=Status.LINTED), ()

    def findings(self, pack: Pack) -> tuple[Finding, ...]:
        """What the word list has against it."""
        return tuple(
            finding
            for nth, text in enumerate(self.texts)
            for part in ("subject", "body")
            for finding in lint(
                getattr(text, part), pack, use=Use.TEMPLATE, reader=self.reader, path=f"texts.{nth}.{part}"
            )
        )

    def approve(self, *, by: str, pack: Pack, at: datetime) -> Template:
        """A second person approves it, under the word list of that day."""
        if self.status is Status.DRAFT or (self.status is Status.LINTED and self.findings(pack)):
            raise Unmet("stigma_lint", "Mend what the lint names and draft it again.")
        self._must_be(Status.LINTED)
        if by == self.drafted_by:
            raise Unmet("second_person_required", "Somebody other than its author has to approve it.")
        return self.telling(Approved(by=by, at=at), status=Status.APPROVED, approved_by=by)

    def retire(self, *, by: str, at: datetime) -> Template:
        """Do not send it any more."""
        self._must_be(Status.DRAFT, Status.LINTED, Status.APPROVED)
        return self.telling(Retired(by=by, at=at), status=Status.RETIRED)

    def says(self, channel: Channel) -> Text | None:
        """Its text for a channel, where it has one."""
        return next((text for text in self.texts if text.channel is channel), None)

    def _must_be(self, *allowed: Status) -> None:
        if self.status not in allowed:
            raise Unmet("invalid_transition", f"The template is {self.status.lower()}: that does not go with it.")


def fill(text: Text, filling: Mapping[str, str]) -> Text:
    """The text with everything filled in that its channel may hold."""

    def said(match: re.Match[str]) -> str:
        name = match.group(1)
        return filling.get(name) or UNSAID.get(name, "")

    return replace(text, subject=_BRACES.sub(said, text.subject), body=_BRACES.sub(said, text.body))


def _faults_of(texts: tuple[Text, ...]) -> list[Fault]:
    faults = [] if texts else [Fault("texts", "REQUIRED")]
    seen: set[Channel] = set()
    for nth, text in enumerate(texts):
        at = f"texts.{nth}"
        if text.channel in seen:
            faults.append(Fault(f"{at}.channel", "CONFLICTS_WITH(texts)"))
        seen.add(text.channel)
        faults += _faults_of_one(text, at)
    return faults


def _faults_of_one(text: Text, at: str) -> list[Fault]:
    faults = []
    if not text.body.strip():
        faults.append(Fault(f"{at}.body", "REQUIRED"))
    if len(text.body) > LONGEST[text.channel]:
        faults.append(Fault(f"{at}.body", "TOO_LONG"))
    if text.channel is Channel.EMAIL and not text.subject.strip():
        faults.append(Fault(f"{at}.subject", "REQUIRED"))
    if text.channel is not Channel.EMAIL and text.subject:
        faults.append(Fault(f"{at}.subject", "CONFLICTS_WITH(channel)"))
    if len(text.subject) > LONGEST_SUBJECT or "\n" in text.subject:
        faults.append(Fault(f"{at}.subject", "TOO_LONG"))
    for part in ("subject", "body"):
        value = getattr(text, part)
        unknown = set(_BRACES.findall(value)) - MAY_FILL[text.channel]
        stray = set(_BRACES.sub("", value)) & set("{}")
        if unknown or stray:
            faults.append(Fault(f"{at}.{part}", "UNKNOWN_CODE"))
    return faults
