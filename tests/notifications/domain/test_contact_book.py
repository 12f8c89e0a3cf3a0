"""How staff are reached."""

from uuid import uuid4

import pytest

from chassis.aggregate import Invalid
from notifications.domain.codes import Channel, Kind
from notifications.domain.contact_book import Contact
from tests.notifications.builders import MONDAY

ENTRY = Contact(id=uuid4(), person_id=uuid4(), kind=Kind.STAFF, ref="staff-ew-1", organisation="together")


def entry(email="ew-1@together.example", sms="+447700900123", roles=("EW",)):
    return ENTRY.set(roles=roles, organisation="together", email=email, sms=sms, has_left=False, at=MONDAY)


def test_the_channels_follow_from_the_addresses():
    assert entry().channels == (Channel.PAGE, Channel.EMAIL, Channel.SMS)
    assert entry(email="", sms="").channels == (Channel.PAGE,)


def test_no_fact_holds_an_address():
    [fact] = entry().news
    assert "together.example" not in repr(fact)
    assert "7700" not in repr(fact)


@pytest.mark.parametrize("email", ["ew", "ew@", "@x.example", "a b@x.example", "a@x", "a@x.example\nBcc: b@y.example"])
@pytest.mark.parametrize("sms", ["07700900123", "+447012345678", "+33612345678", "+44770090012"])
def test_every_address_that_cannot_be_one_is_named(email, sms):
    with pytest.raises(Invalid) as refusal:
        entry(email=email, sms=sms, roles=())

    faults = {(fault.path, fault.code) for fault in refusal.value.fields}
    assert faults == {("email", "INVALID_FORMAT"), ("sms", "INVALID_FORMAT"), ("roles", "REQUIRED")}
    assert email not in str(refusal.value)
