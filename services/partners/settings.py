"""What the partners service is told by its environment."""

from __future__ import annotations

from chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """Nothing of its own yet."""

    service: str = "partners"
