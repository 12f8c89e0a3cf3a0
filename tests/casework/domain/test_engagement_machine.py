"""Whatever is asked of an engagement, in any order: a refusal changes nothing, the facts form a path in the table
of `states.md` 3, the version is the number of facts, and the dates are what an independent count gives.
"""

from calendar import monthrange
from datetime import date, timedelta
from uuid import uuid4

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from casework.domain.aspect import Aspect
from casework.domain.ending import ContactChannel, EndAnswers, Outcome
from casework.domain.engagement import closing, needs
from casework.domain.engagement.aggregate import Engagement
from casework.domain.engagement.facts import Rating, RatingPhase
from casework.domain.engagement.opening import open_engagement, reopen
from casework.domain.term import PauseReason, Recorded, Terms
from chassis.aggregate import Refused
from tests.casework.builders import CLOCKS, NOW, an_allocated, stored

# From, fact, to; "back" is the state a pause began in.
TABLE = {
    ("", "Opened", "OPENED"),
    ("OPENED", "ContactAttempted", "ENGAGING"),
    ("ENGAGING", "ContactAttempted", "ENGAGING"),
    ("ENGAGING", "Activated", "ACTIVE"),
    *((state, "Paused", "PAUSED") for state in ("OPENED", "ENGAGING", "ACTIVE", "ENDING")),
    ("PAUSED", "Resumed", "back"),
    *((state, "EndingStarted", "ENDING") for state in ("OPENED", "ENGAGING", "ACTIVE", "PAUSED")),
    *((state, "Closed", "CLOSED") for state in ("OPENED", "ENGAGING", "ACTIVE", "PAUSED", "ENDING")),
    ("CLOSED", "Reopened", "OPENED"),
    *((state, "Extended", state) for state in ("OPENED", "ENGAGING", "ACTIVE", "PAUSED")),
    *((state, "RatingRecorded", state) for state in ("OPENED", "ENGAGING", "ACTIVE", "PAUSED", "ENDING")),
    *((state, "NeedRecorded", state) for state in ("OPENED", "ENGAGING", "ACTIVE", "PAUSED", "ENDING")),
    ("CLOSED", "EndReportShared", "CLOSED"),
    *((state, "DeadlineMissed", state) for state in ("OPENED", "ENGAGING", "ACTIVE", "PAUSED", "ENDING", "CLOSED")),
}
HERE = Recorded(on=NOW.date(), by="staff-ew-1")
maybe = st.sampled_from([HERE, HERE, HERE, None])
_aspects = st.sampled_from([Aspect.GP_REGISTRATION, Aspect.FAMILY])
back = st.sampled_from([0, 0, 0, 0, 1, 5, 28, 29, -1])
mostly = st.sampled_from([True, True, True, False])


class EngagementMachine(RuleBasedStateMachine):
    """One engagement under everything that may be asked of it, with a clock that goes on."""

    engagement: Engagement

    @initialize(months=st.integers(1, 18), counts=st.booleans(), start=st.integers(0, 200))
    def opens(self, months, counts, start):
        self.at = NOW + timedelta(days=start)
        self.months, self.counts = months, counts
        self.told, self.state, self.back = 0, "", ""
        self.still, self.since, self.counted = 0, None, False
        self._keep(
            open_engagement(
                id=uuid4(),
                allocation=an_allocated(),
                participates=True,
                terms=Terms(planned_months=months, cap_months=18, counts_pauses=counts),
                at=self.at,
            )
        )
        self.started = self.at.date()

    def _keep(self, value):
        for fact in value.news:
            name = type(fact).__name__
            if name == "Paused":
                self.back = self.state
            after = value.status.value if fact is value.news[-1] else self.state
            arrow = "back" if name == "Resumed" else after
            assert (self.state, name, arrow) in TABLE
            assert name != "Resumed" or after == self.back
            self.state = after
            self.told += 1
            self._count(name, fact)
        self.engagement = stored(value)

    def _count(self, name, fact):
        """The oracle's own book of the days that count."""
        if name == "Paused":
            self.since = fact.began_on
            self.counted = self.counts and fact.reason.value in ("RECALLED", "REMANDED", "HOSPITAL")
        elif name in ("Resumed", "EndingStarted", "Closed") and self.since is not None:
            until = fact.resumed_on if name == "Resumed" else max(fact.at.date(), self.since)
            self.still += (until - self.since).days if self.counted else 0
            self.since = None
        elif name == "Extended":
            self.months = fact.planned_months

    def _ask(self, attempt):
        before = self.engagement
        try:
            value = attempt(before)
        except Refused:
            assert self.engagement == before
            return
        assert before.news == ()
        self._keep(value)

    @rule(days=st.sampled_from([1, 3, 10, 20, 40]))
    def time_goes_on(self, days):
        if self.at.year < 2028:
            self.at += timedelta(days=days)

    @rule(channel=st.sampled_from(ContactChannel), safe=mostly, back=back)
    def contact(self, channel, safe, back):
        self._ask(
            lambda e: e.record_contact_attempt(
                channel, on=self.at.date() - timedelta(days=back), safe_contact=safe, at=self.at
            )
        )

    @rule(session=maybe, plan=maybe, times=st.sampled_from([0, 1, 2, 7, 14, 15]))
    def agree(self, session, plan, times):
        self._ask(
            lambda e: e.agree_support(
                attended_session=session and Recorded(on=self.at.date(), by="staff-ew-1"),
                contact_plan=plan and Recorded(on=self.at.date(), by="staff-ew-1"),
                contacts_per_week=times,
                at=self.at,
            )
        )

    @rule(reason=st.sampled_from(PauseReason), back=back, review=st.sampled_from([0, 7, 14, 28, 30, None]))
    def pause(self, reason, back, review):
        self._ask(
            lambda e: e.pause(
                reason,
                on=self.at.date() - timedelta(days=back),
                review_on=None if review is None else self.at.date() + timedelta(days=review),
                earliest_out_on=None,
                at=self.at,
            )
        )

    @rule(back=back)
    def resume(self, back):
        self._ask(lambda e: e.resume(on=self.at.date() - timedelta(days=back), at=self.at))

    @rule(months=st.integers(1, 24), beyond=st.booleans())
    def extend(self, months, beyond):
        self._ask(lambda e: e.extend(months, reason="more time", beyond_cap=beyond, at=self.at))

    @rule(phase=st.sampled_from(RatingPhase), score=st.integers(-1, 11))
    def rate(self, phase, score):
        from casework.domain.engagement.facts import EmphasisArea

        ratings = (Rating(area=EmphasisArea.RELATIONSHIPS, score=score),)
        self._ask(lambda e: e.rate(phase, ratings, at=self.at))

    @rule(change=st.sampled_from([needs.open_need, needs.close_need]), aspect=_aspects, back=back)
    def need(self, change, aspect, back):
        self._ask(lambda e: change(e, aspect, on=self.at.date() - timedelta(days=back), at=self.at))

    @invariant()
    def a_service_is_needed_once_at_a_time(self):
        still = [need.aspect for need in self.engagement.needs if need.closed_on is None]
        assert len(set(still)) == len(still)

    @precondition(lambda self: self.told > 6)
    @rule(outcome=st.sampled_from(Outcome), reason=st.sampled_from(["", "why"]), by=st.sampled_from(["", "staff-sm-1"]))
    def start_ending(self, outcome, reason, by):
        self._ask(lambda e: closing.start_ending(e, outcome, reason=reason, agreed_by=by, at=self.at))

    @precondition(lambda self: self.told > 6)
    @rule(
        outcome=st.none() | st.sampled_from(Outcome),
        answers=st.tuples(maybe, maybe, maybe, maybe),
        settled=st.sampled_from([None, None, True, False]),
    )
    def close(self, outcome, answers, settled):
        here = Recorded(on=self.at.date(), by="staff-ew-1")
        names = ("ending_session", "final_ratings", "handoffs_settled", "end_report")
        given = {name: here for name, answer in zip(names, answers, strict=True) if answer}
        self._ask(
            lambda e: closing.close(
                e, outcome=outcome, answers=EndAnswers(**given), clocks=CLOCKS, settled=settled, at=self.at
            )
        )

    @precondition(lambda self: self.state == "CLOSED")
    @rule()
    def share_report(self):
        here = Recorded(on=self.at.date(), by="staff-ew-1")
        self._ask(lambda e: closing.share_end_report(e, here, at=self.at))

    @precondition(lambda self: self.state == "CLOSED")
    @rule(participates=st.booleans(), searching=st.booleans())
    def reopen(self, participates, searching):
        self._ask(
            lambda e: reopen(
                e,
                participates=participates,
                allocation_id=uuid4(),
                searching=searching,
                clocks=CLOCKS,
                at=self.at,
            )
        )

    @rule(code=st.sampled_from(["L3", "L4", "L12", "L21"]), days=st.integers(-2, 2))
    def miss(self, code, days):
        self._ask(lambda e: e.miss(code, due_at=self.at + timedelta(days=days), at=self.at))

    @invariant()
    def the_version_is_the_number_of_facts(self):
        assert self.engagement.version == self.told

    @invariant()
    def the_state_is_where_the_facts_lead(self):
        assert self.engagement.status.value == self.state

    @invariant()
    def the_dates_are_what_an_independent_count_gives(self):
        if self.engagement.status.value != "PAUSED":
            assert self.engagement.planned_end_on == self._later(self.months)
            assert self.engagement.cap_on == self._later(18)

    @invariant()
    def a_review_is_due_only_while_it_is_under_way(self):
        if self.state in ("ENDING", "CLOSED"):
            assert self.engagement.review_due_on is None

    def _later(self, months: int) -> date:
        first = self.started
        year, month = first.year + (first.month - 1 + months) // 12, (first.month - 1 + months) % 12 + 1
        day = date(year, month, min(first.day, monthrange(year, month)[1]))
        return day + timedelta(days=self.still)


EngagementMachine.TestCase.settings = settings(max_examples=250, stateful_step_count=60, deadline=None)
TestEngagementMachine = EngagementMachine.TestCase
