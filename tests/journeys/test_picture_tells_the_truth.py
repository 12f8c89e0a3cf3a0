"""Whatever happens to a referral or an engagement, the picture says of it what its owner says.

The owners' own machines run; what they publish is heard by the picture, message by message.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from casework.publications import PUBLICATIONS as CASEWORK
from chassis.envelope import Envelope, key_of, topic_of
from chassis.hearing import Heard
from partners.projections.picture.registers import Holder, Register, Registers, keep
from partners.projections.picture.shapes import Picture, State
from partners.projections.picture.tables import case_register, opened_case
from partners.projections.picture.view import compose
from partners.subscriptions import PICTURE
from referral.domain.referral_parts import Status
from referral.publications import PUBLICATIONS as REFERRAL
from tests.casework.domain.test_engagement_machine import EngagementMachine
from tests.partners.histories import TOGETHER
from tests.partners.story import Story
from tests.referral.test_referral import ReferralMachine

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chassis.aggregate import Aggregate, Event
    from chassis.journal import Publications
    from chassis.projection import Row

STANDS: dict[Status, State | None] = {
    Status.DRAFT: None,
    Status.EXPIRED: None,
    Status.SUBMITTED: State.SUBMITTED,
    Status.IN_TRIAGE: State.IN_TRIAGE,
    Status.ACCEPTED: State.ACCEPTED,
    Status.ALLOCATED: State.ACCEPTED,
    Status.CONVERTED: State.ACCEPTED,
    Status.DECLINED: State.ENDED,
    Status.REDIRECTED: State.ENDED,
    Status.WITHDRAWN: State.ENDED,
}


def _register(row: Row) -> Register | None:
    """A row of the picture as what it was made of."""
    given = dict(row.values)
    if row.table is opened_case:
        case, seq = given.pop("case_id"), given.pop("seq")
        plain = {
            name: value.isoformat() if isinstance(value, datetime) else str(value) for name, value in given.items()
        }
        return Register(holder=Holder.CASE, id=case, slot="opened", seq=seq, value=plain)
    if row.table is case_register:
        return Register(
            holder=Holder.CASE, id=given["case_id"], slot=given["slot"], seq=given["seq"], value=given["value"]
        )
    return None


class Watching:
    """Hears what one aggregate publishes, as the picture does."""

    def __init__(self, publications: Publications, held: Registers | None = None) -> None:
        self.publications, self.held = publications, held or {}
        self.seqs: dict[str, int] = {}

    def hear(self, value: Aggregate, facts: Iterable[Event]) -> None:
        """These facts of this value, in order."""
        for fact in facts:
            for message in self.publications.messages(fact):
                for subscription in PICTURE.of(type(message)):
                    rows = subscription.handler(self._heard(message, value, fact))
                    self.held = keep(self.held, [found for row in rows if (found := _register(row))])

    def _heard(self, message: Any, value: Aggregate, fact: Event) -> Heard[Any]:
        kind = type(message)
        topic = topic_of(kind, "together")
        self.seqs[topic] = self.seqs.get(topic, 0) + 1
        envelope = Envelope(
            event_id=uuid4(),
            type=kind.DESCRIPTOR.full_name,
            schema_version=1,
            reach="NODE",
            source_node="together",
            aggregate_type="thing",
            aggregate_id=value.id,
            stream_sequence=self.seqs[topic],
            aggregate_version=value.version,
            person_id=value.person,
            case_id=value.case,
            occurred_at=fact.at,
            recorded_at=fact.at,
            actor_role="SM",
            actor_ref="staff-sm-1",
            correlation_id=uuid4(),
            causation_id=None,
            traceparent="",
            sensitivity="STANDARD",
            detail_ref="",
        )
        key = key_of(kind, case=value.case, person=value.person, aggregate=value.id)
        return Heard(message, envelope, topic, key)

    def picture(self, case: UUID) -> Picture | None:
        """What it shows now."""
        return compose(self.held, case, house=TOGETHER, at=datetime(2026, 3, 2, tzinfo=UTC))


class WatchedEngagement(EngagementMachine):
    """The machine of casework, watched."""

    def __init__(self) -> None:
        super().__init__()
        self.watching = Watching(CASEWORK)

    def _keep(self, value: Any) -> None:
        self._watch(value)
        super()._keep(value)

    def _watch(self, value: Any) -> None:
        if not self.watching.held:  # casework knows no referral: one that was accepted comes first
            story = Story()
            story.case, story.person, story.at = value.case_id, value.person_id, datetime(2020, 3, 2, tzinfo=UTC)
            self.watching.held = story.accepted().held
        self.watching.hear(value, value.news)

    @invariant()
    def the_picture_says_the_same(self) -> None:
        """State, dates and what is late."""
        engagement = self.engagement
        picture = self.watching.picture(engagement.case_id)
        assert picture is not None
        assert picture.engagement is not None
        assert picture.state.value == engagement.status.value
        assert picture.engagement.planned_end_on == engagement.planned_end_on
        assert (picture.ended_at is not None) == (picture.state is State.CLOSED)
        needed = {need.aspect for need in engagement.needs if need.closed_on is None}
        assert {gap.aspect for gap in picture.gaps or ()} == (set() if picture.ended_at else needed)


class WatchedReferral(ReferralMachine):
    """The machine of referral, watched."""

    def __init__(self) -> None:
        super().__init__()
        self.watching = Watching(REFERRAL)

    @rule(often=st.integers(1, 6))
    def goes_on(self, often: int) -> None:
        """The next steps of its way, which blind choice seldom finds."""
        for _ in range(often):
            self.submit(young=False, duplicate=False)
            self.triage(conflict=False)
            if often > 2:
                self.accept(decided=True)
            if often > 4:
                self.allocated(off=0)
                self.converted(off=0)
            self.reopen()

    def attempt(self, method: Any, *args: Any, **given: Any) -> None:
        before = self.value
        super().attempt(method, *args, **given)
        if self.value is not before and self.value.version > before.version:
            self.watching.hear(self.value, method(before)(*args, **given).news)

    @invariant()
    def the_picture_says_the_same(self) -> None:
        """State, and whether a decision is due."""
        picture, status = self.watching.picture(self.value.case_id), self.value.status
        # A draft that was taken back was never submitted: there is no case to show.
        assert (picture and picture.state) == (STANDS[status] if self.value.submitted_at else None)
        if picture is not None:
            undecided = status in {Status.SUBMITTED, Status.IN_TRIAGE}
            assert picture.decision_due_at == (self.value.due_at if undecided else None)


WatchedEngagement.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
WatchedReferral.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestEngagement = WatchedEngagement.TestCase
TestReferral = WatchedReferral.TestCase
