"""Of the example: the agreement between the house and probation, whose practitioners are guests of the house.

It rests on a statute (`OMA_2007_S14`), so that nobody has to be asked each time. The guardian of
probation signs as a guest: probation has no house here.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol

from house import staff

if TYPE_CHECKING:
    from datetime import date

PURPOSES: Final = (
    "REFERRAL_TRIAGE", "DELIVER_SUPPORT", "HANDOFF", "RISK_MANAGEMENT", "SAFEGUARDING", "CO_ORDINATION",
    "RECALL_CONSULTATION",
)  # fmt: skip
CATEGORIES: Final = (
    "CONTACT_DETAILS", "APPOINTMENTS", "PLAN_GOALS", "CRISIS_PLAN", "HOUSING_NEEDS", "RISK_SUMMARY", "LICENCE_STATUS",
    "RECALL_STATUS",
)  # fmt: skip
_LASTS: Final = timedelta(days=730)
_OVER: Final = ("EXPIRED", "ENDED")


class Example(Protocol):
    """What is needed of the example."""

    organisation: str
    today: date

    async def as_(self, who: str, name: str, step: str, /, **fields: Any) -> Any: ...
    async def as_of(self, employer: str, who: str, name: str, step: str, /, **fields: Any) -> Any: ...
    async def ask(self, name: str, /, **fields: Any) -> Any: ...


def _terms(organisation: str, today: date) -> dict[str, Any]:
    of_care = "HEALTH_OR_SOCIAL_CARE_SCH1_P2"
    ours = {"regime": "PART2", "lawful_basis": "LEGITIMATE_INTERESTS", "policy_document": "APD-EXAMPLE-1"}
    theirs = {"regime": "PART3", "lawful_basis": "LAW_ENFORCEMENT_TASK", "policy_document": "APD-EXAMPLE-2"}
    conditions = {"article_9_condition": of_care, "article_10_condition": of_care}
    enforcing = {"article_9_condition": "STATUTORY_PURPOSE_SCH8_P1", "article_10_condition": "OFFICIAL_AUTHORITY"}
    return {
        "parties": [
            {"org_id": organisation, "controller_role": "CONTROLLER", **ours, **conditions},
            {"org_id": staff.PROBATION, "controller_role": "CONTROLLER", **theirs, **enforcing},
        ],
        "recipients": [organisation, staff.PROBATION],
        "purposes": list(PURPOSES),
        "categories": list(CATEGORIES),
        "statutes": ["OMA_2007_S14"],
        "standing_basis": "STATUTE",
        "standing_reference": "OMA_2007_S14",
        "standing_recipients": [staff.PROBATION],
        "retention_days": 365,
        "valid_from": today.isoformat(),
        "valid_to": (today + _LASTS).isoformat(),
        "review_on": (today + _LASTS / 2).isoformat(),
    }


async def with_probation(example: Example) -> bool:
    """Whether it was signed now: then it has to be heard before a practitioner sees anything."""
    held = await _held(example)
    if held is None:
        await example.as_(staff.MANAGER, "DraftIsa", "isa:draft", terms=_terms(example.organisation, example.today))
        held = await _held(example)
    signed = {act.party for act in held.signed}
    for party in (example.organisation, staff.PROBATION):
        if party not in signed:
            held = await _held(example)
            reads = {"isa_id": held.isa_id, "terms_hash": held.terms_hash, "expected_version": held.version}
            await example.as_of(party, staff.GUARDIAN, "ActivateIsa", f"isa:sign:{party}", **reads)
    return len(signed) < 2


async def _held(example: Example) -> Any:
    """The agreement with probation that is not over."""
    found = (await example.ask("ListIsas", page_size=200)).isas
    return next(
        (
            isa
            for isa in found
            if isa.state not in _OVER and {party.org_id for party in isa.terms.parties} == _both(example)
        ),
        None,
    )


def _both(example: Example) -> set[str]:
    return {example.organisation, staff.PROBATION}
