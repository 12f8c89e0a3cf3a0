"""The London boroughs and the quadrant each lies in; replaceable data, each borough exactly once."""

from __future__ import annotations

import re
from enum import StrEnum

NOT_KNOWN = "NOT_KNOWN"
_SHAPE = re.compile(r"E[0-9]{8}")


class Quadrant(StrEnum):
    """A quarter of London, in which a programme opens as one."""

    NE = "NE"
    NW = "NW"
    SE = "SE"
    SW = "SW"


_NAMES = {
    Quadrant.NW: (
        (3, "Barnet"),
        (5, "Brent"),
        (7, "Camden"),
        (9, "Ealing"),
        (13, "Hammersmith and Fulham"),
        (15, "Harrow"),
        (17, "Hillingdon"),
        (18, "Hounslow"),
        (20, "Kensington and Chelsea"),
        (33, "Westminster"),
    ),
    Quadrant.NE: (
        (1, "City of London"),
        (2, "Barking and Dagenham"),
        (10, "Enfield"),
        (12, "Hackney"),
        (14, "Haringey"),
        (16, "Havering"),
        (19, "Islington"),
        (25, "Newham"),
        (26, "Redbridge"),
        (30, "Tower Hamlets"),
        (31, "Waltham Forest"),
    ),
    Quadrant.SE: ((4, "Bexley"), (6, "Bromley"), (11, "Greenwich"), (23, "Lewisham"), (28, "Southwark")),
    Quadrant.SW: (
        (8, "Croydon"),
        (21, "Kingston upon Thames"),
        (22, "Lambeth"),
        (24, "Merton"),
        (27, "Richmond upon Thames"),
        (29, "Sutton"),
        (32, "Wandsworth"),
    ),
}
BOROUGHS = {f"E090000{number:02}": (name, quadrant) for quadrant, places in _NAMES.items() for number, name in places}


def borough_fault(code: str) -> str:
    """What is wrong with a borough code, or nothing."""
    if not _SHAPE.fullmatch(code):
        return "INVALID_FORMAT"
    return "" if code in BOROUGHS else "UNKNOWN_CODE"


def quadrant_of(borough: str) -> Quadrant | None:
    """The quadrant of a borough; none where it is not known."""
    place = BOROUGHS.get(borough)
    return place[1] if place else None
