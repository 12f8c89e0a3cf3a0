"""The codes that `decide` judges by: published lists, the same in every house (events.md 3, rules.md 11)."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Category(StrEnum):
    """What a field that may be shared holds."""

    CONTACT_DETAILS = "CONTACT_DETAILS"
    APPOINTMENTS = "APPOINTMENTS"
    PLAN_GOALS = "PLAN_GOALS"
    PLAN_FULL = "PLAN_FULL"
    CRISIS_PLAN = "CRISIS_PLAN"
    ASSESSMENT_SUMMARY = "ASSESSMENT_SUMMARY"
    HOUSING_NEEDS = "HOUSING_NEEDS"
    HEALTH_NEEDS = "HEALTH_NEEDS"
    RISK_SUMMARY = "RISK_SUMMARY"
    LICENCE_STATUS = "LICENCE_STATUS"
    RECALL_STATUS = "RECALL_STATUS"
    OWN_WORDS = "OWN_WORDS"


class Regime(StrEnum):
    """Under which part of the Data Protection Act 2018 an organisation processes."""

    PART2 = "PART2"
    PART3 = "PART3"


class LawfulBasis(StrEnum):
    """The lawful basis of processing; his agreement is never one."""

    PUBLIC_TASK = "PUBLIC_TASK"
    LEGAL_OBLIGATION = "LEGAL_OBLIGATION"
    VITAL_INTERESTS = "VITAL_INTERESTS"
    LEGITIMATE_INTERESTS = "LEGITIMATE_INTERESTS"
    RECOGNISED_LEGITIMATE_INTEREST = "RECOGNISED_LEGITIMATE_INTEREST"
    LAW_ENFORCEMENT_TASK = "LAW_ENFORCEMENT_TASK"


class Confidentiality(StrEnum):
    """The basis of confidentiality on which something may be known."""

    AGREED = "AGREED"
    DIRECT_CARE = "DIRECT_CARE"
    PUBLIC_INTEREST = "PUBLIC_INTEREST"
    STATUTE = "STATUTE"
    COURT_ORDER = "COURT_ORDER"
    SECTION_251 = "SECTION_251"


class Statute(StrEnum):
    """The statutory gateways an agreement may name."""

    OMA_2007_S14 = "OMA_2007_S14"
    CJA_2003_S325 = "CJA_2003_S325"
    CDA_1998_S115 = "CDA_1998_S115"
    CRIME_AND_COURTS_2013_S7 = "CRIME_AND_COURTS_2013_S7"
    HSCA_2012_S251B = "HSCA_2012_S251B"
    CARE_ACT_2014_S45 = "CARE_ACT_2014_S45"


# A power is a public task, a duty a legal obligation: by the wording of each.
LAWFUL: Final = {
    Statute.OMA_2007_S14: LawfulBasis.PUBLIC_TASK,
    Statute.CJA_2003_S325: LawfulBasis.PUBLIC_TASK,
    Statute.CDA_1998_S115: LawfulBasis.PUBLIC_TASK,
    Statute.CRIME_AND_COURTS_2013_S7: LawfulBasis.PUBLIC_TASK,
    Statute.HSCA_2012_S251B: LawfulBasis.LEGAL_OBLIGATION,
    Statute.CARE_ACT_2014_S45: LawfulBasis.LEGAL_OBLIGATION,
}
# Arrangements for the management of risk reach a voluntary organisation only as an Associate of the authority.
MANAGING_RISK: Final = Statute.CJA_2003_S325


class GateRefusal(StrEnum):
    """Which condition did not hold, from the first that is looked at to the last."""

    UNKNOWN_VALUE = "unknown_value"
    RECIPIENT_IS_OWNER = "recipient_is_owner"
    FEED_STALE = "feed_stale"
    PERSON_HELD = "person_held"
    LISTED = "listed"
    NO_RELATIONSHIP = "no_relationship"
    ISA_NOT_IN_FORCE = "isa_not_in_force"
    PURPOSE_NOT_AGREED = "purpose_not_agreed"
    CATEGORY_NOT_AGREED = "category_not_agreed"
    BASIS_NOT_ADMITTED = "basis_not_admitted"
    BASIS_REFERENCE_MISSING = "basis_reference_missing"
    NOT_AN_ASSOCIATE = "not_an_associate"
    CONSENT_MISSING = "consent_missing"
    CONSENT_REVIEW_PASSED = "consent_review_passed"
