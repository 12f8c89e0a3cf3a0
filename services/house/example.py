"""The example house: programmes in force with every quadrant open, organisations, staff and cleared workers.

All of it goes through the public doors, as any house would set itself up, and only what is missing: a second run,
or one after a kill, changes nothing that stands. A house without a service has nothing made for it. Offers of several
houses come after they were made known to each other: a house that does not know another yet believes nothing it says.
`python -m house.example DATA [NODE | --offers]`.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID, uuid5

from chassis.access import Purpose
from chassis.calendar import local_date
from house import clock, example_agreements, example_directory, output, staff
from house.clients import Clients
from house.folder import Folder
from house.patience import patiently
from house.status import until_quiet
from house.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

_KEYS: Final = UUID("6f0d7c3e-8a51-4f0e-9c57-2d3a5b1e9f40")
_PATIENCE: Final = 60.0
QUADRANTS: Final = ("NE", "NW", "SE", "SW")
RECALL_AREA: Final = ("E09000007", "E09000019")  # Camden and Islington
TRAINING: Final = ("SAFEGUARDING", "LONE_WORKING", "DATA_PROTECTION", "RELATIONAL_PRACTICE", "RISK_AWARENESS")
_ALWAYS: Final = {"valid_from": "2020-04-01"}
_PRINCIPLES: Final = ["MENTORING", "ADVOCACY"]


def _policies(code: str, today: date) -> list[tuple[str, str, dict[str, Any]]]:
    """Each dated rule of a programme: its kind in the list of policies, the method, the request."""
    eerss = code == "EERSS"
    name = "Together Wellbeing Pathway" if eerss else "Recall support"
    terms = {
        "code": code, "name": name, "planned_months": 12, "cap_months": 18,
        "principles": _PRINCIPLES if eerss else ["PSYCHOLOGICALLY_INFORMED"],
        "kinds": ["PERSON_SUPPORT"] if eerss else ["PERSON_SUPPORT", "STAFF_CONSULTATION"],
        "referrer_kinds": ["PROBATION", "NHS_TRUST", "PARTNER", "SELF"] if eerss else ["PROBATION"],
    }  # fmt: skip
    eligibility = {
        "min_age": 18,
        "gender_criterion": eerss,
        "legal_reason": "Commissioned for men; women are offered the women's partner." if eerss else "",
        "screening_required": eerss,
        **({} if eerss else {"rosh_at_least": "HIGH"}),
    }
    priority = {
        "basis": "Positive action, Equality Act 2010 section 158.",
        "evidence": "Fewer men of minoritised groups and under 30 reach services like this one.",
        "impact_assessment": "EIA-EXAMPLE-1",
        "review_on": (today + timedelta(days=365)).isoformat(),
    }
    found: list[tuple[str, str, dict[str, Any]]] = [
        ("TERMS", "PublishProgramme", {**_ALWAYS, **terms}),
        ("ELIGIBILITY", "PublishEligibilityPolicy", {**_ALWAYS, **eligibility}),
        ("PRIORITY", "PublishPriorityPolicy", {**_ALWAYS, **priority}),
    ]
    found += [
        ("DELIVERY", "SetDeliveryMode", {**_ALWAYS, "quadrant": quadrant, "mode": "HYBRID"}) for quadrant in QUADRANTS
    ]
    if eerss:
        paid = {"commissioners": ["nhs-england", "hmpps"], "valid_to": "2028-03-31"}
        found.append(("COMMISSION", "SetCommission", {**_ALWAYS, **paid}))
    else:
        found.append(("AREA", "SetArea", {**_ALWAYS, "area_codes": list(RECALL_AREA)}))
    return found


@dataclass
class Example:
    """Makes what is missing in one house."""

    clients: Clients
    node: str
    organisation: str
    housed: frozenset[str]
    services: tuple[str, ...]
    today: date

    async def ensure(self) -> bool:
        """All but offers, in the order in which one part needs another; whether guests have to be waited for."""
        await example_directory.organisations(self)
        signed = "referral" in self.services and await example_agreements.with_probation(self)
        for code in ("EERSS", "RECALL_SUPPORT") if "referral" in self.services else ():
            await self._programme(code)
        if "casework" in self.services:
            await asyncio.gather(*(self._worker(worker) for worker in staff.WORKERS))
        await self._contacts()
        return signed

    async def publish(self) -> None:
        """Its offers."""
        await example_directory.offers(self, own=self.organisation, housed=self.housed)

    async def as_(self, who: str, name: str, step: str, /, **fields: Any) -> Any:
        """Give a command, once however often it is run."""
        return await self.as_of(self.organisation, who, name, step, **fields)

    async def as_of(self, employer: str, who: str, name: str, step: str, /, **fields: Any) -> Any:
        """The same for somebody of another organisation, who is a guest here."""
        actor = staff.acting(who, organisation=employer, purpose=Purpose.OPERATE)
        return await self.clients.call(actor, name, key=uuid5(_KEYS, f"{self.node}:{step}"), **fields)

    async def ask(self, name: str, /, **fields: Any) -> Any:
        """A question has no key: the next answer may be another."""
        actor = staff.acting(staff.MANAGER, organisation=self.organisation, purpose=Purpose.OPERATE)
        return await self.clients.call(actor, name, **fields)

    async def _known(self, code: str) -> Any:
        found = (await self.ask("ListProgrammes", code=code)).programmes
        return found[0] if found else None

    async def _programme(self, code: str) -> None:
        for number, (kind, name, fields) in enumerate(_policies(code, self.today)):
            await self._policy(code, kind, name, f"{code}:{number}", fields)
        for quadrant in QUADRANTS:
            await self._phase(code, quadrant)

    async def _policy(self, code: str, kind: str, name: str, step: str, fields: Mapping[str, Any]) -> None:
        """One service manager drafts, another brings it into force."""
        programme = await self._known(code)
        wanted = [fields["quadrant"]] if "quadrant" in fields else []
        same = [
            policy
            for policy in (programme.policies if programme else ())
            if policy.kind == kind and (not wanted or wanted[0] in policy.codes)
        ]
        if any(policy.state != "DRAFT" for policy in same):
            return
        if same:
            draft = same[0].policy_id
        else:
            about = {"programme_id": programme.programme_id, "expected_version": programme.version} if programme else {}
            answer = await self.as_(staff.MANAGER, name, f"{step}:draft", **fields, **about)
            draft = answer.policy_id
        programme = await self._known(code)
        about = {"programme_id": programme.programme_id, "expected_version": programme.version, "draft_id": draft}
        await self.as_(staff.SECOND_MANAGER, name, f"{step}:publish", **about)

    async def _phase(self, code: str, quadrant: str) -> None:
        programme = await self._known(code)
        phase = next((each for each in programme.phases if each.quadrant == quadrant), None)
        step, today = f"{code}:{quadrant}", self.today.isoformat()
        if phase is None:
            given = {"programme_id": programme.programme_id, "quadrant": quadrant, "opens_on": today}
            await self.as_(staff.MANAGER, "PlanPhase", f"{step}:plan", **given, prerequisites=["CAMPAIGN"])
            return await self._phase(code, quadrant)
        about = {"phase_id": phase.phase_id, "expected_version": phase.version}
        if phase.open_prerequisites:
            done = {"prerequisite": phase.open_prerequisites[0], "done_on": today}
            await self.as_(staff.MANAGER, "CompletePrerequisite", f"{step}:{done['prerequisite']}", **about, **done)
            return await self._phase(code, quadrant)
        if phase.state == "PLANNED":
            await self.as_(staff.MANAGER, "OpenPhase", f"{step}:open", **about)
        return None

    async def _worker(self, worker: str) -> None:
        known = {each.worker_ref: each for each in (await self.ask("ListWorkers", page_size=200)).workers}
        found, valid_to = known.get(worker), (self.today + timedelta(days=730)).isoformat()
        if found is None:
            given = {"worker_ref": worker, "role": "EW", "organisation": self.organisation, "capacity": 30}
            version = (await self.as_(staff.MANAGER, "RegisterWorker", f"{worker}:register", **given)).version
            trained = False
        elif found.status != "REGISTERED":
            return
        else:
            version, trained = found.version, set(TRAINING) <= set(found.training)
        about = {"worker_ref": worker}
        if not trained:
            given = {"topics": list(TRAINING), "completed_on": self.today.isoformat(), "valid_to": valid_to}
            version = (
                await self.as_(
                    staff.MANAGER,
                    "RecordTrainingComplete",
                    f"{worker}:train",
                    **about,
                    **given,
                    expected_version=version,
                )
            ).version
        induction = {"recorded_on": self.today.isoformat(), "recorded_by": staff.MANAGER}
        clear = {"vetting_valid_to": valid_to, "induction": induction, "expected_version": version}
        await self.as_(staff.MANAGER, "ClearWorker", f"{worker}:clear", **about, **clear)

    async def _contacts(self) -> None:
        contacts = (await self.ask("ListContacts", page_size=200)).contacts
        there = {each.ref for each in contacts}
        for number, who in enumerate(staff.EXAMPLE):
            if who not in there:
                role = staff.acting(who, organisation=self.organisation, purpose=Purpose.OPERATE).role.value
                given = {"staff_ref": who, "roles": [role], "organisation": self.organisation}
                reached = {"email": f"{who}@{self.node}.example", "sms": f"+4477009000{number:02d}"}
                await self.as_(staff.MANAGER, "SetStaffContact", f"contact:{who}", **given, **reached)
        if "triage" not in there:
            team = {"team_ref": "triage", "role": "SM", "email": f"triage@{self.node}.example"}
            await self.as_(staff.MANAGER, "SetTeamContact", "contact:triage", **team)


async def ensure(folder: Folder, *, patience: float = _PATIENCE) -> None:
    """Make the example in each house of this folder, or in the named one; where there are several their offers are
    left to `publish`. Raises `Trouble` where a door does not answer or refuses."""
    houses = folder.houses()
    await asyncio.gather(*(_ensured(house, patience, offers=len(houses) == 1) for house in houses))


async def publish(folder: Folder, *, patience: float = _PATIENCE) -> None:
    """What each house of this folder offers."""
    await asyncio.gather(*(_published(house, patience) for house in folder.houses()))


async def _ensured(folder: Folder, patience: float, *, offers: bool) -> None:
    async with Clients(folder, patience=patience) as clients:
        example = await _of(folder, clients, patience)
        signed = await example.ensure()
        if offers:
            await example.publish()
        if signed:
            await until_quiet(folder, patience)


async def _published(folder: Folder, patience: float) -> None:
    async with Clients(folder, patience=patience) as clients:
        await (await _of(folder, clients, patience)).publish()


async def _of(folder: Folder, clients: Clients, patience: float) -> Example:
    run = clients.run_now()
    today = local_date(await patiently(lambda: clock.now(folder, run), seconds=patience))
    housed = frozenset(doors.organisation for doors in run.houses.values())
    return Example(clients, run.node, run.organisation, housed, run.services, today)


if __name__ == "__main__":
    path, *rest = sys.argv[1:]
    node = next((each for each in rest if each != "--offers"), "")
    make = publish if "--offers" in rest else ensure
    try:
        asyncio.run(make(Folder(Path(path), node)))
    except Trouble as trouble:
        output.trouble(trouble)
        raise SystemExit(1) from None
