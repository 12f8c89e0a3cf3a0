"""The story of the service, person by person, act by act: a quarter of a year, through the public doors."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from chassis.access import Actor, Purpose, Role
from house import staff
from house.demo.script import Script, eventually
from referral.domain.practitioner import practitioner_ref

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from house.clients import Clients
    from house.demo.people import Person, Practitioner

    Plays = Callable[[Person, date], Awaitable[None]]

_AT_ONCE: Final = 6
_TAKEN_ON: Final = frozenset({"supported", "paused", "missed", "recall", "consultation", "twice", "closed"})
_SUPPORTED: Final = frozenset({"supported", "paused", "recall", "closed", "twice"})


async def for_each(
    people: Iterable[Person], plays: Sequence[Plays], today: date, done: Callable[[], None] = lambda: None
) -> None:
    """One act for every person, a few at a time; `done` hears of each."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(person: Person) -> None:
        async with gate:
            for play in plays:
                await play(person, today)
        done()

    await asyncio.gather(*(one(person) for person in people))


class Story:
    """What the house that leads does, and who refers to it; `acts` are its acts by their names."""

    def __init__(self, script: Script, clients: Clients, *, organisation: str, house_key: bytes) -> None:
        self.script, self.clients = script, clients
        self.organisation, self._house_key = organisation, house_key
        self.manager = self._staff(staff.MANAGER)
        self.clinician = self._staff(staff.CLINICIAN)
        self.acts: dict[str, Plays] = {
            "refer": self.refer, "decide": self.decide, "begin": self.begin, "offer": self.redirect,
            "support": self.support, "interrupt": self.interrupt, "go_on": self.go_on,
        }  # fmt: skip

    def _staff(self, who: str) -> Actor:
        return staff.acting(who, organisation=self.organisation, purpose=Purpose.DELIVER_SUPPORT)

    def practitioner(self, who: Practitioner) -> Actor:
        """A guest: his id is made from his verified e-mail."""
        own = practitioner_ref(who.email, house_key=self._house_key)
        return Actor(id=own, role=Role.PP, organisation=staff.PROBATION, purpose=Purpose.REFERRAL_TRIAGE)

    def worker(self, person: Person) -> str:
        """Who works with him."""
        return staff.WORKERS[person.number % len(staff.WORKERS)]

    async def refer(self, person: Person, today: date) -> None:
        """A practitioner refers; one man is referred by two."""
        await self._refer(person, person.practitioner, today, person.name, send=person.path != "draft")
        if person.path == "twice":
            other = type(person.practitioner)(1 + person.practitioner.number % 6)
            await self._refer(person, other, today, f"{person.name}:again", send=True)

    async def _refer(self, person: Person, by: Practitioner, today: date, step: str, *, send: bool) -> None:
        who, day = self.practitioner(by), today.isoformat()
        started = await self.script.call(f"{step}:start", who, "StartReferral", {
            "programme": person.programme, "kind": person.kind, "referrer_kind": "PROBATION",
            "referrer_organisation": staff.PROBATION, "identifiers": person.identifiers,
            "person": person.details(today), "answers": person.answers(today),
        })  # fmt: skip
        about = {"referral_id": started.referral_id}
        await self.script.call(f"{step}:practitioner", who, "SetPractitioner", {**about, "practitioner": by.contact})
        if person.programme == "EERSS" and not step.endswith(":again"):
            await self.script.call(f"{step}:screening", who, "RecordScreening", {
                "person_id": started.person_id, "source": "PP_ATTESTED", "base_result": "SCREENED_IN",
                "completed_on": (today - timedelta(days=30)).isoformat(),
            })  # fmt: skip
        told = {"told_on": day, "told_how": "FACE_TO_FACE", "willing": "YES"}
        await self._versioned(f"{step}:told", who, "RecordToldAndWilling", started.referral_id, told)
        if send:
            await self._versioned(f"{step}:submit", who, "SubmitReferral", started.referral_id, {})

    async def decide(self, person: Person, today: date) -> None:
        """Triage on the same day, but for one path that nobody looks at in time."""
        if person.path == "withdrawn":
            fields = {"reason": "MOVED_AWAY", "note": "He has moved to another region.", "by_party": "REFERRER"}
            who = self.practitioner(person.practitioner)
            await self._versioned(
                f"{person.name}:withdraw", who, "WithdrawReferral", await self._referral(person), fields
            )
        elif person.path in ("declined", "unwilling"):
            await self._triage(person)
            await self._decline(person, today)
        elif person.path == "redirected":
            await self._triage(person)
        elif person.path in _TAKEN_ON and person.path != "missed":
            await self._triage(person)
            await self._accept(person, today)

    async def _triage(self, person: Person) -> None:
        fields = {"no_conflict_of_interest": True}
        await self._versioned(
            f"{person.name}:triage", self._triager(person), "StartTriage", await self._referral(person), fields
        )

    def _triager(self, person: Person) -> Actor:
        return self.clinician if person.programme == "RECALL_SUPPORT" else self.manager

    async def _decline(self, person: Person, today: date) -> None:
        if person.path == "unwilling":
            given = {"person_id": await self._person(person), "purpose": "PARTICIPATE", "explained_how": "FACE_TO_FACE"}
            given["programme_id"] = await self._programme(person)
            await self.script.call(f"{person.name}:says-no", self.manager, "DeclineConsent", given)
        reason = {
            "reason": "NO_CONSENT" if person.path == "unwilling" else "NO_CAPACITY",
            "note": "Told to his practitioner.",
        }
        fields = {**reason, "suggestions": ["PEER_SUPPORT"]}
        await self._versioned(
            f"{person.name}:decline", self._triager(person), "DeclineReferral", await self._referral(person), fields
        )

    async def _accept(self, person: Person, today: date) -> None:
        if person.kind == "PERSON_SUPPORT":
            await self.script.call(f"{person.name}:says-yes", self.manager, "GrantConsent", {
                "person_id": await self._person(person), "purpose": "PARTICIPATE",
                "programme_id": await self._programme(person), "explained_how": "FACE_TO_FACE",
                "language": "en-GB", "copy_offered": True,
            })  # fmt: skip
        fields = {"risk_summary_read_on": today.isoformat(), "decided_by_me": True}
        if person.kind == "PERSON_SUPPORT":
            fields["proposed_worker"] = self.worker(person)
        await self._versioned(
            f"{person.name}:accept", self._triager(person), "AcceptReferral", await self._referral(person), fields
        )

    async def begin(self, person: Person, today: date) -> None:
        """A worker is named, the work opens, and how to reach him safely is agreed."""
        if person.path not in _SUPPORTED:
            return
        person_id = await self._person(person)
        safe = {"person_id": person_id, "channels": ["PHONE", "LETTER"], "days": [1, 2, 3, 4, 5], "from_hour": 10}
        reached = {"person_id": person_id, "phone": f"+4477009001{person.number % 100:02d}"}
        await self.script.call(
            f"{person.name}:channels", self.manager, "SetContactChannels", self._with_version(person_id, reached)
        )
        safe |= {"to_hour": 17, "voicemail": False, "unnamed": True}
        await self.script.call(
            f"{person.name}:safe", self.manager, "SetSafeContact", self._with_version(person_id, safe)
        )

        async def allocation() -> dict[str, Any]:
            found = await eventually(lambda: self._allocation(person), f"The allocation of {person.name}")
            return {"allocation_id": found.allocation_id, "expected_version": found.version}

        async def naming() -> dict[str, Any]:
            return {**await allocation(), "worker_ref": self.worker(person)}

        await self.script.call(f"{person.name}:allocate", self.manager, "AllocateWorker", naming)
        await self.script.call(f"{person.name}:open", self.manager, "OpenEngagement", allocation)

    async def redirect(self, person: Person, today: date) -> None:
        """A woman whom the service does not take has agreed to be offered to the women's partner."""
        if person.path != "redirected":
            return
        fields = {"reason": "COHORT", "note": "She asked for a service for women.", "agreed_on": today.isoformat()}
        fields["offer_id"] = await self.offer("WOMENS_SERVICE", person.gender)
        await self._versioned(
            f"{person.name}:redirect", self.manager, "RedirectReferral", await self._referral(person), fields
        )

    async def offer(self, aspect: str, gender: str) -> str:
        """What the directory of this house holds for somebody, the best first."""

        async def first() -> str | None:
            wanted: dict[str, Any] = {"aspect_codes": [aspect], "gender": gender, "page_size": 1}
            found = (await self.clients.call(self.manager, "SearchOffers", **wanted)).found
            return str(found[0].offer.offer_id) if found else None

        async def look() -> str:
            return await eventually(first, f"An offer of {aspect}")

        return str(await self.script.value(f"offer:{aspect}:{gender}", look))

    async def share(self, step: str, person: Person, recipient: str) -> Any:
        """He or she lets this organisation know how to be reached, and of appointments."""
        return await self.script.call(f"{person.name}:{step}:{recipient}", self.manager, "GrantConsent", {
            "person_id": await self._person(person), "purpose": "SHARE", "recipient": recipient,
            "scope_codes": ["CONTACT_DETAILS", "APPOINTMENTS"], "explained_how": "FACE_TO_FACE",
            "language": "en-GB", "copy_offered": True,
        })  # fmt: skip

    async def case(self, person: Person) -> str:
        """The case the referral opened."""
        return str((await self._started(person)).case_id)

    async def support(self, person: Person, today: date) -> None:
        """He is met and agrees what to work on. What nobody had looked at is looked at, too late."""
        if person.path == "missed":
            await self._triage(person)
            await self._accept(person, today)
        if person.path not in _SUPPORTED:
            return
        tried = {"channel": "PHONE", "attempted_on": today.isoformat()}
        await self._engaged(f"{person.name}:tried", person, "RecordContactAttempt", tried)
        answer = {"recorded_on": today.isoformat(), "recorded_by": self.worker(person)}
        agreed = {"attended_session": answer, "contact_plan": answer, "contacts_per_week": 2}
        await self._engaged(f"{person.name}:agreed", person, "AgreeSupport", agreed)
        ratings = [{"area": "MOTIVATION_ENGAGEMENT", "score": 3}, {"area": "RELATIONSHIPS", "score": 4}]
        await self._engaged(f"{person.name}:rated", person, "RecordRating", {"phase": "START", "ratings": ratings})

    async def interrupt(self, person: Person, today: date) -> None:
        """One is recalled and the work stands still; another has reached what he came for."""
        if person.path == "paused":
            fields = {"reason": "RECALLED", "paused_on": today.isoformat()}
            fields["earliest_out_on"] = (today + timedelta(days=28)).isoformat()
            await self._engaged(f"{person.name}:pause", person, "PauseEngagement", fields)
        elif person.path == "closed":
            reason = {"reason": "He has reached what he came for and wants to end.", "agreed_by": staff.MANAGER}
            await self._engaged(f"{person.name}:ending", person, "StartEnding", {"outcome": "COMPLETED", **reason})

    async def go_on(self, person: Person, today: date) -> None:
        """He is back and the work goes on; the other's ends well."""
        if person.path == "paused":
            await self._engaged(f"{person.name}:resume", person, "ResumeEngagement", {"resumed_on": today.isoformat()})
        elif person.path == "closed":
            answer = {"recorded_on": today.isoformat(), "recorded_by": self.worker(person)}
            names = ("ending_session", "final_ratings", "handoffs_settled", "end_report")
            await self._engaged(f"{person.name}:close", person, "CloseEngagement", dict.fromkeys(names, answer))
        elif person.path in _SUPPORTED:
            ratings = [{"area": "MOTIVATION_ENGAGEMENT", "score": 6}, {"area": "RELATIONSHIPS", "score": 5}]
            await self._engaged(
                f"{person.name}:rated-again", person, "RecordRating", {"phase": "REVIEW", "ratings": ratings}
            )

    async def _started(self, person: Person) -> Any:
        return await self.script.call(f"{person.name}:start", self.manager, "StartReferral", {})

    async def _referral(self, person: Person) -> str:
        return str((await self._started(person)).referral_id)

    async def _person(self, person: Person) -> str:
        return str((await self._started(person)).person_id)

    async def _programme(self, person: Person) -> str:
        async def look() -> str:
            found = await self.clients.call(self.manager, "ListProgrammes", code=person.programme)
            return str(found.programmes[0].programme_id)

        return str(await self.script.value(f"programme:{person.programme}", look))

    async def _allocation(self, person: Person) -> Any:
        case = (await self._started(person)).case_id
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

    async def _engaged(self, step: str, person: Person, name: str, fields: dict[str, Any]) -> Any:
        """A command of his worker on his engagement, at the version it has just now."""
        opened = await self.script.call(f"{person.name}:open", self.manager, "OpenEngagement", {})

        async def build() -> dict[str, Any]:
            found = await self.clients.call(self.manager, "GetEngagement", engagement_id=opened.engagement_id)
            about = {"engagement_id": opened.engagement_id, "expected_version": found.engagement.version}
            return {**about, **fields}

        return await self.script.call(step, self._staff(self.worker(person)), name, build)
