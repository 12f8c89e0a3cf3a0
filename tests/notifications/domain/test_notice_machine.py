"""Any schedule of claims, answers, silence, crashes, heard facts and people: a refusal changes nothing, the facts form
a path in the table, and at most one letter leaves."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chassis.aggregate import Event, Refused
from notifications.domain import notice_facts
from notifications.domain.codes import Failure, Suppression
from notifications.domain.notice import RETRY_AFTER, Found, Status
from tests.notifications.builders import MONDAY, a_notice, stored

S = Status
WAITING = {S.REQUESTED, S.SCHEDULED, S.RENDERED, S.TEMPORARY_FAILURE}
# states.md 10, row by row: what each fact may lead from and to.
TABLE = {
    "Requested": {(S.REQUESTED, S.REQUESTED)},
    "Suppressed": {(was, S.SUPPRESSED) for was in WAITING},
    "Scheduled": {(S.REQUESTED, S.SCHEDULED)},
    "Rendered": {(S.SCHEDULED, S.RENDERED)},
    "Claimed": {(S.RENDERED, S.SENDING), (S.TEMPORARY_FAILURE, S.SENDING)},
    "Asked": {(S.SENDING, S.SENDING)},
    "Sent": {(S.SENDING, S.SENT)},
    "Failed": {(S.SENDING, to) for to in (S.TEMPORARY_FAILURE, S.PERMANENT_FAILURE, S.TECHNICAL_FAILURE)},
    "LeftUnknown": {(S.SENDING, S.UNKNOWN)},
    "Resolved": {(S.UNKNOWN, S.SENT), (S.UNKNOWN, S.PERMANENT_FAILURE)},
    "Delivered": {(S.SENT, S.DELIVERED)},
    "Acknowledged": {(S.SENT, S.ACKNOWLEDGED), (S.DELIVERED, S.ACKNOWLEDGED)},
    "Escalated": {
        (was, S.ESCALATED) for was in (S.SENT, S.DELIVERED, S.UNKNOWN, S.PERMANENT_FAILURE, S.TECHNICAL_FAILURE)
    },
    "Expired": {(was, S.EXPIRED) for was in WAITING},
    "Retried": {(was, S.SCHEDULED) for was in (S.PERMANENT_FAILURE, S.TECHNICAL_FAILURE, S.EXPIRED)},
}


class OneLetter(RuleBasedStateMachine):
    """`notice` is what is committed; `taken` holds the claims that some process works on, each with what its channel
    did; a process may die with them at any moment."""

    tells = False

    def __init__(self):
        super().__init__()
        self.now = MONDAY
        self.notice = a_notice().request(at=self.now)
        self.commit(a_notice(status=S.REQUESTED), self.notice)
        self.taken = []
        self.left = 0

    def commit(self, before, after):
        facts = [type(fact).__name__ for fact in after.news]
        assert len(facts) <= 1, facts
        for fact in facts:
            assert (before.status, after.status) in TABLE[fact], (fact, before.status, after.status)
        self.notice = stored(after)
        assert self.notice.version == before.version + len(facts)

    def try_to(self, act):
        """One command: it refuses and changes nothing, or its fact is committed."""
        before = self.notice
        try:
            after = act(before)
        except Refused:
            assert self.notice == before
            return False
        self.commit(before, after)
        return True

    @rule()
    def schedules(self):
        self.try_to(lambda n: n.schedule(at=self.now))

    @rule()
    def renders(self):
        self.try_to(lambda n: n.render(n.template_version + 1, at=self.now))

    @rule()
    def claims(self):
        """Committed before the call goes out; nothing has left yet."""
        if self.try_to(lambda n: n.claim(n.id, at=self.now)):
            self.taken.append("claimed")

    @precondition(lambda self: "claimed" in self.taken)
    @rule(answer=st.sampled_from(["took it", "took it silently", "not now", "never", "broken"]))
    def is_called(self, answer):
        """The channel is called, by whoever holds the claim; the answer may never come."""
        self.taken.remove("claimed")
        self.left += answer.startswith("took it")
        if answer != "took it silently":
            self.taken.append(answer)

    @precondition(lambda self: set(self.taken) - {"claimed"})
    @rule(data=st.data())
    def records(self, data):
        answer = data.draw(st.sampled_from(sorted(set(self.taken) - {"claimed"})))
        self.taken.remove(answer)
        acts = {
            "took it": lambda n: n.send(at=self.now),
            "not now": lambda n: n.fail_for_now(Failure.BUSY, at=self.now),
            "never": lambda n: n.fail_for_good(Failure.REFUSED, at=self.now),
            "broken": lambda n: n.fail_technically(Failure.MISCONFIGURED, at=self.now),
        }
        self.try_to(acts[answer])

    @precondition(lambda self: self.taken)
    @rule()
    def the_process_dies(self):
        self.taken.clear()

    @rule(seconds=st.sampled_from([1, 30, 60, 3600, 86_400]))
    def time_passes(self, seconds):
        """No call outlives its lease: its channel's own limit is shorter."""
        self.now += timedelta(seconds=seconds)
        if seconds >= 60:
            self.taken.clear()

    @rule()
    def the_lease_is_over(self):
        if not self.tells:
            self.try_to(lambda n: n.lose(at=self.now))
        elif self.try_to(lambda n: n.ask(at=self.now)):
            self.try_to(lambda n: n.send(at=self.now) if self.left else n.fail_for_now(Failure.BUSY, at=self.now))

    @rule()
    def it_arrives(self):
        self.try_to(lambda n: n.deliver(at=self.now))

    @rule()
    def somebody_acknowledges(self):
        self.try_to(lambda n: n.acknowledge(by="staff-ew-1", at=self.now))

    @rule(reason=st.sampled_from(list(Suppression)))
    def a_fact_suppresses_it(self, reason):
        self.try_to(lambda n: n.suppress(reason, at=self.now))

    @rule()
    def it_goes_up(self):
        self.try_to(lambda n: n.escalate(at=self.now))

    @rule()
    def it_is_of_no_use_any_more(self):
        self.try_to(lambda n: n.expire(at=self.now))

    @rule(days=st.integers(-1, 9))
    def somebody_retries(self, days):
        self.try_to(lambda n: n.retry(use_by=self.now + timedelta(days=days), send_after=self.now, at=self.now))

    @rule(outcome=st.sampled_from(list(Found)), note=st.sampled_from(["", "Rang him."]))
    def somebody_resolves(self, outcome, note):
        """A person tells the truth, as far as the channel knows it."""
        if outcome is Found.SENT or not self.left:
            self.try_to(lambda n: n.resolve(outcome, note=note, at=self.now))

    @invariant()
    def at_most_one_letter_has_left(self):
        assert self.left <= 1

    @invariant()
    def what_left_is_never_waiting_again(self):
        assert not (self.left and self.notice.status in WAITING)

    @invariant()
    def tries_are_bounded(self):
        assert self.notice.tries <= len(RETRY_AFTER) + 1

    @invariant()
    def a_claim_is_open_only_while_it_is_being_sent(self):
        assert (self.notice.lease_until is not None) is (self.notice.status is S.SENDING)


class OneLetterByAChannelThatTells(OneLetter):
    """The same with a channel that can be asked what became of our reference."""

    tells = True


TestOneLetter = OneLetter.TestCase
TestOneLetterByAChannelThatTells = OneLetterByAChannelThatTells.TestCase


def test_every_fact_of_a_notice_stands_in_the_table():
    kinds = [held for held in vars(notice_facts).values() if isinstance(held, type)]
    facts = {held.__name__ for held in kinds if issubclass(held, Event) and held is not Event}

    assert facts - {"Missed"} == set(TABLE)
