"""The words in which our own codes stand in a directory of Open Referral: attributes of taxonomies of our own."""

from __future__ import annotations

from typing import Final
from uuid import UUID, uuid5

from partners.domain.offer import Status

NAMESPACE: Final = UUID("5d0c1f0e-6c1b-4f0c-9a53-0f6b1f6f7a10")
SCHEME: Final = "throughcare"
# Lists of codes: one attribute a code. Single values: one attribute, the value beside it.
LISTS: Final = {
    "aspects": "throughcare-aspect",
    "genders": "throughcare-gender",
    "conditions": "throughcare-condition",
}
NUMBERS: Final = {
    "minimum_licence_months": "throughcare-minimum-licence-months",
    "places": "throughcare-places",
    "length_months": "throughcare-length-months",
    "panel_days": "throughcare-panel-days",
}
CAPACITY: Final = "throughcare-capacity"
WAIT_DAYS: Final = "throughcare-wait-days"
AS_AT: Final = "throughcare-as-at"
STATUS_OF: Final = {
    "active": Status.PUBLISHED,
    "inactive": Status.PAUSED,
    "temporarily closed": Status.PAUSED,
    "defunct": Status.RETIRED,
}
WRITTEN_STATUS: Final = {
    Status.PUBLISHED: "active",
    Status.PAUSED: "temporarily closed",
    Status.RETIRED: "defunct",
}


def id_of(*parts: object) -> str:
    """An id that is the same whenever the same thing is written."""
    return str(uuid5(NAMESPACE, "\0".join(str(part) for part in parts)))
