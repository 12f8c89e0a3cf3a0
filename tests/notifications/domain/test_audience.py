"""Who must hear."""

from datetime import date
from uuid import uuid4

from notifications.domain.answers import TO_THE_CASE, promises_kept
from notifications.domain.audience import Circle, Entry, Fact, Keeper, Lists, Rule, Told, who_must_hear
from notifications.domain.codes import Kind, Suppression, Urgency
from tests.notifications.builders import DAY, FROM, MONDAY

TRIAGE = Entry(kind=Kind.TEAM, ref="triage", roles=frozenset({"SM"}), organisation="together", left=False)
STAFF = [
    Entry(kind=Kind.STAFF, ref=ref, roles=frozenset({role}), organisation="together", left=left)
    for ref, role, left in [
        ("staff-sm-1", "SM", False), ("staff-sm-2", "SM", False), ("staff-sm-9", "SM", True),
        ("staff-cp-1", "CP", False), ("staff-ew-1", "EW", False), ("staff-ew-9", "EW", True),
    ]
]  # fmt: skip
BOOK = (TRIAGE, *STAFF)


def rule(told, fact="worker.allocated", **given):
    fitting = {"channels": "P+E", "template": "worker-named", "urgency": Urgency.TODAY, "valid_from": FROM}
    return Rule(fact=fact, told=tuple(Told(each) for each in told.split()), **fitting | given)


def a_fact(name="worker.allocated", **given):
    return Fact(name=name, event_id=uuid4(), at=MONDAY, subject_id=uuid4(), case_id=uuid4(), **given)


def told(fact, *rules, keepers=(), day=DAY, **circle):
    found = who_must_hear(
        fact, rules=rules, keepers=keepers, circle=Circle(book=BOOK, house="together", **circle), day=day
    )
    return [(each.recipient.ref, each.recipient.role, each.suppressed) for each in found]


def test_the_worker_and_the_one_before_are_told():
    assert told(a_fact(worker_before="staff-ew-2"), rule("WORKER WORKER_BEFORE"), worker="staff-ew-1") == [
        ("staff-ew-1", "EW", None),
        ("staff-ew-2", "EW", None),
    ]


PARTNERS = Entry(kind=Kind.TEAM, ref="partners", roles=frozenset({"PW"}), organisation="together", left=False)


def test_whoever_handles_it_is_the_worker_and_the_partners_desk_else_the_service_manager():
    fact, rules = a_fact("handoff.accepted"), [rule("HANDLER", fact="handoff.accepted")]

    def handlers(*desk, worker=""):
        circle = Circle(book=(*BOOK, *desk), house="together", worker=worker)
        found = who_must_hear(fact, rules=rules, keepers=(), circle=circle, day=DAY)
        return [each.recipient.ref for each in found]

    assert handlers(PARTNERS, worker="staff-ew-1") == ["staff-ew-1", "partners"]
    assert handlers(PARTNERS) == ["partners"]
    assert handlers(worker="staff-ew-1") == ["staff-ew-1"]
    assert handlers() == ["triage"]


def test_where_the_worker_has_left_the_service_manager_is_told():
    assert told(a_fact(), rule("WORKER")) == []
    assert told(a_fact(), rule("WORKER"), worker="staff-ew-9") == [("triage", "SM", None)]


def test_nobody_is_told_twice_by_one_template():
    assert told(a_fact(), rule("SM WORKER"), rule("SM", channels="E"), worker="staff-ew-9") == [("triage", "SM", None)]


def test_a_house_without_a_team_tells_everybody_of_the_role_who_has_not_left():
    found = who_must_hear(a_fact(), rules=[rule("SM")], keepers=[], circle=Circle(book=tuple(STAFF)), day=DAY)
    assert [each.recipient.ref for each in found] == ["staff-sm-1", "staff-sm-2"]


def test_a_house_without_a_contact_book_still_keeps_a_notice_to_be_seen():
    found = who_must_hear(a_fact(), rules=[rule("SM")], keepers=[], circle=Circle(house="together"), day=DAY)
    assert [(each.recipient.kind, each.recipient.ref) for each in found] == [(Kind.TEAM, "sm")]


def test_the_practitioner_is_told_where_there_is_one():
    assert told(a_fact(), rule("PRACTITIONER")) == []
    assert told(a_fact(), rule("PRACTITIONER"), practitioner="pp-1") == [("pp-1", "PP", None)]


def test_the_referrer_is_the_practitioner_until_somebody_has_submitted():
    assert told(a_fact(), rule("REFERRER"), practitioner="pp-1") == [("pp-1", "PP", None)]
    assert told(a_fact(), rule("REFERRER"), practitioner="pp-1", referrer="pp-2") == [("pp-2", "PP", None)]
    assert told(a_fact(), rule("REFERRER"), referrer="staff-sm-1", referrer_role="SM") == [("staff-sm-1", "SM", None)]


def test_from_whom_the_case_is_hidden_is_not_told():
    deny, allow = Lists(deny=frozenset({"staff-ew-1"})), Lists(allow=(frozenset({"staff-sm-2"}),))

    assert told(a_fact(), rule("WORKER"), worker="staff-ew-1", lists=deny) == [
        ("staff-ew-1", "EW", Suppression.CASE_RESTRICTED)
    ]
    assert told(a_fact(), rule("SM"), lists=deny) == [("staff-sm-1", "SM", None), ("staff-sm-2", "SM", None)]
    assert told(a_fact(), rule("SM"), lists=allow) == [("staff-sm-2", "SM", None)]
    assert told(a_fact(), rule("PRACTITIONER"), practitioner="pp-1", lists=allow) == [
        ("pp-1", "PP", Suppression.CASE_RESTRICTED)
    ]


def test_a_list_may_name_an_employer():
    probation = Lists(deny=frozenset({"probation"}))
    circle = {"practitioner": "pp-1", "referrer": "pp-1", "referrer_organisation": "probation"}

    assert told(a_fact(), rule("PRACTITIONER"), lists=probation, **circle) == [
        ("pp-1", "PP", Suppression.CASE_RESTRICTED)
    ]


def test_where_nobody_of_a_role_may_know_the_notice_stands_suppressed():
    nobody = Lists(allow=(frozenset({"staff-ew-1"}),))
    assert told(a_fact(), rule("SM"), lists=nobody) == [("triage", "SM", Suppression.CASE_RESTRICTED)]


KEEPERS = (
    Keeper(about="L1", told=(Told.SM,), first=True, valid_from=FROM),
    Keeper(about="L3", told=(Told.WORKER, Told.CP), first=True, valid_from=FROM),
    Keeper(about="RECALL_SUGGESTED", told=(Told.PRACTITIONER, Told.CP), valid_from=FROM),
)


def test_a_missed_promise_is_told_to_its_keeper():
    missed = rule("KEEPER", fact="deadline_missed", template="promise-missed")

    def to(promise, **circle):
        return [
            ref
            for ref, *_ in told(a_fact("allocation.deadline_missed", about=promise), missed, keepers=KEEPERS, **circle)
        ]

    assert to("L1") == ["triage"]
    assert to("L3", worker="staff-ew-1") == ["staff-ew-1"]
    assert to("L3") == ["staff-cp-1"]
    assert to("L99") == ["triage"]


def test_a_prompt_is_told_to_everybody_who_sees_its_kind():
    raised = [
        rule("VIEWER", fact="prompt.raised", template="prompt", urgency=Urgency.DIGEST),
        rule("VIEWER", fact="prompt.raised", only="RECALL_SUGGESTED", template="prompt", urgency=Urgency.TODAY),
    ]
    fact = a_fact("prompt.raised", about="RECALL_SUGGESTED")
    circle = Circle(book=BOOK, practitioner="pp-1")
    found = who_must_hear(fact, rules=raised, keepers=KEEPERS, circle=circle, day=DAY)

    assert [(each.recipient.ref, each.rule.urgency) for each in found] == [
        ("pp-1", Urgency.TODAY),
        ("staff-cp-1", Urgency.TODAY),
    ]


def test_rows_of_a_later_day_stand_in_the_place_of_all_before():
    later = rule("SM", valid_from=date(2026, 4, 1))

    assert told(a_fact(), rule("WORKER"), later, worker="staff-ew-1") == [("staff-ew-1", "EW", None)]
    assert told(a_fact(), rule("WORKER"), later, worker="staff-ew-1", day=date(2026, 4, 1)) == [("triage", "SM", None)]


def test_a_fact_without_rows_is_told_to_nobody():
    assert told(a_fact("engagement.activated"), rule("SM")) == []


def test_an_answer_covers_the_templates_and_promises_it_names():
    begun = TO_THE_CASE["referral.triage_started"]

    assert begun.covers(template="referral-arrived", about="")
    assert begun.covers(template="promise-missed", about="L1")
    assert not begun.covers(template="promise-missed", about="L2")
    assert TO_THE_CASE["referral.withdrawn"].covers(template="promise-missed", about="L2")
    assert promises_kept("referral.triage_started") == ("L1",)
    assert promises_kept("referral.withdrawn") == ("*",)
    assert promises_kept("engagement.paused") == ()
