"""One man's way through the service, from acceptance to close, on a real database."""

from datetime import timedelta

from casework.commands import engagement
from casework.domain.ending import ContactChannel, EndAnswers, Outcome
from casework.domain.term import PauseReason, Recorded
from casework.queries import get_engagement, list_caseload
from tests.casework.giving import names
from tests.casework.house import WORKER


async def test_a_case_is_accepted_allocated_opened_paused_and_closed(staffed):
    case = await staffed.accepted()
    await staffed.safe(case)
    await staffed.allocate(case)
    id_ = await staffed.open(case, WORKER)
    today = await staffed.today()
    here = Recorded(on=today, by="staff-ew-1")

    async def do(command, version, **arguments):
        assert await staffed.do(command, WORKER, engagement_id=id_, expected=version, **arguments) == version + 1

    await do(engagement.record_contact_attempt, 1, channel=ContactChannel.PHONE, on=None)
    await do(engagement.agree_support, 2, attended_session=here, contact_plan=here, contacts_per_week=2)
    await do(
        engagement.pause_engagement,
        3,
        reason=PauseReason.RECALLED,
        on=None,
        review_on=today + timedelta(days=20),
        earliest_out_on=None,
    )
    await staffed.wind(days=14)
    await do(engagement.resume_engagement, 4, on=None)
    await do(engagement.start_ending, 5, outcome=Outcome.COMPLETED, reason="", agreed_by="")
    answers = EndAnswers(
        ending_session=Recorded(on=today + timedelta(days=14), by="staff-ew-1"),
        final_ratings=here,
        handoffs_settled=here,
        end_report=Recorded(on=today + timedelta(days=14), by="staff-ew-1"),
    )
    await do(engagement.close_engagement, 6, outcome=None, answers=answers)

    seen = await staffed.ask(get_engagement, WORKER, engagement_id=id_, case_id=None)
    assert seen.engagement.status == "CLOSED"
    assert [pause.reason for pause in seen.engagement.pauses] == [PauseReason.RECALLED]
    assert seen.worker_ref == "staff-ew-1"
    assert (await staffed.allocation_of(case))["status"] == "ENDED"
    assert (await staffed.ask(list_caseload, worker_ref=None, status=None, size=10, after=None)).total == 0
    assert names(await staffed.facts())[-11:] == [
        "Requested",
        "Allocated",
        "TakenUp",
        "Opened",
        "ContactAttempted",
        "Activated",
        "Paused",
        "Resumed",
        "EndingStarted",
        "Ended",
        "Closed",
    ]
