"""What a service is told by its environment; a bad value names its variable, a secret is never printed."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "THROUGHCARE_"
S = TypeVar("S", bound="ServiceSettings")


class SettingsWrong(Exception):  # noqa: N818 - read by an operator, not caught as an error
    """The environment is not fit to start with; the text names each variable and how to mend it."""


def _words(value: object) -> object:
    return frozenset(value.replace(",", " ").split()) if isinstance(value, str) else value


def _pairs(value: object) -> object:
    if not isinstance(value, str):
        return value
    return dict(part.split("=", 1) for part in value.replace(",", " ").split())


Words = Annotated[frozenset[str], NoDecode, BeforeValidator(_words)]
Pairs = Annotated[dict[str, str], NoDecode, BeforeValidator(_pairs)]


class ServiceSettings(BaseSettings):
    """Settings every service has; read once in `app.py` from variables named `THROUGHCARE_…`.

    Lists are words, `peers` is `service=host:port` words. Nothing that would be unsafe in production has a default.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore", frozen=True)

    service: str = ""
    node_id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{1,62}$")
    node_organisation: str = Field(min_length=1)
    database_url: SecretStr
    database_pool: int = Field(default=8, ge=2, le=64)
    bus_kind: Literal["embedded", "kafka"]
    bus_servers: str
    bus_security: Literal["PLAINTEXT", "SSL", "SASL_SSL"]
    bus_username: str = ""
    bus_password: SecretStr = SecretStr("")
    bus_ca_file: Path | None = None
    bus_certificate_file: Path | None = None
    bus_key_file: Path | None = None
    rpc_host: str = "127.0.0.1"
    rpc_port: int = Field(default=0, ge=0, le=65535)
    ops_port: int = Field(default=0, ge=0, le=65535)
    ports_file: Path | None = None
    peers: Pairs = Field(default_factory=dict)
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    may_assert: Words = frozenset()
    wrapping_key_file: Path
    house_key_file: Path
    # The key with which this node signs what leaves it (Ed25519, PEM); needed by the service that lets things leave.
    node_key_file: Path | None = None
    embedded_profile: bool = False
    features: Words = frozenset()
    otlp_endpoint: str = ""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @model_validator(mode="after")
    def _secure_outside_the_embedded_profile(self) -> Self:
        if self.embedded_profile:
            return self
        if self.bus_security == "PLAINTEXT":
            raise ValueError("bus_security PLAINTEXT is for the embedded profile; use SSL or SASL_SSL")
        if not (self.ca_file and self.certificate_file and self.key_file):
            raise ValueError("ca_file, certificate_file and key_file are needed outside the embedded profile")
        return self

    @property
    def services(self) -> frozenset[str] | None:
        """Which services the house runs, as far as it was said."""
        return frozenset({*self.peers, self.service}) if self.peers else None

    @cached_property
    def shared_key(self) -> bytes:
        """The house key: 32 bytes for equality search on identifiers; the same in all services of a house."""
        return _keys(self.house_key_file)[0]

    @cached_property
    def wrapping_keys(self) -> tuple[bytes, ...]:
        """The keys under which the keys of persons are wrapped, 32 bytes each, one a line of the file: the first wraps,
        those after it are of before a rotation and still unwrap."""
        return _keys(self.wrapping_key_file)


def _keys(path: Path) -> tuple[bytes, ...]:
    try:
        keys = tuple(bytes.fromhex(line) for line in path.read_text().split())
    except ValueError:
        keys = ()
    if not keys or {len(key) for key in keys} != {32}:
        raise SettingsWrong(f"{path.name} must hold 32 bytes in hexadecimal; `throughcare up` makes one.")
    return keys


def read(kind: type[S]) -> S:
    """The settings of this process. Raises `SettingsWrong` naming every bad variable, never its value."""
    given = {name[: -len("_FILE")]: name for name in os.environ if name.startswith(PREFIX) and name.endswith("_FILE")}
    secrets = {
        variable[len(PREFIX) :].lower(): Path(os.environ[name]).read_text().strip()
        for variable, name in given.items()
        if variable[len(PREFIX) :].lower() in {"database_url", "bus_password"}
    }
    try:
        return kind(**secrets)  # type: ignore[arg-type]  # secret files come before the environment
    except ValidationError as wrong:
        lines = [
            f"{PREFIX}{'_'.join(str(part) for part in error['loc']).upper() or '…'}: {error['msg']}"
            for error in wrong.errors(include_input=False, include_url=False)
        ]
        raise SettingsWrong("These settings are wrong or missing:\n" + "\n".join(lines)) from None
