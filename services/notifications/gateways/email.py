"""E-mail by SMTP: certain that a letter did not leave, or certain that it did, or silent. It cannot be asked later."""

from __future__ import annotations

import asyncio
import re
import smtplib
import ssl
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr
from pathlib import Path
from uuid import UUID

from notifications.domain.codes import Failure
from notifications.domain.letter import Answer, Letter, Outcome

CONNECTIONS = 4
_DOTS = re.compile(rb"(?m)^\.")
_SILENCE = Outcome(answer=Answer.SILENCE)


class Email:
    """Hands letters to one SMTP server, each over a connection of its own, within a limit below the lease.

    Until the text has been handed over every fault means that nothing left. From its first byte to the server's
    answer a fault means that nobody knows.
    """

    tells = False

    def __init__(
        self,
        *,
        host: str,
        port: int,
        sender: str,
        security: str = "STARTTLS",
        username: str = "",
        password: str = "",
        ca_file: Path | None = None,
        seconds: float = 20,
    ) -> None:
        self._host, self._port, self._security = host, port, security
        self._from, self._sender = sender, parseaddr(sender)[1]
        self._username, self._password, self._seconds = username, password, seconds
        self._tls = None if security == "NONE" else ssl.create_default_context(cafile=ca_file)
        self._gate = asyncio.Semaphore(CONNECTIONS)
        self._threads = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="smtp")

    async def send(self, letter: Letter, address: str) -> Outcome:
        """Hand it over. Given up after the limit, when nobody knows whether it left."""
        try:
            message = self._message(letter, address)
        except (ValueError, UnicodeError):
            return Outcome(answer=Answer.NEVER, reason=Failure.NO_ADDRESS)
        gives_up = time.monotonic() + self._seconds
        begun = False
        try:
            async with asyncio.timeout(self._seconds), self._gate:
                begun = True
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._threads, self._hand_over, message, address, gives_up)
        except TimeoutError:
            return _SILENCE if begun else Outcome(answer=Answer.NOT_NOW, reason=Failure.BUSY)

    async def ask(self, reference: UUID) -> Outcome:
        """SMTP cannot say what became of a letter."""
        return _SILENCE

    def close(self) -> None:
        """Begin no further letter."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _message(self, letter: Letter, address: str) -> bytes:
        message = EmailMessage(policy=SMTP)
        message["From"], message["To"], message["Subject"] = self._from, address, letter.subject
        message["Message-ID"] = f"<{letter.reference}@{self._sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.body)
        return message.as_bytes()

    def _hand_over(self, message: bytes, address: str, gives_up: float) -> Outcome:
        """In a thread of its own: every step up to the text may fail for certain."""
        try:
            server = self._connected(gives_up)
        except smtplib.SMTPAuthenticationError:
            return Outcome(answer=Answer.BROKEN, reason=Failure.MISCONFIGURED)
        except (ssl.SSLCertVerificationError, smtplib.SMTPNotSupportedError):
            return Outcome(answer=Answer.BROKEN, reason=Failure.MISCONFIGURED)
        except smtplib.SMTPResponseException as said:
            return _refused(said.smtp_code)
        except (OSError, smtplib.SMTPException):
            return Outcome(answer=Answer.NOT_NOW, reason=Failure.UNREACHABLE)
        with _closing(server):
            try:
                refused = self._offered(server, address, gives_up)
            except (OSError, smtplib.SMTPException):
                return Outcome(answer=Answer.NOT_NOW, reason=Failure.UNREACHABLE)
            return refused or _given(server, message)

    def _connected(self, gives_up: float) -> smtplib.SMTP:
        left = max(0.1, gives_up - time.monotonic())
        server: smtplib.SMTP
        if self._security == "TLS":
            server = smtplib.SMTP_SSL(self._host, self._port, timeout=left, context=self._tls)
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=left)
        try:
            server.ehlo_or_helo_if_needed()
            if self._security == "STARTTLS":
                server.starttls(context=self._tls)
                server.ehlo()
            if self._username:
                server.login(self._username, self._password)
        except BaseException:
            server.close()
            raise
        return server

    def _offered(self, server: smtplib.SMTP, address: str, gives_up: float) -> Outcome | None:
        """Sender, recipient, and that a text follows; the first refusal, or None where the server waits for it."""
        steps: tuple[Callable[[], tuple[int, bytes]], ...] = (
            lambda: server.mail(self._sender),
            lambda: server.rcpt(address),
            lambda: server.docmd("DATA"),
        )
        for step in steps:
            if time.monotonic() >= gives_up:
                return Outcome(answer=Answer.NOT_NOW, reason=Failure.UNREACHABLE)
            code, _ = step()
            if code not in {250, 251, 354}:
                return _refused(code)
        if time.monotonic() >= gives_up:
            # The claim may be another's by now: nothing may leave any more.
            return Outcome(answer=Answer.NOT_NOW, reason=Failure.UNREACHABLE)
        return None


def _given(server: smtplib.SMTP, message: bytes) -> Outcome:
    """The text, and the server's word for it."""
    try:
        server.send(_DOTS.sub(b"..", message).rstrip(b"\r\n") + b"\r\n.\r\n")
        code, _ = server.getreply()
    except (OSError, smtplib.SMTPException):
        return _SILENCE
    return Outcome(answer=Answer.SENT) if code == 250 else _refused(code)


def _refused(code: int) -> Outcome:
    """4xx is for now, 5xx for good."""
    if 400 <= code < 500:
        return Outcome(answer=Answer.NOT_NOW, reason=Failure.BUSY)
    return Outcome(answer=Answer.NEVER, reason=Failure.REFUSED)


class _closing:  # noqa: N801 - reads as a sentence: with _closing(server)
    """Ends the connection without waiting for a goodbye."""

    def __init__(self, server: smtplib.SMTP) -> None:
        self._server = server

    def __enter__(self) -> None:
        """Nothing to do."""

    def __exit__(self, *_: object) -> None:
        self._server.close()
