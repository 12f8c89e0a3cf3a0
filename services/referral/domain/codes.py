"""The code lists of the front door: what may stand in a field, and how other registers spell it."""

from __future__ import annotations

from enum import StrEnum


class ReferralKind(StrEnum):
    """What is asked for."""

    PERSON_SUPPORT = "PERSON_SUPPORT"
    STAFF_CONSULTATION = "STAFF_CONSULTATION"


class ReferrerKind(StrEnum):
    """Who refers."""

    PROBATION = "PROBATION"
    NHS_TRUST = "NHS_TRUST"
    PRISON = "PRISON"
    PARTNER = "PARTNER"
    SELF = "SELF"


class Party(StrEnum):
    """Who ended a referral."""

    REFERRER = "REFERRER"
    PERSON = "PERSON"
    SERVICE = "SERVICE"


class ReasonGroup(StrEnum):
    """All that is told of why something ended."""

    ELIGIBILITY = "ELIGIBILITY"
    CAPACITY = "CAPACITY"
    PERSON_CHOICE = "PERSON_CHOICE"
    NEED_MET_ELSEWHERE = "NEED_MET_ELSEWHERE"
    CIRCUMSTANCE = "CIRCUMSTANCE"
    SAFETY = "SAFETY"
    ADMIN = "ADMIN"


class EndReason(StrEnum):
    """Why a referral ended; private to the house."""

    NOT_SCREENED_IN = "NOT_SCREENED_IN"
    OUT_OF_AREA = "OUT_OF_AREA"
    UNDER_AGE = "UNDER_AGE"
    COHORT = "COHORT"
    NO_CONSENT = "NO_CONSENT"
    NO_CAPACITY = "NO_CAPACITY"
    UNSAFE_TO_DELIVER = "UNSAFE_TO_DELIVER"
    DUPLICATE = "DUPLICATE"
    MISTAKE = "MISTAKE"
    MOVED_AWAY = "MOVED_AWAY"
    NO_LONGER_WANTED = "NO_LONGER_WANTED"
    OTHER_SERVICE = "OTHER_SERVICE"
    SENTENCE_ENDED = "SENTENCE_ENDED"
    ACQUITTED = "ACQUITTED"
    DIED = "DIED"
    CANNOT_CONTACT = "CANNOT_CONTACT"

    @property
    def group(self) -> ReasonGroup:
        """The group the reason is told as."""
        return _GROUPS.get(self, ReasonGroup.CIRCUMSTANCE)


_GROUPS = {
    EndReason.NOT_SCREENED_IN: ReasonGroup.ELIGIBILITY,
    EndReason.OUT_OF_AREA: ReasonGroup.ELIGIBILITY,
    EndReason.UNDER_AGE: ReasonGroup.ELIGIBILITY,
    EndReason.COHORT: ReasonGroup.ELIGIBILITY,
    EndReason.NO_CONSENT: ReasonGroup.PERSON_CHOICE,
    EndReason.NO_LONGER_WANTED: ReasonGroup.PERSON_CHOICE,
    EndReason.NO_CAPACITY: ReasonGroup.CAPACITY,
    EndReason.UNSAFE_TO_DELIVER: ReasonGroup.SAFETY,
    EndReason.OTHER_SERVICE: ReasonGroup.NEED_MET_ELSEWHERE,
    EndReason.DUPLICATE: ReasonGroup.ADMIN,
    EndReason.MISTAKE: ReasonGroup.ADMIN,
}


class Rosh(StrEnum):
    """Risk of serious harm, in rising order."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    VERY_HIGH = "VERY_HIGH"

    def reaches(self, threshold: Rosh) -> bool:
        """Whether it is at least as high."""
        order = list(Rosh)
        return order.index(self) >= order.index(threshold)


class Gender(StrEnum):
    """Gender as the person describes it."""

    MALE = "MALE"
    FEMALE = "FEMALE"
    NON_BINARY = "NON_BINARY"
    SELF_DESCRIBED = "SELF_DESCRIBED"
    NOT_STATED = "NOT_STATED"
    UNKNOWN = "UNKNOWN"


class ToldHow(StrEnum):
    """How something was explained."""

    FACE_TO_FACE = "FACE_TO_FACE"
    VIDEO = "VIDEO"
    PHONE = "PHONE"
    EASY_READ = "EASY_READ"
    INTERPRETER = "INTERPRETER"


class YesNo(StrEnum):
    """An answer that may also be missing."""

    YES = "YES"
    NO = "NO"


class Channel(StrEnum):
    """How a person can be reached."""

    PHONE = "PHONE"
    SMS = "SMS"
    EMAIL = "EMAIL"
    LETTER = "LETTER"


class Pronouns(StrEnum):
    """Shown wherever the name is."""

    HE_HIM = "HE_HIM"
    SHE_HER = "SHE_HER"
    THEY_THEM = "THEY_THEM"
    OTHER = "OTHER"
    NOT_STATED = "NOT_STATED"


class CommunicationNeed(StrEnum):
    """What makes talking and reading easier."""

    EASY_READ = "EASY_READ"
    LARGE_PRINT = "LARGE_PRINT"
    BSL = "BSL"
    INTERPRETER = "INTERPRETER"
    NEURODIVERSITY_ADJUSTMENT = "NEURODIVERSITY_ADJUSTMENT"
    TEXT_ONLY = "TEXT_ONLY"
    CALL_ONLY = "CALL_ONLY"


class Aspect(StrEnum):
    """A service somebody may want; never a condition."""

    ONE_TO_ONE = "ONE_TO_ONE"
    PSYCHOLOGY = "PSYCHOLOGY"
    SKILLS_GROUP = "SKILLS_GROUP"
    SUPPORTED_HOUSING = "SUPPORTED_HOUSING"
    HOUSING_ADVICE = "HOUSING_ADVICE"
    DEBT_ADVICE = "DEBT_ADVICE"
    BENEFITS_ADVICE = "BENEFITS_ADVICE"
    GRANTS = "GRANTS"
    WORK_AND_LEARNING = "WORK_AND_LEARNING"
    GP_REGISTRATION = "GP_REGISTRATION"
    HEALTH_SERVICE = "HEALTH_SERVICE"
    COMPANY_TO_APPOINTMENTS = "COMPANY_TO_APPOINTMENTS"
    FAMILY = "FAMILY"
    PEER_SUPPORT = "PEER_SUPPORT"
    COMMUNITY_ACTIVITY = "COMMUNITY_ACTIVITY"
    ADVOCACY = "ADVOCACY"
    WOMENS_SERVICE = "WOMENS_SERVICE"
    OTHER = "OTHER"


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


LICENCE_CONDITIONS = frozenset(
    {
        "GOOD_BEHAVIOUR",
        "NO_OFFENCE",
        "KEEP_IN_TOUCH",
        "SUPERVISING_OFFICER_VISIT",
        "ADDRESS_APPROVED",
        "NO_WORK_UNDERTAKEN",
        "NO_TRAVEL_OUTSIDE_UK",
        "NAME_CHANGE",
        "CONTACT_DETAILS",
    }
)
ROSH_REGISTER = {"RLRH": Rosh.LOW, "RMRH": Rosh.MEDIUM, "RHRH": Rosh.HIGH, "RVHR": Rosh.VERY_HIGH}
GENDER_REGISTER = {
    "GIM": Gender.MALE,
    "GIF": Gender.FEMALE,
    "GINB": Gender.NON_BINARY,
    "GISD": Gender.SELF_DESCRIBED,
    "GIRF": Gender.NOT_STATED,
    "GIUNK": Gender.UNKNOWN,
    "UNK": Gender.UNKNOWN,
}
UNKNOWN_ETHNICITY = "UNKNOWN"
ETHNICITIES = frozenset(
    [
        "W1",
        "W2",
        "W3",
        "W5",
        "W9",
        "M1",
        "M2",
        "M3",
        "M9",
        "A1",
        "A2",
        "A3",
        "A4",
        "A9",
        "B1",
        "B2",
        "B9",
        "O2",
        "O9",
        "NS",
    ]
)
ETHNICITY_REGISTER = {
    "W4": "W3",
    "W8": "W3",
    "O1": "A4",
    "ETH03": UNKNOWN_ETHNICITY,
    "MERGE": UNKNOWN_ETHNICITY,
    "UN": UNKNOWN_ETHNICITY,
    "Z1": UNKNOWN_ETHNICITY,
}
