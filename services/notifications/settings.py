"""What the notifications service is told by its environment."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """E-mail goes by SMTP where a server is named; on one machine for trying, everything goes to the console.

    `console_file` keeps what goes to the console as lines of JSON; without it they are written to standard output.
    """

    service: str = "notifications"
    email_host: str = ""
    email_port: int = Field(default=587, ge=1, le=65535)
    email_security: Literal["STARTTLS", "TLS", "NONE"] = "STARTTLS"
    email_username: str = ""
    email_password: SecretStr = SecretStr("")
    email_ca_file: Path | None = None
    email_from: str = ""
    email_seconds: float = Field(default=20, gt=0, le=25)
    console_file: Path | None = None

    @model_validator(mode="after")
    def _email_is_named_and_secured(self) -> Self:
        if self.email_host and not self.email_from:
            raise ValueError("email_from is needed where email_host is given: who the letters come from")
        if self.embedded_profile:
            return self
        if not self.email_host:
            raise ValueError("email_host is needed outside the embedded profile: the console is no channel")
        if self.email_security == "NONE":
            raise ValueError("email_security NONE is for the embedded profile; use STARTTLS or TLS")
        return self
