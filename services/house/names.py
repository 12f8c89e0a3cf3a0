"""Names that stand fast in every house of ours; nothing is imported here, so that the command line starts quickly."""

from __future__ import annotations

from typing import Final

SERVICES: Final = ("referral", "casework", "partners", "notifications")
NODE: Final = "together"
FOUR: Final = (NODE, "north-london-nhs", "women-in-prison", "sig-penrose")
MANAGER: Final = "staff-sm-1"
