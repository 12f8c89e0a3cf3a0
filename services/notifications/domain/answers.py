"""Which fact answers which open notices: what has been done needs no telling any more."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Answer:
    """Open notices of these templates, or about these promises, are answered; `everything` means all of the case."""

    templates: frozenset[str] = frozenset()
    promises: frozenset[str] = frozenset()
    everything: bool = False

    def covers(self, *, template: str, about: str) -> bool:
        """Whether it answers a notice of this template about this promise."""
        return self.everything or template in self.templates or about in self.promises


def _of(templates: str = "", promises: str = "") -> Answer:
    return Answer(templates=frozenset(templates.split()), promises=frozenset(promises.split()))


ALL = Answer(everything=True)
TO_THE_CASE = {
    "referral.submitted": _of("draft-ends"),
    "referral.expired": _of("draft-ends"),
    "referral.triage_started": _of("referral-arrived", "L1"),
    "referral.accepted": _of("referral-arrived", "L1 L2"),
    "referral.declined": ALL,
    "referral.redirected": ALL,
    "referral.withdrawn": ALL,
    "worker.allocated": _of("allocate-worker", "L18"),
    "allocation.ended": _of("allocate-worker worker-named", "L18 L3 L4"),
    "engagement.opened": _of("worker-named"),
    "engagement.closed": ALL,
}
TO_THE_PERSON = {
    "consent.granted": _of("consent-review", "L20"),
    "consent.declined": _of("consent-review", "L20"),
    "consent.withdrawn": _of("consent-review", "L20"),
}
TO_THE_SUBJECT = {
    "prompt.done": _of("prompt"),
    "prompt.dismissed": _of("prompt"),
    "handoff.received": _of("", "L7"),
    "handoff.accepted": _of("handoff-news", "L7 L22"),
    "handoff.waitlisted": _of("handoff-news", "L7"),
    "handoff.started": _of("handoff-news", "L7 L22"),
    "handoff.completed": _of("handoff-news", "L7"),
    **dict.fromkeys(("handoff.declined", "handoff.expired", "handoff.failed", "handoff.loop_closed"), ALL),
    "handoff.entered_in_error": ALL,
    **dict.fromkeys(("handoff.revoked", "handoff.purge_confirmed"), ALL),
}
# Whether a promise was kept is remembered too: its miss may come after, from another stream.
REMEMBERED = {**TO_THE_CASE, **TO_THE_PERSON, **TO_THE_SUBJECT}
EVERY_PROMISE = "*"


def promises_kept(fact: str) -> tuple[str, ...]:
    """The promises that a fact keeps, or `*` for all of its case."""
    answer = REMEMBERED.get(fact)
    if answer is None:
        return ()
    return (EVERY_PROMISE,) if answer.everything else tuple(sorted(answer.promises))
