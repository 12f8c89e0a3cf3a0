"""How staff and teams of the house are reached. Addresses are sealed; who is not in it is asked for when sending."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.aggregate import Aggregate, Event, Fault, Invalid
from notifications.domain.codes import Channel, Kind

_EMAIL = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)
# Mobile numbers of the United Kingdom; +4470 are personal numbers, which cost the caller dearly.
_MOBILE = re.compile(r"\+447[1-9]\d{8}")
LONGEST_EMAIL = 254


@dataclass(frozen=True, kw_only=True)
class ContactSet(Event):
    """How somebody is reached was set; which channels, never by which address."""

    channels: tuple[Channel, ...]
    roles: tuple[str, ...]
    has_left: bool


@dataclass(frozen=True, kw_only=True)
class Contact(Aggregate):
    """One entry of the book. `person_id` names the key that seals its addresses."""

    person_id: UUID
    kind: Kind
    ref: str
    roles: tuple[str, ...] = ()
    organisation: str
    email: str = ""
    sms: str = ""
    has_left: bool = False

    @property
    def channels(self) -> tuple[Channel, ...]:
        """By which channels he can be reached; a page needs no address, it is shown where he works."""
        ways = {Channel.PAGE: True, Channel.EMAIL: bool(self.email), Channel.SMS: bool(self.sms)}
        return tuple(channel for channel, there in ways.items() if there)

    def address(self, channel: Channel) -> str:
        """The address for a channel, or nothing."""
        return {Channel.EMAIL: self.email, Channel.SMS: self.sms, Channel.PAGE: self.ref}.get(channel, "")

    def set(
        self, *, roles: tuple[str, ...], organisation: str, email: str, sms: str, has_left: bool, at: datetime
    ) -> Contact:
        """The whole entry anew. Raises Invalid with every address that cannot be one."""
        faults = [*_faults_of(email, sms)]
        if not roles:
            faults.append(Fault("roles", "REQUIRED"))
        if faults:
            raise Invalid(*faults)
        entry = self.telling(
            roles=tuple(sorted(set(roles))), organisation=organisation, email=email, sms=sms, has_left=has_left
        )
        return entry.telling(ContactSet(channels=entry.channels, roles=entry.roles, has_left=has_left, at=at))


def _faults_of(email: str, sms: str) -> list[Fault]:
    faults = []
    if email and len(email) > LONGEST_EMAIL:
        faults.append(Fault("email", "TOO_LONG"))
    elif email and not _EMAIL.fullmatch(email):
        faults.append(Fault("email", "INVALID_FORMAT"))
    if sms and not _MOBILE.fullmatch(sms):
        faults.append(Fault("sms", "INVALID_FORMAT"))
    return faults
