"""E-mail by SMTP: certain that a letter did not leave, or certain that it did, or silent. It cannot be asked later."""

from __future__ import annotations

import asyncio
import re
import smtplib
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr
from pathlib import Path
from uuid import UUID

from notifications.domain.codes import Failure
from notifications.domain.letter import Answer, Letter, Outcome

CONNECTIONS = 4
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_DOTS = re.compile(rb"(?m)^\.")
_SILENCE = Outcome(answer=Answer.SILENCE)
_AWAY = Outcome(answer=Answer.NOT_NOW, reason=Failure.UNREACHABLE)


class _Attempt:
    """Whether the text of a letter was begun before it was given up: one of the two comes first, never both."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._first = ""

    def begun(self) -> bool:
        """The text is about to be handed over; False where it has been given up."""
        return self._is_first("begun")

    def given_up(self) -> bool:
        """Nobody waits any more; False where the text has been begun."""
        return self._is_first("given up")

    def _is_first(self, word: str) -> bool:
        with self._lock:
            self._first = self._first or word
            return self._first == word


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
        """Hand it over. Given up after the limit: where its text had been begun, nobody knows whether it left."""
        if not _ADDRESS.fullmatch(address):
            return Outcome(answer=Answer.NEVER, reason=Failure.NO_ADDRESS)
        message, attempt = self._message(letter, address), _Attempt()
        gives_up = time.monotonic() + self._seconds
        try:
            async with asyncio.timeout(self._seconds), self._gate:
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._threads, self._hand_over, message, address, attempt, gives_up)
        except TimeoutError:
            return _AWAY if attempt.given_up() else _SILENCE

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

    def _hand_over(self, message: bytes, address: str, attempt: _Attempt, gives_up: float) -> Outcome:
        """In a thread of its own: every step up to the text may fail for certain."""
        try:
            server = self._connected(gives_up)
        except (OSError, smtplib.SMTPException) as fault:
            return _unconnected(fault)
        # Closed without waiting for a goodbye.
        with closing(server):
            try:
                refused = self._offered(server, address)
            except (OSError, smtplib.SMTPException):
                return _AWAY
            if refused is None and not attempt.begun():
                return _AWAY
            return refused or _given(server, message)

    def _connected(self, gives_up: float) -> smtplib.SMTP:
        left = max(0.1, gives_up - time.monotonic())
        server: smtplib.SMTP
        if self._security == "TLS":
            server = smtplib.SMTP_SSL(self._host, self._port, timeout=left, context=self._tls)
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=left)
        with ExitStack() as unless_ready:
            unless_ready.callback(server.close)
            server.ehlo_or_helo_if_needed()
            if self._security == "STARTTLS":
                server.starttls(context=self._tls)
                server.ehlo()
            if self._username:
                server.login(self._username, self._password)
            unless_ready.pop_all()
        return server

    def _offered(self, server: smtplib.SMTP, address: str) -> Outcome | None:
        """Sender, recipient, and that a text follows; the first refusal, or None where the server waits for it."""
        steps: tuple[Callable[[], tuple[int, bytes]], ...] = (
            lambda: server.mail(self._sender),
            lambda: server.rcpt(address),
            lambda: server.docmd("DATA"),
        )
        for step in steps:
            code, _ = step()
            if code not in {250, 251, 354}:
                return _refused(code)
        return None


def _unconnected(fault: Exception) -> Outcome:
    """Why there is no connection: ours to mend, or the server's."""
    ours = (smtplib.SMTPAuthenticationError, smtplib.SMTPNotSupportedError, ssl.SSLCertVerificationError)
    if isinstance(fault, ours):
        return Outcome(answer=Answer.BROKEN, reason=Failure.MISCONFIGURED)
    return _refused(fault.smtp_code) if isinstance(fault, smtplib.SMTPResponseException) else _AWAY


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
