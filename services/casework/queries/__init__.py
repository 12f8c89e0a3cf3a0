"""Every question asked of the casework service; filtered by who asks, in the statement itself."""

from casework.queries.details import HELD, get_contact, get_detail, list_names
from casework.queries.lists import (
    Forecast,
    Listed,
    Seen,
    get_engagement,
    get_forecast,
    holding_on,
    list_allocations,
    list_caseload,
    list_external_appointments,
    list_workers,
)

__all__ = [
    "HELD",
    "Forecast",
    "Listed",
    "Seen",
    "get_contact",
    "get_detail",
    "get_engagement",
    "get_forecast",
    "holding_on",
    "list_allocations",
    "list_caseload",
    "list_external_appointments",
    "list_names",
    "list_workers",
]
