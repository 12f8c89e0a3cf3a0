"""Sharing agreements for tests: plausible by default, one argument to differ."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from partners.domain.agreement.codes import (
    Article9,
    Article10,
    Category,
    ControllerRole,
    LawfulBasis,
    OtherBasis,
    Purpose,
    Regime,
    Statute,
)
from partners.domain.agreement.terms import Party, Terms

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def a_party(org_id: str, **given: Any) -> Party:
    """A charity or trust under Part 2."""
    fitting: dict[str, Any] = {
        "controller_role": ControllerRole.CONTROLLER,
        "regime": Regime.PART2,
        "lawful_basis": LawfulBasis.LEGITIMATE_INTERESTS,
        "article_9_condition": Article9.HEALTH_OR_SOCIAL_CARE_SCH1_P2,
        "article_10_condition": Article10.HEALTH_OR_SOCIAL_CARE_SCH1_P2,
        "policy_document": f"APD-{org_id}-1",
    }
    return Party(org_id=org_id, **(fitting | given))


def probation(**given: Any) -> Party:
    """A competent authority under Part 3."""
    fitting = {
        "regime": Regime.PART3,
        "lawful_basis": LawfulBasis.LAW_ENFORCEMENT_TASK,
        "article_9_condition": Article9.STATUTORY_PURPOSE_SCH8_P1,
        "article_10_condition": Article10.OFFICIAL_AUTHORITY,
    }
    return a_party("probation", **(fitting | given))


def terms(*others: str, **given: Any) -> Terms:
    """Between Together and a trust, or these others: appointments and goals, for handoffs and support."""
    named = others or ("north-london-nhs",)
    fitting: dict[str, Any] = {
        "parties": (a_party("together"), *map(a_party, named)),
        "recipients": ("together", *named),
        "purposes": (Purpose.HANDOFF, Purpose.DELIVER_SUPPORT),
        "categories": (Category.APPOINTMENTS, Category.PLAN_GOALS),
        "confidentiality_bases": (OtherBasis.COURT_ORDER,),
        "statutes": (),
        "standing_basis": None,
        "standing_reference": "",
        "standing_recipients": (),
        "associates": (),
        "retention_days": 365,
        "valid_from": date(2026, 3, 1),
        "valid_to": date(2027, 2, 28),
        "review_on": date(2026, 9, 1),
    }
    return Terms(**(fitting | given))


def standing(**given: Any) -> Terms:
    """With probation, by statute, without asking him each time."""
    fitting: dict[str, Any] = {
        "parties": (a_party("together"), probation()),
        "recipients": ("together", "probation"),
        "statutes": (Statute.OMA_2007_S14,),
        "standing_basis": OtherBasis.STATUTE,
        "standing_reference": "OMA_2007_S14",
        "standing_recipients": ("probation",),
    }
    return terms(**(fitting | given))
