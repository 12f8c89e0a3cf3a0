"""Published lists that offers, handoffs and the directory share (rules.md 2 and 11); replaceable data."""

from __future__ import annotations

from enum import StrEnum


class Aspect(StrEnum):
    """What a service is about; it names a service, never a condition of a person."""

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


class Gender(StrEnum):
    """Whom an offer is for, as people describe themselves."""

    MALE = "MALE"
    FEMALE = "FEMALE"
    NON_BINARY = "NON_BINARY"
    SELF_DESCRIBED = "SELF_DESCRIBED"


class Condition(StrEnum):
    """What an offer asks beyond age, gender, area and licence; judged by a person, never computed."""

    ABLE_TO_ENGAGE_IN_CHANGE = "ABLE_TO_ENGAGE_IN_CHANGE"
    DIFFICULTY_IN_DAILY_FUNCTIONING = "DIFFICULTY_IN_DAILY_FUNCTIONING"
    SCREENED_IN = "SCREENED_IN"
    ON_LICENCE = "ON_LICENCE"
    LIVES_IN_AREA = "LIVES_IN_AREA"
    REGISTERED_WITH_GP = "REGISTERED_WITH_GP"
    REFERRED_BY_PROFESSIONAL = "REFERRED_BY_PROFESSIONAL"
    PANEL_DECIDES = "PANEL_DECIDES"


BOROUGHS = {
    f"E090000{number:02}": name
    for number, name in enumerate(
        (
            "City of London",
            "Barking and Dagenham",
            "Barnet",
            "Bexley",
            "Brent",
            "Bromley",
            "Camden",
            "Croydon",
            "Ealing",
            "Enfield",
            "Greenwich",
            "Hackney",
            "Hammersmith and Fulham",
            "Haringey",
            "Harrow",
            "Havering",
            "Hillingdon",
            "Hounslow",
            "Islington",
            "Kensington and Chelsea",
            "Kingston upon Thames",
            "Lambeth",
            "Lewisham",
            "Merton",
            "Newham",
            "Redbridge",
            "Richmond upon Thames",
            "Southwark",
            "Sutton",
            "Tower Hamlets",
            "Waltham Forest",
            "Wandsworth",
            "Westminster",
        ),
        start=1,
    )
}
