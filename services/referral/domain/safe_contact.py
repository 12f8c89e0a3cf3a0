"""How a man can be reached safely (S63), and what bounds it while his other records say something narrower."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING
from uuid import UUID

from referral.domain.codes import Channel

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, kw_only=True)
class SafeContact:
    """How he can be reached safely."""

    channels: tuple[Channel, ...]
    days: tuple[int, ...]
    from_hour: int
    to_hour: int
    voicemail: bool = False
    unnamed: bool = False

    def narrowed_by(self, other: SafeContact) -> SafeContact:
        """What both allow: no channel at all where there is no day or hour that both do."""
        days = tuple(day for day in self.days if day in other.days)
        hours = max(self.from_hour, other.from_hour), min(self.to_hour, other.to_hour)
        shared = days and hours[0] < hours[1]
        return SafeContact(
            channels=tuple(each for each in self.channels if each in other.channels) if shared else (),
            days=days,
            from_hour=hours[0],
            to_hour=max(hours),
            voicemail=self.voicemail and other.voicemail,
            unnamed=self.unnamed or other.unnamed,
        )


@dataclass(frozen=True, kw_only=True)
class Narrowing:
    """What was agreed under another record of his: it bounds what is agreed here until he is asked again."""

    person_id: UUID
    safe_contact: SafeContact


def within(agreed: SafeContact, narrowings: Iterable[Narrowing]) -> SafeContact:
    """What is agreed, within all these bounds."""
    return reduce(lambda held, each: held.narrowed_by(each.safe_contact), narrowings, agreed)
