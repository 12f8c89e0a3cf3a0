"""The codes that several parts of the domain share."""

from __future__ import annotations

from enum import StrEnum


class Channel(StrEnum):
    """By which way a notice reaches somebody."""

    PAGE = "PAGE"
    EMAIL = "EMAIL"
    SMS = "SMS"
    LETTER = "LETTER"


class Urgency(StrEnum):
    """How soon it has to be told."""

    SAFETY = "SAFETY"
    TODAY = "TODAY"
    ROUTINE = "ROUTINE"
    DIGEST = "DIGEST"


class Kind(StrEnum):
    """What a recipient is: it says where his address is looked up."""

    STAFF = "STAFF"
    TEAM = "TEAM"
    PRACTITIONER = "PRACTITIONER"
    PERSON = "PERSON"


class Suppression(StrEnum):
    """Why a notice is not sent."""

    NO_CONSENT = "NO_CONSENT"
    UNSAFE_CONTACT = "UNSAFE_CONTACT"
    IN_CUSTODY = "IN_CUSTODY"
    DUPLICATE = "DUPLICATE"
    RECIPIENT_LEFT = "RECIPIENT_LEFT"
    CASE_RESTRICTED = "CASE_RESTRICTED"
    DECEASED = "DECEASED"
    SUPERSEDED = "SUPERSEDED"


class Failure(StrEnum):
    """Why a channel did not take a notice."""

    NO_ADDRESS = "NO_ADDRESS"
    REFUSED = "REFUSED"
    BUSY = "BUSY"
    UNREACHABLE = "UNREACHABLE"
    MISCONFIGURED = "MISCONFIGURED"


_LETTERS = {"P": Channel.PAGE, "E": Channel.EMAIL, "S": Channel.SMS, "L": Channel.LETTER}

Groups = tuple[tuple[Channel, ...], ...]


def channels_of(text: str) -> Groups:
    """The channels as the audience table writes them: `P+E,S` is page and e-mail at once, then SMS."""
    return tuple(tuple(_LETTERS[letter.strip()] for letter in group.split("+")) for group in text.split(","))
