"""The people of the demonstration. Nobody is real: names say so, numbers come from no register."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import date

# What becomes of somebody; dealt out in turn, so that a few people already show all of it.
PATHS: Final = (
    "supported", "supported", "declined", "paused", "missed", "recall", "withdrawn", "consultation", "supported",
    "twice", "unwilling", "draft", "closed", "recall", "redirected",
)  # fmt: skip
_GIVEN: Final = ("Invented", "Madeup", "Fictional", "Pretend", "Sample", "Imagined")
_TREES: Final = (
    "Alder", "Ash", "Aspen", "Beech", "Birch", "Cedar", "Cherry", "Elder", "Elm", "Hawthorn", "Hazel", "Holly",
    "Hornbeam", "Juniper", "Larch", "Linden", "Maple", "Oak", "Pine", "Plane", "Poplar", "Rowan", "Spruce", "Yew",
)  # fmt: skip
_BOROUGHS: Final = ("03", "05", "12", "19", "07", "10", "25", "30", "04", "23", "28", "08", "22", "32", "29")
_RECALL_BOROUGHS: Final = ("07", "19")
_ETHNICITIES: Final = ("W1", "B1", "A1", "M1", "W2", "B2", "O9", "NS", "A2", "B9")
_NEEDS: Final = (
    ("SUPPORTED_HOUSING", "DEBT_ADVICE"),
    ("WORK_AND_LEARNING",),
    ("GP_REGISTRATION", "COMPANY_TO_APPOINTMENTS"),
    ("PEER_SUPPORT", "BENEFITS_ADVICE"),
)
PRACTITIONERS: Final = 6


@dataclass(frozen=True)
class Practitioner:
    """An invented probation practitioner."""

    number: int

    @property
    def email(self) -> str:
        """At a domain that nobody can have."""
        return f"practitioner-{self.number}@probation.example"

    @property
    def contact(self) -> dict[str, str]:
        """As a request names him."""
        return {
            "name": f"Practitioner Invented-{_TREES[-self.number]}",
            "email": self.email,
            "phone": f"+44207946{self.number:04d}",
            "pdu": "LON-INVENTED",
            "team_code": f"TEAM{self.number}",
        }


@dataclass(frozen=True)
class Person:
    """One invented person, by number. All are men but those whom the service redirects to the women's partner."""

    number: int

    @property
    def slot(self) -> int:
        """Which of the paths it is, counted from 0: several lead the same way."""
        return self.number % len(PATHS)

    @property
    def path(self) -> str:
        """What becomes of this person."""
        return PATHS[self.slot]

    @property
    def name(self) -> str:
        """How the script calls this person."""
        return f"person-{self.number}"

    @property
    def programme(self) -> str:
        """Which programme the referral is to."""
        return "RECALL_SUPPORT" if self.path in ("recall", "consultation") else "EERSS"

    @property
    def kind(self) -> str:
        """What is asked for."""
        return "STAFF_CONSULTATION" if self.path == "consultation" else "PERSON_SUPPORT"

    @property
    def practitioner(self) -> Practitioner:
        """Who refers."""
        return Practitioner(1 + self.number % PRACTITIONERS)

    @property
    def gender(self) -> str:
        """As the form names it."""
        return "FEMALE" if self.path == "redirected" else "MALE"

    @property
    def crn(self) -> str:
        """A number of the right shape, from the end of the alphabet."""
        return f"Z9{self.number:05d}"

    @property
    def borough(self) -> str:
        """Where he or she lives."""
        codes = _RECALL_BOROUGHS if self.programme == "RECALL_SUPPORT" else _BOROUGHS
        return f"E090000{codes[self.number % len(codes)]}"

    @property
    def identifiers(self) -> dict[str, str]:
        """As a request names them."""
        return {"crn": self.crn}

    def details(self, today: date) -> dict[str, str]:
        """Who it is; the age depends on the house's day."""
        born = today.year - 19 - self.number * 7 % 41
        return {
            "given_names": _GIVEN[self.number % len(_GIVEN)],
            "family_name": f"{_TREES[self.number % len(_TREES)]}-Notreal{self.number}",
            "date_of_birth": f"{born}-0{1 + self.number % 9}-1{self.number % 9}",
            "borough": self.borough,
        }

    def answers(self, today: date) -> dict[str, object]:
        """What the form holds."""
        return {
            "borough": self.borough,
            "rosh": "VERY_HIGH" if self.number % 4 == 0 else "HIGH",
            "rosh_assessed_on": today.isoformat(),
            "ethnicity": _ETHNICITIES[self.number % len(_ETHNICITIES)],
            "gender": self.gender,
            "needs": list(_NEEDS[self.number % len(_NEEDS)]),
        }


def people(count: int) -> tuple[Person, ...]:
    """The first so many."""
    return tuple(Person(number) for number in range(1, count + 1))
