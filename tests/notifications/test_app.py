"""How the parts are joined, and what settings are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from notifications.app import compose
from notifications.gateways.console import Console
from notifications.gateways.email import Email
from tests.notifications.house import settings

if TYPE_CHECKING:
    from pathlib import Path

NOWHERE = "postgresql://nowhere/x"
SECURED: dict[str, Any] = {"embedded_profile": False, "bus_security": "SSL"}


async def test_on_one_machine_the_console_stands_in_for_every_channel(tmp_path: Path) -> None:
    service = compose(settings(tmp_path, NOWHERE))

    assert [sender.name for sender in service.outside] == ["notices_email_page_sms"]


async def test_where_a_mail_server_is_named_letters_go_there_and_hold_up_no_page(tmp_path: Path) -> None:
    given = settings(tmp_path, NOWHERE, email_host="mail.x.example", email_from="no-reply@x.example")
    senders: Any = compose(given).outside

    assert [sender.name for sender in senders] == ["notices_email", "notices_page_sms"]
    assert isinstance(senders[0]._gateway, Email)
    assert isinstance(senders[1]._gateway, Console)


@pytest.mark.parametrize(
    "given",
    [
        {"email_host": "mail.x.example"},
        {"email_seconds": 60},
        {"email_security": "PLAIN"},
        {**SECURED},
        {**SECURED, "email_host": "mail.x.example", "email_from": "a@x.example", "email_security": "NONE"},
    ],
)
def test_settings_that_would_lose_or_leak_letters_are_refused(tmp_path: Path, given: dict[str, Any]) -> None:
    certificates = {name: tmp_path / name for name in ("ca_file", "certificate_file", "key_file")}
    with pytest.raises(ValidationError, match="email"):
        settings(tmp_path, NOWHERE, **certificates, **given)


def test_the_password_of_the_mail_server_is_not_shown(tmp_path: Path) -> None:
    assert "marked-canary" not in repr(settings(tmp_path, NOWHERE, email_password="marked-canary"))
