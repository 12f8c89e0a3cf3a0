"""Who a person is and how to reach him, read from a form, a request or a row."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from chassis.aggregate import Fault, Invalid
from referral.domain import identifiers as read
from referral.domain.answers import borough_of
from referral.domain.codes import Channel, CommunicationNeed, Pronouns
from referral.domain.fields import NAME, TITLE, email_of, language_of, phone_of
from referral.domain.identifiers import Wrong
from referral.domain.person import Channels, Details, Identifiers, birth_fault
from referral.domain.safe_contact import SafeContact

if TYPE_CHECKING:
    from referral.domain.fields import Reading

PRONOUNS_LIMIT, HOURS = 40, 24


def read_identifiers(reading: Reading, *, today: date | None) -> Identifiers:
    """The identifiers given, in their stored form; without a day only shapes are judged, here and below."""
    return Identifiers(
        crn=reading.read("crn", read.crn) or "",
        prison_number=reading.read("prison_number", read.prison_number) or "",
        pnc=reading.read("pnc", lambda text: read.pnc(text, today=today or date.max)) or "",
        cro=reading.read("cro", read.cro) or "",
        nhs_number=reading.read("nhs_number", read.nhs_number) or "",
    )


def read_details(reading: Reading, *, today: date | None) -> Details:
    """Who he is, as given."""
    born = reading.day("date_of_birth")
    if born and today and (fault := birth_fault(born, today)):
        reading.fault("date_of_birth", fault)
        born = None
    pronouns = reading.code("pronouns", Pronouns)
    return Details(
        given_names=reading.text("given_names", limit=NAME),
        family_name=reading.text("family_name", limit=NAME, required=True),
        preferred_name=reading.text("preferred_name", limit=NAME),
        pronouns=pronouns,
        pronouns_other=reading.text("pronouns_other", limit=PRONOUNS_LIMIT, required=pronouns is Pronouns.OTHER),
        date_of_birth=born,
        address=reading.text("address", limit=TITLE),
        postcode=reading.read("postcode", read.postcode) or "",
        borough=reading.read("borough", borough_of) or "",
        language=reading.read("language", language_of) or "",
        interpreter=reading.flag("interpreter"),
        communication_needs=reading.codes("communication_needs", CommunicationNeed),
        deceased=reading.flag("deceased"),
    )


def read_channels(reading: Reading) -> Channels:
    """How he can be reached, as given."""
    return Channels(
        phone=reading.read("phone", phone_of) or "",
        email=reading.read("email", email_of) or "",
        letter_address=reading.text("letter_address", limit=TITLE),
    )


def sms_fault(channels: Channels) -> str:
    """Text messages go to mobile numbers of the United Kingdom only."""
    mobile = channels.phone.startswith("+447") and not channels.phone.startswith("+4470")
    return "" if mobile else "CONFLICTS_WITH(phone)"


def read_safe_contact(reading: Reading, held: Channels) -> SafeContact:
    """How he can be reached safely, as given."""
    channels = reading.codes("channels", Channel)
    days = tuple(sorted({int(day) for day in reading.listed("days")}))
    hours = [int(reading.given(field) or 0) for field in ("from_hour", "to_hour")]
    if not channels:
        reading.fault("channels", "REQUIRED")
    if not days:
        reading.fault("days", "REQUIRED")
    if any(day not in range(1, 8) for day in days):
        reading.fault("days", "OUT_OF_RANGE")
    if not 0 <= hours[0] < hours[1] <= HOURS:
        reading.fault("to_hour", "BEFORE_START" if hours[1] <= hours[0] else "OUT_OF_RANGE")
    if Channel.SMS in channels and (fault := sms_fault(held)):
        reading.fault("channels", fault)
    return SafeContact(
        channels=channels,
        days=days,
        from_hour=hours[0],
        to_hour=hours[1],
        voicemail=reading.flag("voicemail"),
        unnamed=reading.flag("unnamed"),
    )


def normalised(kind: str, text: str, *, today: date) -> str:
    """One identifier for a search, in its stored form; refuses a wrong shape."""
    readers = {
        "crn": read.crn,
        "prison_number": read.prison_number,
        "pnc": lambda given: read.pnc(given, today=today),
        "cro": read.cro,
        "nhs_number": read.nhs_number,
    }
    if kind not in readers:
        raise Invalid(Fault("identifier_kind", "UNKNOWN_CODE"))
    try:
        return readers[kind](text)
    except Wrong as wrong:
        raise Invalid(Fault("value", wrong.code)) from None
