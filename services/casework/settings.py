"""What the casework service is told by its environment; lengths of promises are our defaults (`measures.md` 1)."""

from __future__ import annotations

from pydantic import Field

from chassis.settings import ServiceSettings, Words


class Settings(ServiceSettings):
    """Settings of this service."""

    service: str = "casework"
    # Organisations whose staff cannot be independent workers (S14).
    probation_organisations: Words = frozenset({"probation"})
    mandatory_training: Words = frozenset({"SAFEGUARDING", "LONE_WORKING", "DATA_PROTECTION"})
    casework_clocks_version: str = Field(default="casework-clocks-1", pattern=r"^[a-z0-9-]{1,40}$")
    # L18, L3, L4 and L12, in working days.
    worker_named_days: int = Field(default=3, ge=1, le=60)
    first_contact_days: int = Field(default=5, ge=1, le=60)
    first_session_days: int = Field(default=10, ge=1, le=60)
    end_report_days: int = Field(default=5, ge=1, le=60)
