"""For whom the command line acts: members of staff of the example house, told apart by their ids."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from chassis.access import Actor, Purpose, Role
from house import names
from house.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Sequence

MANAGER: Final = names.MANAGER
SECOND_MANAGER: Final = "staff-sm-2"
WORKERS: Final = tuple(f"staff-ew-{number}" for number in range(1, 7))
CLINICIAN: Final = "staff-cp-1"
OPERATE: Final = Purpose.OPERATE
GUARDIAN: Final = "staff-ig-1"
OPERATOR: Final = "staff-ops-1"
PROBATION: Final = "probation"
EXAMPLE: Final[Sequence[str]] = (MANAGER, SECOND_MANAGER, *WORKERS, CLINICIAN, GUARDIAN)
_ROLES: Final = {"sm": Role.SM, "ew": Role.EW, "cp": Role.CP, "ig": Role.IG, "ops": Role.OPS, "pw": Role.PW}
_STAFF: Final = re.compile(r"staff-([a-z]+)-[a-z0-9-]+")
_PRACTITIONER: Final = re.compile(r"pp-[a-z2-7]{26}")


def acting(staff: str, *, organisation: str, purpose: Purpose) -> Actor:
    """The actor behind a staff id. A practitioner's id is his reference: he is a guest, employed by probation."""
    if _PRACTITIONER.fullmatch(staff):
        return Actor(id=staff, role=Role.PP, organisation=PROBATION, purpose=purpose)
    found = _STAFF.fullmatch(staff)
    if found is None or found.group(1) not in _ROLES:
        raise Trouble(
            "Nobody is known by the id given with --as.",
            mend=f"Of the example house: {', '.join(EXAMPLE)}; or a practitioner's reference, which begins with pp-.",
            code=2,
        )
    return Actor(id=staff, role=_ROLES[found.group(1)], organisation=organisation, purpose=purpose)


def adapter(organisation: str) -> Actor:
    """The adapter through which messages of other systems come in."""
    return Actor(id="adapter-hmpps", role=Role.ADAPTER, organisation=organisation, purpose=Purpose.OPERATE)
