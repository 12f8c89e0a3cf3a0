"""Where the parts of notifications are joined: settings, storage, gateways, doors, publications."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chassis.rpc import Servicer
from chassis.service import Service
from chassis.work import Works
from notifications.deadlines import DEADLINES, Sender
from notifications.domain.codes import Channel
from notifications.gateways.console import Console
from notifications.gateways.details import Details
from notifications.gateways.email import Email
from notifications.publications import PUBLICATIONS
from notifications.rpc import NotificationService
from notifications.settings import Settings
from notifications.storage import Work
from notifications.subscriptions import HEARS


def _servicers(works: Works[Any]) -> Sequence[Servicer]:
    return (NotificationService(works),)


def _senders(settings: Settings) -> tuple[Sender, ...]:
    """E-mail by SMTP where a server is named; the console stands in for everything else."""
    console, addresses = Console(settings.console_file), Details(settings)
    if not settings.email_host:
        return (Sender(console, (Channel.EMAIL, Channel.PAGE, Channel.SMS), addresses),)
    email = Email(
        host=settings.email_host,
        port=settings.email_port,
        sender=settings.email_from,
        security=settings.email_security,
        username=settings.email_username,
        password=settings.email_password.get_secret_value(),
        ca_file=settings.email_ca_file,
        seconds=settings.email_seconds,
    )
    return (Sender(email, (Channel.EMAIL,), addresses), Sender(console, (Channel.PAGE, Channel.SMS), addresses))


def compose(settings: Settings) -> Service:
    """The whole service."""
    return Service(
        name="notifications",
        settings=settings,
        work=Work,
        publications=PUBLICATIONS,
        hears=(HEARS,),
        deadlines=DEADLINES,
        servicers=_servicers,
        migrations="notifications.migrations",
        outside=_senders(settings),
    )
