"""What the partners service is told by its environment."""

from __future__ import annotations

from chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """`promise_rules` names the version of the clocks that promises are made under."""

    service: str = "partners"
    promise_rules: str = "PROMISES-1"
