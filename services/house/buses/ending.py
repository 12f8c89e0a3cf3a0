"""What both kinds of bus share: the answer that one cannot be had here, and how its process ends."""

from __future__ import annotations

import subprocess


class BusUnavailable(Exception):  # noqa: N818 - an answer to an operator
    """This bus cannot be started here; the text says why, and what would help."""


def wait(process: subprocess.Popen[bytes], *, seconds: float) -> None:
    """Wait for the process to end; when it does not in time, end it."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(5)
