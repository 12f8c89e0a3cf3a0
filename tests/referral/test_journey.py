"""One man's way through two services on a real bus: accepted here, allocated and opened there, heard back here."""

from uuid import uuid4

from casework.domain.worker import TrainingTopic
from referral.storage import AGREEMENTS
from tests.referral.conftest import EW1, SM1
from tests.referral.test_rpc import Caller
from tests.support.guests import agreed
from throughcare.casework.v1 import service_pb2 as work
from throughcare.casework.v1.service_pb2_grpc import CaseworkServiceStub


async def test_a_case_from_the_first_line_to_the_work_and_back(house):
    async with house("referral", "casework") as h:
        await agreed(h.database("referral"), AGREEMENTS, "probation")
        call = Caller(h.stub(lambda channel: channel, "referral"))
        ids = await call.seed()
        started, sent, practitioner = await call.submitted()
        referral = {"referral_id": started.referral_id}
        assert (sent.decision, sent.warnings) == ("PASS", [])

        triage = await call("StartTriage", **referral, no_conflict_of_interest=True, expected_version=sent.version)
        await call(
            "GrantConsent",
            person_id=started.person_id,
            purpose="PARTICIPATE",
            programme_id=ids["EERSS"],
            explained_how="PHONE",
        )
        decision = {"risk_summary_read_on": "2026-01-05", "decided_by_me": True, "proposed_worker": "staff-ew-1"}
        await call("AcceptReferral", **referral, **decision, expected_version=triage.version)
        await h.until_quiet()

        await a_cleared_worker(h)
        casework = h.stub(CaseworkServiceStub, "casework")
        allocations = await h.ask(casework.ListAllocations, work.ListAllocationsRequest(case_id=started.case_id), SM1)
        allocation = allocations.allocations[0]
        given = {"allocation_id": allocation.allocation_id, "worker_ref": "staff-ew-1"}
        request = work.AllocateWorkerRequest(**given, expected_version=allocation.version)
        version = (await h.ask(casework.AllocateWorker, request, SM1, key=uuid4())).version
        await h.until_quiet()
        seen = await call("GetReferral", practitioner, **referral)
        assert (seen.referral.status, seen.practitioner_name) == ("ALLOCATED", "Alex Moore")

        request = work.OpenEngagementRequest(allocation_id=allocation.allocation_id, expected_version=version)
        await h.ask(casework.OpenEngagement, request, SM1, key=uuid4())
        await h.until_quiet()
        seen = await call("GetReferral", EW1, **referral)
        assert seen.referral.status == "CONVERTED"


async def a_cleared_worker(h):
    """Registered, trained and cleared, so that he may be given work."""
    casework = h.stub(CaseworkServiceStub, "casework")
    worker = {"worker_ref": "staff-ew-1"}

    async def ask(name, **given):
        request = getattr(work, f"{name}Request")(**worker, **given)
        return (await h.ask(getattr(casework, name), request, SM1, key=uuid4())).version

    version = await ask("RegisterWorker", role="EW", organisation="together", capacity=3)
    topics = [topic.value for topic in TrainingTopic]
    training = {"topics": topics, "completed_on": "2026-01-05", "valid_to": "2028-01-05"}
    version = await ask("RecordTrainingComplete", **training, expected_version=version)
    induction = {"recorded_on": "2026-01-05", "recorded_by": "staff-sm-1"}
    await ask("ClearWorker", vetting_valid_to="2028-01-05", induction=induction, expected_version=version)
