"""What notices, contacts and templates look like outside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from notifications.domain.contact_book import Contact
from notifications.domain.notice import Notice
from notifications.domain.template import Template
from throughcare.notifications.v1 import service_pb2 as said


def _stamp(instant: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(instant)
    return stamp


def notice(held: Notice) -> said.Notice:
    return said.Notice(
        notice_id=str(held.id),
        state=held.status,
        reason_code=held.reason,
        fact=held.fact,
        about=held.about,
        case_id=str(held.case_id or ""),
        recipient_kind=held.recipient_kind,
        recipient_ref=held.recipient_ref,
        recipient_role=held.recipient_role,
        channel=held.channel,
        template_id=held.template,
        template_version=held.template_version,
        urgency=held.urgency,
        acknowledgement_wanted=held.ack_wanted,
        rung=held.rung,
        attempts=held.attempts,
        requested_at=_stamp(held.requested_at),
        send_after=_stamp(held.send_after),
        use_by=_stamp(held.use_by),
        version=held.version,
    )


def contact(held: Contact, *, addressed: bool) -> said.Contact:
    """Addresses are absent for who may not see them."""
    addresses = {"email": held.email, "sms": held.sms} if addressed else {}
    return said.Contact(
        kind=held.kind,
        ref=held.ref,
        roles=held.roles,
        organisation=held.organisation,
        channels=[channel.value for channel in held.channels],
        left=held.has_left,
        version=held.version,
        **addresses,
    )


def template(held: Template) -> said.Template:
    return said.Template(
        template_id=held.name,
        template_version=held.number,
        state=held.status,
        reader=held.reader,
        texts=[said.ChannelText(channel=t.channel, subject=t.subject, body=t.body) for t in held.texts],
        drafted_by=held.drafted_by,
        approved_by=held.approved_by,
        version=held.version,
    )


def findings(found: Iterable[Mapping[str, Any]]) -> list[said.Finding]:
    return [said.Finding(**finding) for finding in found]
