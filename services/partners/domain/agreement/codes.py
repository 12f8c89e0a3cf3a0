"""The published lists that the terms of an agreement choose from (events.md 3, access.md 6, rules.md 11)."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Status(StrEnum):
    """How an agreement stands."""

    DRAFT = "DRAFT"
    IN_REVIEW = "IN_REVIEW"
    ACTIVE = "ACTIVE"
    EXPIRING = "EXPIRING"
    SUSPENDED = "SUSPENDED"
    EXPIRED = "EXPIRED"
    ENDED = "ENDED"


class ControllerRole(StrEnum):
    """What a party is to the data."""

    CONTROLLER = "CONTROLLER"
    JOINT_CONTROLLER = "JOINT_CONTROLLER"
    PROCESSOR = "PROCESSOR"


class Regime(StrEnum):
    """Under which part of the Data Protection Act 2018 a party processes."""

    PART2 = "PART2"
    PART3 = "PART3"


class LawfulBasis(StrEnum):
    """The lawful basis of a party; his agreement is never one."""

    PUBLIC_TASK = "PUBLIC_TASK"
    LEGAL_OBLIGATION = "LEGAL_OBLIGATION"
    VITAL_INTERESTS = "VITAL_INTERESTS"
    LEGITIMATE_INTERESTS = "LEGITIMATE_INTERESTS"
    RECOGNISED_LEGITIMATE_INTEREST = "RECOGNISED_LEGITIMATE_INTEREST"
    LAW_ENFORCEMENT_TASK = "LAW_ENFORCEMENT_TASK"


class OtherBasis(StrEnum):
    """The bases of confidentiality that an agreement may admit beside his own agreement, which it always does."""

    DIRECT_CARE = "DIRECT_CARE"
    PUBLIC_INTEREST = "PUBLIC_INTEREST"
    STATUTE = "STATUTE"
    COURT_ORDER = "COURT_ORDER"
    SECTION_251 = "SECTION_251"


class Statute(StrEnum):
    """The statutory gateways an agreement may rest on."""

    OMA_2007_S14 = "OMA_2007_S14"
    CJA_2003_S325 = "CJA_2003_S325"
    CDA_1998_S115 = "CDA_1998_S115"
    CRIME_AND_COURTS_2013_S7 = "CRIME_AND_COURTS_2013_S7"
    HSCA_2012_S251B = "HSCA_2012_S251B"
    CARE_ACT_2014_S45 = "CARE_ACT_2014_S45"


class Article9(StrEnum):
    """The condition for data of health: of article 9(2), with its paragraph of Schedule 1; or of Schedule 8, Part 3."""

    NONE = "NONE"
    HEALTH_OR_SOCIAL_CARE_SCH1_P2 = "HEALTH_OR_SOCIAL_CARE_SCH1_P2"
    STATUTORY_PURPOSE_SCH1_P6 = "STATUTORY_PURPOSE_SCH1_P6"
    PREVENTING_CRIME_SCH1_P10 = "PREVENTING_CRIME_SCH1_P10"
    CONFIDENTIAL_COUNSELLING_SCH1_P17 = "CONFIDENTIAL_COUNSELLING_SCH1_P17"
    SAFEGUARDING_SCH1_P18 = "SAFEGUARDING_SCH1_P18"
    STATUTORY_PURPOSE_SCH8_P1 = "STATUTORY_PURPOSE_SCH8_P1"
    ADMINISTERING_JUSTICE_SCH8_P2 = "ADMINISTERING_JUSTICE_SCH8_P2"
    SAFEGUARDING_SCH8_P4 = "SAFEGUARDING_SCH8_P4"


class Article10(StrEnum):
    """The condition for data of offences: a paragraph of Schedule 1, or official authority."""

    NONE = "NONE"
    OFFICIAL_AUTHORITY = "OFFICIAL_AUTHORITY"
    HEALTH_OR_SOCIAL_CARE_SCH1_P2 = "HEALTH_OR_SOCIAL_CARE_SCH1_P2"
    STATUTORY_PURPOSE_SCH1_P6 = "STATUTORY_PURPOSE_SCH1_P6"
    PREVENTING_CRIME_SCH1_P10 = "PREVENTING_CRIME_SCH1_P10"
    CONFIDENTIAL_COUNSELLING_SCH1_P17 = "CONFIDENTIAL_COUNSELLING_SCH1_P17"
    SAFEGUARDING_SCH1_P18 = "SAFEGUARDING_SCH1_P18"
    EXTENDED_SCH1_P36 = "EXTENDED_SCH1_P36"


# The conditions of Part 3: for competent authorities alone.
OF_PART3: Final = frozenset(
    {Article9.STATUTORY_PURPOSE_SCH8_P1, Article9.ADMINISTERING_JUSTICE_SCH8_P2, Article9.SAFEGUARDING_SCH8_P4}
)


class Purpose(StrEnum):
    """What for."""

    REFERRAL_TRIAGE = "REFERRAL_TRIAGE"
    DELIVER_SUPPORT = "DELIVER_SUPPORT"
    HANDOFF = "HANDOFF"
    RISK_MANAGEMENT = "RISK_MANAGEMENT"
    SAFEGUARDING = "SAFEGUARDING"
    CO_ORDINATION = "CO_ORDINATION"
    CLINICAL_CARE = "CLINICAL_CARE"
    RECALL_CONSULTATION = "RECALL_CONSULTATION"
    EVALUATION = "EVALUATION"
    SUBJECT_REQUEST = "SUBJECT_REQUEST"
    COMPLAINT = "COMPLAINT"
    AUDIT = "AUDIT"
    WORKFORCE = "WORKFORCE"
    OPERATE = "OPERATE"


class Category(StrEnum):
    """What may be known."""

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
