"""How an engagement may end: outcomes, what each needs, and what of it is told (`states.md` 3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from casework.domain.term import Recorded
from chassis.aggregate import Unmet

ATTEMPTS_NEEDED, ATTEMPTS_OVER, CHANNELS_NEEDED = 6, timedelta(days=28), 2
PROMISED_BEFORE = timedelta(weeks=4)


class Outcome(StrEnum):
    """What an engagement came to."""

    COMPLETED = "COMPLETED"
    PERSON_WITHDREW = "PERSON_WITHDREW"
    REFERRAL_WITHDRAWN = "REFERRAL_WITHDRAWN"
    NOT_REACHED = "NOT_REACHED"
    MOVED_AREA = "MOVED_AREA"
    TRANSFERRED = "TRANSFERRED"
    LONG_CUSTODY = "LONG_CUSTODY"
    SENTENCE_ENDED_CONTINUING_ELSEWHERE = "SENTENCE_ENDED_CONTINUING_ELSEWHERE"
    UNSAFE = "UNSAFE"
    DIED = "DIED"


class OutcomeGroup(StrEnum):
    """All that is told of an outcome."""

    COMPLETED = "COMPLETED"
    TRANSFERRED = "TRANSFERRED"
    ENDED_EARLY = "ENDED_EARLY"


# An ending that starts at once, from every state before it, without four weeks' notice.
STARTS_AT_ONCE = frozenset(
    {
        Outcome.UNSAFE,
        Outcome.MOVED_AREA,
        Outcome.TRANSFERRED,
        Outcome.PERSON_WITHDREW,
        Outcome.REFERRAL_WITHDRAWN,
    }
)
# What closes any open engagement without its guards.
CLOSES_AT_ONCE = frozenset({Outcome.PERSON_WITHDREW, Outcome.REFERRAL_WITHDRAWN, Outcome.DIED})
_MOVED_ON = frozenset({Outcome.TRANSFERRED, Outcome.MOVED_AREA, Outcome.SENTENCE_ENDED_CONTINUING_ELSEWHERE})


def group_of(outcome: Outcome) -> OutcomeGroup:
    """The group an outcome is told as."""
    if outcome is Outcome.COMPLETED:
        return OutcomeGroup.COMPLETED
    return OutcomeGroup.TRANSFERRED if outcome in _MOVED_ON else OutcomeGroup.ENDED_EARLY


class ContactChannel(StrEnum):
    """By which channel somebody tried to reach him."""

    PHONE = "PHONE"
    SMS = "SMS"
    EMAIL = "EMAIL"
    LETTER = "LETTER"
    VIDEO = "VIDEO"
    IN_PERSON = "IN_PERSON"


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One try to reach him."""

    channel: ContactChannel
    on: date


@dataclass(frozen=True, kw_only=True)
class EndAnswers:
    """What a close needs, as recorded answers."""

    ending_session: Recorded | None = None
    final_ratings: Recorded | None = None
    handoffs_settled: Recorded | None = None
    end_report: Recorded | None = None

    def given(self) -> list[tuple[str, Recorded]]:
        """Each answer that was given, with its name."""
        named = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return [(name, answer) for name, answer in named.items() if answer is not None]


def refuse_unless_tried(attempts: Sequence[Attempt], *, agreed_by: str) -> None:
    """NOT_REACHED: six attempts over four weeks by two channels, and a manager agrees; never automatic."""
    days = [attempt.on for attempt in attempts]
    enough = (
        len(attempts) >= ATTEMPTS_NEEDED
        and max(days) - min(days) >= ATTEMPTS_OVER
        and len({attempt.channel for attempt in attempts}) >= CHANNELS_NEEDED
    )
    if not enough:
        raise Unmet("not_enough_attempts", "He must have been tried six times over 28 days by two channels or more.")
    if not agreed_by:
        raise Unmet("manager_agreement_missing", "A service manager has to agree. Name who did.")


def refuse_if_late(planned_end_on: date, *, today: date, reason: str) -> None:
    """An ending is promised four weeks before the planned end; a later one says why."""
    if not reason and today > planned_end_on - PROMISED_BEFORE:
        raise Unmet("ending_reason_missing", "Less than four weeks are left. Say why it ends so late.")


def refuse_unless_complete(answers: EndAnswers, *, rated: bool, settled: bool | None) -> None:
    """What every close needs that is not at once. `settled` is what was heard of handoffs; None where none was."""
    if answers.ending_session is None:
        raise Unmet("ending_session_missing", "Say when the ending session was held or offered.")
    if answers.final_ratings is None and not rated:
        raise Unmet("final_ratings_missing", "Say when the final ratings were given or declined.")
    if settled is False:
        raise Unmet(
            "handoffs_open", "Work offered to others is not settled yet. Wait for their answer or take it back."
        )
    if settled is None and answers.handoffs_settled is None:
        raise Unmet("handoffs_open", "Say when onward handoffs were settled.")
    if answers.end_report is None:
        raise Unmet("end_report_missing", "Say when the end report was shared.")
