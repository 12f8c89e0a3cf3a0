"""Settings of the referral service on top of what every service has."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BeforeValidator

from chassis.settings import ServiceSettings, Words

# Domains kept for examples by RFC 2606 and 6761: nobody reads mail there.
_EXAMPLES = frozenset({"example", "test", "invalid", "example.com", "example.net", "example.org"})


def _dated(value: object) -> object:
    """`domain`, or `domain:from:to` with days that may be empty."""
    if not isinstance(value, frozenset):
        return value
    for word in value:
        for day in word.split(":")[1:]:
            if day:
                date.fromisoformat(day)
    return value


class Settings(ServiceSettings):
    """Our defaults: addresses of justice, health, police and councils; clinicians triage the recall programme."""

    service: str = "referral"
    email_domains: Annotated[Words, BeforeValidator(_dated)] = frozenset(
        {"gov.uk", "nhs.net", "nhs.uk", "cjsm.net", "police.uk"}
    )
    clinical_programmes: Words = frozenset({"RECALL_SUPPORT"})
    searches_in_ten_minutes: int = 30
    promise_rules: str = "PROMISES-1"

    def domains_on(self, day: date) -> tuple[str, ...]:
        """E-mail domains practitioners may write from on a day."""
        allowed = []
        for word in self.email_domains:
            domain, _, period = word.partition(":")
            start, _, end = period.partition(":")
            begun = not start or date.fromisoformat(start) <= day
            if begun and (not end or day <= date.fromisoformat(end)):
                allowed.append(domain)
        return (*sorted(allowed), *sorted(_EXAMPLES if self.embedded_profile else ()))
