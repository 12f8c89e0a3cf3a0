"""The story of the service, man by man, act by act: a quarter of a year, through the public doors."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from chassis.access import Actor, Purpose, Role
from house import staff
from house.demo.script import Script, eventually
from referral.domain.practitioner import practitioner_ref

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from house.clients import Clients
    from house.demo.people import Man, Practitioner

_AT_ONCE: Final = 6
ACTS: Final = 6
_TAKEN_ON: Final = frozenset({"supported", "paused", "missed", "recall", "consultation", "twice", "closed"})
_SUPPORTED: Final = frozenset({"supported", "paused", "recall", "closed", "twice"})


class Story:
    """Plays each act for every man; `told` hears of each man that is through with an act."""

    def __init__(self, script: Script, clients: Clients, *, organisation: str, house_key: bytes) -> None:
        self.script, self.clients = script, clients
        self.organisation, self._house_key = organisation, house_key
        self.manager = self._staff(staff.MANAGER)
        self.clinician = self._staff(staff.CLINICIAN)

    def _staff(self, who: str) -> Actor:
        return staff.acting(who, organisation=self.organisation, purpose=Purpose.DELIVER_SUPPORT)

    def practitioner(self, who: Practitioner) -> Actor:
        """A guest: his id is made from his verified e-mail."""
        own = practitioner_ref(who.email, house_key=self._house_key)
        return Actor(id=own, role=Role.PP, organisation=staff.PROBATION, purpose=Purpose.REFERRAL_TRIAGE)

    def worker(self, man: Man) -> str:
        """Who works with him."""
        return staff.WORKERS[man.number % len(staff.WORKERS)]

    async def act(self, number: int, men: tuple[Man, ...], today: date, told: Callable[[], None]) -> None:
        """One act for every man, a few at a time."""
        acts = (self.refer, self.decide, self.begin, self.support, self.interrupt, self.go_on)
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(man: Man) -> None:
            async with gate:
                await acts[number](man, today)
            told()

        await asyncio.gather(*(one(man) for man in men))

    async def refer(self, man: Man, today: date) -> None:
        """His practitioner refers him; one man is referred by two."""
        await self._refer(man, man.practitioner, today, man.name, send=man.path != "draft")
        if man.path == "twice":
            other = type(man.practitioner)(1 + man.practitioner.number % 6)
            await self._refer(man, other, today, f"{man.name}:again", send=True)

    async def _refer(self, man: Man, by: Practitioner, today: date, step: str, *, send: bool) -> None:
        who, day = self.practitioner(by), today.isoformat()
        started = await self.script.call(f"{step}:start", who, "StartReferral", {
            "programme": man.programme, "kind": man.kind, "referrer_kind": "PROBATION",
            "referrer_organisation": staff.PROBATION, "identifiers": man.identifiers,
            "person": man.details(today), "answers": man.answers(today),
        })  # fmt: skip
        about = {"referral_id": started.referral_id}
        await self.script.call(f"{step}:practitioner", who, "SetPractitioner", {**about, "practitioner": by.contact})
        if man.programme == "EERSS" and not step.endswith(":again"):
            await self.script.call(f"{step}:screening", who, "RecordScreening", {
                "person_id": started.person_id, "source": "PP_ATTESTED", "base_result": "SCREENED_IN",
                "completed_on": (today - timedelta(days=30)).isoformat(),
            })  # fmt: skip
        told = {"told_on": day, "told_how": "FACE_TO_FACE", "willing": "YES"}
        await self._versioned(f"{step}:told", who, "RecordToldAndWilling", started.referral_id, told)
        if send:
            await self._versioned(f"{step}:submit", who, "SubmitReferral", started.referral_id, {})

    async def decide(self, man: Man, today: date) -> None:
        """Triage on the same day, but for one path that nobody looks at in time."""
        if man.path == "withdrawn":
            fields = {"reason": "MOVED_AWAY", "note": "He has moved to another region.", "by_party": "REFERRER"}
            who = self.practitioner(man.practitioner)
            await self._versioned(f"{man.name}:withdraw", who, "WithdrawReferral", await self._referral(man), fields)
        elif man.path in ("declined", "unwilling"):
            await self._triage(man)
            await self._decline(man, today)
        elif man.path in _TAKEN_ON and man.path != "missed":
            await self._triage(man)
            await self._accept(man, today)

    async def _triage(self, man: Man) -> None:
        fields = {"no_conflict_of_interest": True}
        await self._versioned(
            f"{man.name}:triage", self._triager(man), "StartTriage", await self._referral(man), fields
        )

    def _triager(self, man: Man) -> Actor:
        return self.clinician if man.programme == "RECALL_SUPPORT" else self.manager

    async def _decline(self, man: Man, today: date) -> None:
        if man.path == "unwilling":
            given = {"person_id": await self._person(man), "purpose": "PARTICIPATE", "explained_how": "FACE_TO_FACE"}
            given["programme_id"] = await self._programme(man)
            await self.script.call(f"{man.name}:says-no", self.manager, "DeclineConsent", given)
        reason = {
            "reason": "NO_CONSENT" if man.path == "unwilling" else "NO_CAPACITY",
            "note": "Told to his practitioner.",
        }
        fields = {**reason, "suggestions": ["PEER_SUPPORT"]}
        await self._versioned(
            f"{man.name}:decline", self._triager(man), "DeclineReferral", await self._referral(man), fields
        )

    async def _accept(self, man: Man, today: date) -> None:
        if man.kind == "PERSON_SUPPORT":
            await self.script.call(f"{man.name}:says-yes", self.manager, "GrantConsent", {
                "person_id": await self._person(man), "purpose": "PARTICIPATE",
                "programme_id": await self._programme(man), "explained_how": "FACE_TO_FACE",
                "language": "en-GB", "copy_offered": True,
            })  # fmt: skip
        fields = {"risk_summary_read_on": today.isoformat(), "decided_by_me": True}
        if man.kind == "PERSON_SUPPORT":
            fields["proposed_worker"] = self.worker(man)
        await self._versioned(
            f"{man.name}:accept", self._triager(man), "AcceptReferral", await self._referral(man), fields
        )

    async def begin(self, man: Man, today: date) -> None:
        """A worker is named, the work opens, and how to reach him safely is agreed."""
        if man.path not in _SUPPORTED:
            return
        person = await self._person(man)
        safe = {"person_id": person, "channels": ["PHONE", "LETTER"], "days": [1, 2, 3, 4, 5], "from_hour": 10}
        reached = {"person_id": person, "phone": f"+4477009001{man.number % 100:02d}"}
        await self.script.call(
            f"{man.name}:channels", self.manager, "SetContactChannels", self._with_version(person, reached)
        )
        safe |= {"to_hour": 17, "voicemail": False, "unnamed": True}
        await self.script.call(f"{man.name}:safe", self.manager, "SetSafeContact", self._with_version(person, safe))

        async def allocation() -> dict[str, Any]:
            found = await eventually(lambda: self._allocation(man), f"The allocation of {man.name}")
            return {"allocation_id": found.allocation_id, "expected_version": found.version}

        async def naming() -> dict[str, Any]:
            return {**await allocation(), "worker_ref": self.worker(man)}

        await self.script.call(f"{man.name}:allocate", self.manager, "AllocateWorker", naming)
        await self.script.call(f"{man.name}:open", self.manager, "OpenEngagement", allocation)

    async def support(self, man: Man, today: date) -> None:
        """He is met and agrees what to work on. What nobody had looked at is looked at, too late."""
        if man.path == "missed":
            await self._triage(man)
            await self._accept(man, today)
        if man.path not in _SUPPORTED:
            return
        tried = {"channel": "PHONE", "attempted_on": today.isoformat()}
        await self._engaged(f"{man.name}:tried", man, "RecordContactAttempt", tried)
        answer = {"recorded_on": today.isoformat(), "recorded_by": self.worker(man)}
        agreed = {"attended_session": answer, "contact_plan": answer, "contacts_per_week": 2}
        await self._engaged(f"{man.name}:agreed", man, "AgreeSupport", agreed)
        ratings = [{"area": "MOTIVATION_ENGAGEMENT", "score": 3}, {"area": "RELATIONSHIPS", "score": 4}]
        await self._engaged(f"{man.name}:rated", man, "RecordRating", {"phase": "START", "ratings": ratings})

    async def interrupt(self, man: Man, today: date) -> None:
        """One is recalled and the work stands still; another has reached what he came for."""
        if man.path == "paused":
            fields = {"reason": "RECALLED", "paused_on": today.isoformat()}
            fields["earliest_out_on"] = (today + timedelta(days=28)).isoformat()
            await self._engaged(f"{man.name}:pause", man, "PauseEngagement", fields)
        elif man.path == "closed":
            reason = {"reason": "He has reached what he came for and wants to end.", "agreed_by": staff.MANAGER}
            await self._engaged(f"{man.name}:ending", man, "StartEnding", {"outcome": "COMPLETED", **reason})

    async def go_on(self, man: Man, today: date) -> None:
        """He is back and the work goes on; the other's ends well."""
        if man.path == "paused":
            await self._engaged(f"{man.name}:resume", man, "ResumeEngagement", {"resumed_on": today.isoformat()})
        elif man.path == "closed":
            answer = {"recorded_on": today.isoformat(), "recorded_by": self.worker(man)}
            names = ("ending_session", "final_ratings", "handoffs_settled", "end_report")
            await self._engaged(f"{man.name}:close", man, "CloseEngagement", dict.fromkeys(names, answer))
        elif man.path in _SUPPORTED:
            ratings = [{"area": "MOTIVATION_ENGAGEMENT", "score": 6}, {"area": "RELATIONSHIPS", "score": 5}]
            await self._engaged(f"{man.name}:rated-again", man, "RecordRating", {"phase": "REVIEW", "ratings": ratings})

    async def _started(self, man: Man) -> Any:
        return await self.script.call(f"{man.name}:start", self.manager, "StartReferral", {})

    async def _referral(self, man: Man) -> str:
        return str((await self._started(man)).referral_id)

    async def _person(self, man: Man) -> str:
        return str((await self._started(man)).person_id)

    async def _programme(self, man: Man) -> str:
        async def look() -> str:
            found = await self.clients.call(self.manager, "ListProgrammes", code=man.programme)
            return str(found.programmes[0].programme_id)

        return str(await self.script.value(f"programme:{man.programme}", look))

    async def _allocation(self, man: Man) -> Any:
        case = (await self._started(man)).case_id
        found = await self.clients.call(self.manager, "ListAllocations", case_id=case)
        return found.allocations[0] if found.allocations else None

    async def _versioned(self, step: str, who: Actor, name: str, referral_id: str, fields: dict[str, Any]) -> Any:
        """A command on a referral, at the version it has just now."""

        async def build() -> dict[str, Any]:
            found = await self.clients.call(self.manager, "GetReferral", referral_id=referral_id)
            return {"referral_id": referral_id, **fields, "expected_version": found.referral.version}

        return await self.script.call(step, who, name, build)

    def _with_version(self, person_id: str, fields: dict[str, Any]) -> Callable[[], Awaitable[dict[str, Any]]]:
        async def build() -> dict[str, Any]:
            found = await self.clients.call(self.manager, "GetPerson", person_id=person_id)
            return {**fields, "expected_version": found.version}

        return build

    async def _engaged(self, step: str, man: Man, name: str, fields: dict[str, Any]) -> Any:
        """A command of his worker on his engagement, at the version it has just now."""
        opened = await self.script.call(f"{man.name}:open", self.manager, "OpenEngagement", {})

        async def build() -> dict[str, Any]:
            found = await self.clients.call(self.manager, "GetEngagement", engagement_id=opened.engagement_id)
            about = {"engagement_id": opened.engagement_id, "expected_version": found.engagement.version}
            return {**about, **fields}

        return await self.script.call(step, self._staff(self.worker(man)), name, build)
