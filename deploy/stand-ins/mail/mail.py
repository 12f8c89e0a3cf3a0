"""Takes letters by SMTP with STARTTLS and says that one came: never to whom, and never what is in it."""

from __future__ import annotations

import os
import ssl
import sys
import threading
from typing import Any

from aiosmtpd.controller import Controller


class Letters:
    """Every letter is taken."""

    async def handle_DATA(self, *_: Any) -> str:
        """Say that it came."""
        sys.stdout.write("a letter\n")
        return "250 OK"


if __name__ == "__main__":
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(os.environ["MP_SMTP_TLS_CERT"], os.environ["MP_SMTP_TLS_KEY"])
    Controller(Letters(), hostname="", port=1025, tls_context=context, require_starttls=True).start()
    threading.Event().wait()
