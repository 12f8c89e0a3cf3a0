"""What the service keeps."""

from notifications.storage.reading import (
    KEPT,
    LOCK_NOTICES,
    LOCK_OF_MATTER,
    OPEN_CASES,
    Around,
    Dated,
)
from notifications.storage.tables import PROJECTED, metadata
from notifications.storage.work import CONTACTS, NOTICES, OWN_STAFF, RECIPIENTS, STAFF, Work

__all__ = [
    "CONTACTS",
    "KEPT",
    "LOCK_NOTICES",
    "LOCK_OF_MATTER",
    "NOTICES",
    "OPEN_CASES",
    "OWN_STAFF",
    "PROJECTED",
    "RECIPIENTS",
    "STAFF",
    "Around",
    "Dated",
    "Work",
    "metadata",
]
