"""Where tests put what they throw away: in memory where the machine has room for it, since databases and brokers are
made by the thousand. A process that is killed loses nothing there, and a power cut is no test's matter."""

from __future__ import annotations

import os
import shutil
import tempfile

_MEMORY, _DISK, _ROOM = "/dev/shm", "/tmp", 6 * 1024**3  # noqa: S108 - what is made in them has names of its own


def choose() -> None:
    """Settle it for this process and all that it starts; what the environment says in TMPDIR stands.

    The names are short: a socket's path may be 107 characters long at most.
    """
    if not os.environ.get("TMPDIR"):
        roomy = os.access(_MEMORY, os.W_OK | os.X_OK) and shutil.disk_usage(_MEMORY).free > _ROOM
        os.environ["TMPDIR"] = _MEMORY if roomy else _DISK
    tempfile.tempdir = None
