"""The people of a journey and what each does, always through the public doors of a running house."""

from __future__ import annotations

import importlib
from contextlib import suppress
from dataclasses import replace
from datetime import date, time, timedelta
from typing import TYPE_CHECKING, Any

from google.protobuf.message_factory import GetMessageClass
from grpc.aio import AioRpcError

from casework.storage.metadata import AGREEMENTS as CASEWORK
from chassis.access import Actor, Purpose, Role
from chassis.calendar import at_london, is_working_day, local_date
from chassis.database import now
from partners.domain.agreement.codes import Category
from partners.domain.agreement.codes import Purpose as Purposes
from partners.rpc.agreements import _said_terms
from referral.domain.practitioner import practitioner_ref
from referral.storage import AGREEMENTS as REFERRAL
from tests.partners.agreements import standing
from tests.support.guests import agreed

if TYPE_CHECKING:
    from partners.domain.agreement.terms import Terms
    from tests.support.house import House

CAMDEN = "E09000007"
PRACTITIONER_EMAIL = "alex.moore@justice.gov.uk"
MANAGER = Actor(id="staff-sm-1", role=Role.SM, organisation="together", purpose=Purpose.REFERRAL_TRIAGE)
SECOND_MANAGER = Actor(id="staff-sm-2", role=Role.SM, organisation="together", purpose=Purpose.REFERRAL_TRIAGE)
WORKER = Actor(id="staff-ew-1", role=Role.EW, organisation="together", purpose=Purpose.DELIVER_SUPPORT)
OTHER_WORKER = Actor(id="staff-ew-2", role=Role.EW, organisation="together", purpose=Purpose.DELIVER_SUPPORT)
GUARDIAN = Actor(id="staff-ig-1", role=Role.IG, organisation="together", purpose=Purpose.AUDIT)
CHANNELS = ("PHONE", "SMS")
# What each service has heard of agreements, in a house without the service that signs them.
HEARD = {"referral": REFERRAL, "casework": CASEWORK}
STUBS = {
    "referral": "ReferralService",
    "casework": "CaseworkService",
    "partners": "PartnerService",
    "notifications": "NotificationService",
}


class Journey:
    """One man's way through a house, and the ids and versions his papers have by now."""

    def __init__(self, house: House) -> None:
        self.house = house
        key = house.parts["referral"].works.settings.shared_key
        self.practitioner = Actor(
            id=practitioner_ref(PRACTITIONER_EMAIL, house_key=key),
            role=Role.PP,
            organisation="probation",
            purpose=Purpose.RISK_MANAGEMENT,
        )
        self.programme = self.referral = self.case = self.person = self.reference = ""
        self.allocation = self.engagement = ""
        self.version = self.allocation_version = self.engagement_version = 0

    async def ask(self, method: str, actor: Actor, *, of: str = "referral", **given: Any) -> Any:
        """Call one method of a service for this person."""
        contract = importlib.import_module(f"throughcare.{of}.v1.service_pb2")
        doors = importlib.import_module(f"throughcare.{of}.v1.service_pb2_grpc")
        stub = self.house.stub(getattr(doors, f"{STUBS[of]}Stub"), of)
        described = contract.DESCRIPTOR.services_by_name[STUBS[of]].methods_by_name[method]
        request = GetMessageClass(described.input_type)(**given)
        return await self.house.ask(getattr(stub, method), request, actor)

    async def today(self) -> date:
        """The London day of the house."""
        async with self.house.database("referral").connection() as conn:
            return local_date(await now(conn))

    async def day(self, ahead: int = 0) -> str:
        """A day from today."""
        return (await self.today() + timedelta(days=ahead)).isoformat()

    async def recorded(self, by: Actor) -> dict[str, str]:
        """An answer recorded today by somebody."""
        return {"recorded_on": await self.day(), "recorded_by": by.id}

    # What is there before he comes.

    async def _in_force(self, method: str, **given: Any) -> Any:
        """Drafted by one manager, brought into force by another."""
        fitting = {"valid_from": "2020-04-01", **given}
        drafted = await self.ask(method, MANAGER, **fitting)
        named = {"programme_id": drafted.programme_id, "draft_id": drafted.policy_id}
        return await self.ask(method, SECOND_MANAGER, **named, expected_version=drafted.version)

    async def probation_has_an_agreement(self) -> None:
        """The guardians of the house and of probation have signed: its practitioners are guests here from now on."""
        if "partners" not in self.house.parts:
            for name, held in HEARD.items():
                if name in self.house.parts:
                    await agreed(self.house.database(name), held, "probation")
            return
        for org_id, sector in (("together", "VOLUNTARY"), ("probation", "PROBATION")):
            about = {"org_id": org_id, "name": org_id.title(), "sector": sector, "effective_on": "2020-04-01"}
            with suppress(AioRpcError):  # it is registered already
                await self.ask("RegisterOrganisation", MANAGER, of="partners", **about)
        drafted = await self.ask("DraftIsa", MANAGER, of="partners", terms=_said_terms(await self._standing()))
        for version, organisation in enumerate(("together", "probation"), 1):
            guardian = replace(GUARDIAN, organisation=organisation)
            reads = {"isa_id": drafted.isa_id, "terms_hash": drafted.terms_hash, "expected_version": version}
            await self.ask("ActivateIsa", guardian, of="partners", **reads)
        await self.house.until_quiet()

    async def _standing(self) -> Terms:
        today = await self.today()
        lasting = {"valid_from": today, "valid_to": today + timedelta(days=700)}
        covers = {"purposes": tuple(Purposes), "categories": tuple(Category)}
        return standing(**lasting, **covers, review_on=today + timedelta(days=300))

    async def morning_of_a_working_day(self, *, and_in: timedelta) -> None:
        """Wind the house to ten o'clock of the next working day that is followed by another after this time."""
        async with self.house.database("referral").connection() as conn:
            at = await now(conn)
        morning = at_london(local_date(at) + timedelta(days=1), time(10))
        while not (is_working_day(local_date(morning)) and is_working_day(local_date(morning + and_in))):
            morning = at_london(local_date(morning) + timedelta(days=1), time(10))
        await self.house.wind(morning - at)

    async def programme_opens_in_camden(self) -> None:
        """The service is in force, and the quadrant of Camden is open; probation may refer."""
        await self.probation_has_an_agreement()
        published = await self._in_force(
            "PublishProgramme", code="EERSS", name="Together Wellbeing Pathway", principles=["MENTORING", "ADVOCACY"]
        )
        self.programme = published.programme_id
        of_it = {"programme_id": self.programme}
        version = published.version
        legal = {"gender_criterion": True, "legal_reason": "Schedule 3 paragraph 27", "screening_required": True}
        ruled = await self._in_force("PublishEligibilityPolicy", **of_it, **legal, expected_version=version)
        waiting = {
            "basis": "Equality Act 2010 s.158",
            "evidence": "Under-representation",
            "impact_assessment": "EIA-1",
            "review_on": await self.day(365),
        }
        await self._in_force("PublishPriorityPolicy", **of_it, **waiting, expected_version=ruled.version)
        planned = await self.ask("PlanPhase", MANAGER, **of_it, quadrant="NW", opens_on=await self.day())
        campaign = {"phase_id": planned.phase_id, "prerequisite": "CAMPAIGN", "done_on": await self.day()}
        done = await self.ask("CompletePrerequisite", MANAGER, **campaign, expected_version=planned.version)
        await self.ask("OpenPhase", MANAGER, phase_id=planned.phase_id, expected_version=done.version)

    async def worker_is_cleared(self, worker: Actor = WORKER) -> None:
        """A worker has what he needs to be given work."""
        casework = {"of": "casework", "worker_ref": worker.id}
        registered = await self.ask(
            "RegisterWorker", MANAGER, **casework, role="EW", organisation="together", capacity=12
        )
        topics = [topic.value for topic in importlib.import_module("casework.domain.worker").TrainingTopic]
        training = {"topics": topics, "completed_on": await self.day(), "valid_to": await self.day(700)}
        trained = await self.ask(
            "RecordTrainingComplete", MANAGER, **casework, **training, expected_version=registered.version
        )
        clearance = {"vetting_valid_to": await self.day(700), "induction": await self.recorded(MANAGER)}
        await self.ask("ClearWorker", MANAGER, **casework, **clearance, expected_version=trained.version)

    # The practitioner.

    async def practitioner_refers_him(self, *, crn: str = "X123456") -> None:
        """He is told, willing and screened in; his practitioner sends the referral."""
        started = await self.ask(
            "StartReferral",
            self.practitioner,
            programme="EERSS",
            kind="PERSON_SUPPORT",
            referrer_kind="PROBATION",
            referrer_organisation="probation",
            identifiers={"crn": crn},
            person={"family_name": "Fairweather", "preferred_name": "Jay", "date_of_birth": "1990-01-10"},
            answers={"borough": CAMDEN, "gender": "MALE"},
        )
        self.referral, self.case = started.referral_id, started.case_id
        self.person, self.reference = started.person_id, started.case_reference
        told = await self.ask(
            "RecordToldAndWilling",
            self.practitioner,
            referral_id=self.referral,
            told_on=await self.day(),
            told_how="FACE_TO_FACE",
            willing="YES",
            expected_version=started.version,
        )
        screen = {"source": "PP_ATTESTED", "base_result": "SCREENED_IN", "completed_on": await self.day(-60)}
        await self.ask("RecordScreening", self.practitioner, person_id=self.person, **screen)
        contact = {"name": "Alex Moore", "email": PRACTITIONER_EMAIL, "pdu": "PDU-1"}
        await self.ask("SetPractitioner", self.practitioner, referral_id=self.referral, practitioner=contact)
        sent = {"referral_id": self.referral, "expected_version": told.version}
        self.version = (await self.ask("SubmitReferral", self.practitioner, **sent)).version

    # The service manager.

    async def manager_looks_at_it(self) -> None:
        """Triage; a promise missed meanwhile has raised the version."""
        self.version = (await self.ask("GetReferral", MANAGER, referral_id=self.referral)).referral.version
        looking = {"referral_id": self.referral, "no_conflict_of_interest": True, "expected_version": self.version}
        self.version = (await self.ask("StartTriage", MANAGER, **looking)).version

    async def he_agrees_to_take_part(self) -> None:
        """He agrees, and how he can be reached safely is recorded."""
        await self.ask(
            "GrantConsent",
            MANAGER,
            person_id=self.person,
            purpose="PARTICIPATE",
            programme_id=self.programme,
            explained_how="PHONE",
            language="en-GB",
            copy_offered=True,
        )
        person = await self.ask("GetPerson", MANAGER, person_id=self.person)
        reached = {"person_id": self.person, "phone": "+447700900123"}
        channels = await self.ask("SetContactChannels", MANAGER, **reached, expected_version=person.version)
        safe = {"channels": list(CHANNELS), "days": [1, 2, 3, 4, 5], "from_hour": 9, "to_hour": 17}
        await self.ask("SetSafeContact", MANAGER, person_id=self.person, **safe, expected_version=channels.version)

    async def he_takes_it_back(self) -> None:
        """He no longer wants to take part, and tells the manager."""
        held = (await self.ask("ListConsents", MANAGER, person_id=self.person)).consents
        (agreed,) = [consent for consent in held if consent.purpose == "PARTICIPATE" and consent.status == "GRANTED"]
        taking = {"consent_id": agreed.consent_id, "expected_version": agreed.version}
        await self.ask("WithdrawConsent", MANAGER, **taking)

    async def only_these_may_know_of_him(self, *people: Actor) -> None:
        """The guardian limits who may know."""
        limited = {"list": "ALLOW", "entries": [actor.id for actor in people], "expected_version": 0}
        await self.ask("SetAccessList", GUARDIAN, person_id=self.person, **limited)

    async def manager_takes_him_on(self) -> None:
        """Accepted by a named person."""
        decided = {"risk_summary_read_on": await self.day(), "decided_by_me": True}
        accepting = {"referral_id": self.referral, **decided, "expected_version": self.version}
        self.version = (await self.ask("AcceptReferral", MANAGER, **accepting)).version

    async def manager_names_the_worker(self) -> None:
        """Allocated, once casework has heard of the acceptance."""
        await self.house.until_quiet()
        waiting = await self.ask("ListAllocations", MANAGER, of="casework", case_id=self.case)
        (allocation,) = waiting.allocations
        self.allocation = allocation.allocation_id
        naming = {"allocation_id": self.allocation, "worker_ref": WORKER.id}
        named = await self.ask("AllocateWorker", MANAGER, of="casework", **naming, expected_version=allocation.version)
        self.allocation_version = named.version

    # The engagement worker.

    async def worker_begins(self) -> None:
        """The engagement is opened, once casework has heard that he agreed: that comes on another stream."""
        await self.house.until_quiet()
        opening = {"allocation_id": self.allocation, "expected_version": self.allocation_version}
        opened = await self.ask("OpenEngagement", WORKER, of="casework", **opening)
        self.engagement, self.engagement_version = opened.engagement_id, opened.version

    async def of_the_work(self, method: str, actor: Actor = WORKER, **given: Any) -> None:
        """One step of the engagement."""
        naming = {"engagement_id": self.engagement, "expected_version": self.engagement_version}
        answer = await self.ask(method, actor, of="casework", **naming, **given)
        self.engagement_version = answer.version

    async def worker_tries_to_reach_him(self, *, by: str = "PHONE") -> None:
        """An attempt at contact."""
        await self.of_the_work("RecordContactAttempt", channel=by, attempted_on=await self.day())

    async def support_is_agreed(self) -> None:
        """He came to a first session, and how often they meet is settled."""
        answers = {"attended_session": await self.recorded(WORKER), "contact_plan": await self.recorded(WORKER)}
        await self.of_the_work("AgreeSupport", **answers, contacts_per_week=2)

    async def he_goes_to_hospital(self) -> None:
        """The work pauses."""
        dated = {"paused_on": await self.day(), "review_on": await self.day(21)}
        await self.of_the_work("PauseEngagement", reason="HOSPITAL", **dated)

    async def he_comes_back(self) -> None:
        """The work goes on."""
        await self.of_the_work("ResumeEngagement", resumed_on=await self.day())

    async def they_come_to_the_end(self) -> None:
        """The end is announced, and kept."""
        await self.of_the_work("StartEnding", outcome="COMPLETED", reason="He has what he came for")
        answered = await self.recorded(WORKER)
        answers = dict.fromkeys(("ending_session", "final_ratings", "handoffs_settled", "end_report"), answered)
        await self.of_the_work("CloseEngagement", **answers)

    # What there is to see.

    async def picture(self, viewer: Actor) -> Any:
        """The picture of his case, for one viewer, once everything told has been heard."""
        await self.house.until_quiet()
        asked = {"case_reference": self.reference}
        return (await self.ask("GetPicture", viewer, of="partners", **asked)).picture

    async def told(self, reader: Actor) -> list[str]:
        """Of what a reader has been sent a notice."""
        asked = {"case_id": self.case, "page_size": 200}
        found = (await self.ask("ListNotices", MANAGER, of="notifications", **asked)).notices
        return sorted(notice.fact for notice in found if notice.recipient_ref == reader.id and notice.state == "SENT")

    async def was_told(self, reader: Actor, fact: str) -> bool:
        """Whether a reader has been sent a notice of this."""
        return fact in await self.told(reader)

    async def set_aside(self) -> list[str]:
        """Messages that any service of the house could not handle."""
        found = []
        for name, parts in self.house.parts.items():
            async with parts.database.connection() as conn:
                found += [f"{name}: {row['reason']}" for row in await conn.fetch("select reason from parked")]
        return found

    async def status(self) -> str:
        """How the referral stands with its owner."""
        answer = await self.ask("GetReferral", MANAGER, referral_id=self.referral)
        return str(answer.referral.status)
