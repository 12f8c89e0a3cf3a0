"""The code lists of a handoff, and the shared lists it draws on (rules.md 11)."""

from __future__ import annotations

from enum import StrEnum


class Side(StrEnum):
    """Which side of it a house is."""

    SENDER = "SENDER"
    RECEIVER = "RECEIVER"


class Kind(StrEnum):
    """What is handed over."""

    WARM_INTRODUCTION = "WARM_INTRODUCTION"
    REFERRAL_ON = "REFERRAL_ON"
    SHARED_CARE = "SHARED_CARE"
    TRANSFER = "TRANSFER"


class Origin(StrEnum):
    """Where it comes from."""

    WORK = "WORK"
    REDIRECT = "REDIRECT"


class Step(StrEnum):
    """The steps that can lose a race."""

    EXPIRED = "EXPIRED"
    RECEIVED = "RECEIVED"
    INFORMATION_SUPPLIED = "INFORMATION_SUPPLIED"
    ON_HOLD = "ON_HOLD"
    REVOKE_REQUESTED = "REVOKE_REQUESTED"


class Outcome(StrEnum):
    """What came of the work."""

    DELIVERED = "DELIVERED"
    PARTLY_DELIVERED = "PARTLY_DELIVERED"
    NEED_CHANGED = "NEED_CHANGED"


class ReasonGroup(StrEnum):
    """All that is told of why something does not go on."""

    ELIGIBILITY = "ELIGIBILITY"
    CAPACITY = "CAPACITY"
    PERSON_CHOICE = "PERSON_CHOICE"
    NEED_MET_ELSEWHERE = "NEED_MET_ELSEWHERE"
    CIRCUMSTANCE = "CIRCUMSTANCE"
    SAFETY = "SAFETY"
    ADMIN = "ADMIN"


class Reason(StrEnum):
    """Why it is declined, rests or could not be carried through; private to the house that says it."""

    NO_CAPACITY = "NO_CAPACITY"
    NOT_ELIGIBLE = "NOT_ELIGIBLE"
    OUT_OF_AREA = "OUT_OF_AREA"
    PERSON_DECLINED = "PERSON_DECLINED"
    OTHER_SERVICE = "OTHER_SERVICE"
    UNSAFE_TO_DELIVER = "UNSAFE_TO_DELIVER"
    CANNOT_CONTACT = "CANNOT_CONTACT"
    IN_CUSTODY = "IN_CUSTODY"
    IN_HOSPITAL = "IN_HOSPITAL"
    MOVED_AWAY = "MOVED_AWAY"
    DIED = "DIED"
    DUPLICATE = "DUPLICATE"
    MISTAKE = "MISTAKE"

    @property
    def group(self) -> ReasonGroup:
        """The group the reason is told as."""
        return _GROUPS.get(self, ReasonGroup.CIRCUMSTANCE)


_GROUPS = {
    Reason.NO_CAPACITY: ReasonGroup.CAPACITY,
    Reason.NOT_ELIGIBLE: ReasonGroup.ELIGIBILITY,
    Reason.OUT_OF_AREA: ReasonGroup.ELIGIBILITY,
    Reason.PERSON_DECLINED: ReasonGroup.PERSON_CHOICE,
    Reason.OTHER_SERVICE: ReasonGroup.NEED_MET_ELSEWHERE,
    Reason.UNSAFE_TO_DELIVER: ReasonGroup.SAFETY,
    Reason.DUPLICATE: ReasonGroup.ADMIN,
    Reason.MISTAKE: ReasonGroup.ADMIN,
}


class Cause(StrEnum):
    """What this house lets it rest for: its own work, or a consent or agreement that is lost."""

    WORK = "WORK"
    BASIS = "BASIS"


class StepCode(StrEnum):
    """What step a next contact is."""

    FIRST_MEETING = "FIRST_MEETING"
    REGULAR_CONTACT = "REGULAR_CONTACT"
    ASSESSMENT = "ASSESSMENT"
    GROUP_SESSION = "GROUP_SESSION"
    VIEWING = "VIEWING"
    JOINT_MEETING = "JOINT_MEETING"
    REVIEW = "REVIEW"
    ENDING = "ENDING"
    OTHER = "OTHER"


class ConfidentialityBasis(StrEnum):
    """Why confidence is not broken by telling."""

    AGREED = "AGREED"
    DIRECT_CARE = "DIRECT_CARE"
    PUBLIC_INTEREST = "PUBLIC_INTEREST"
    STATUTE = "STATUTE"
    COURT_ORDER = "COURT_ORDER"
    SECTION_251 = "SECTION_251"


class Category(StrEnum):
    """The categories of detail."""

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
