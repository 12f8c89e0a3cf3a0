"""Starting processes that end with their parent, and knowing one's own again after a crash.

A process is known by its id together with its start time, since ids come round again.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from house.folder import Running

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def ends_with_parent(how: signal.Signals) -> Callable[[], None]:
    """What a child runs before it becomes its program: on this process's death it is sent `how`.

    On Linux only. Elsewhere the next start ends what was left (`end_leftovers`).
    """
    parent = os.getpid()

    def before() -> None:
        os.setsid()
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, int(how), 0, 0, 0)
            if os.getppid() != parent:  # it died between the fork and the call above
                os._exit(1)

    return before


def started(pid: int) -> float:
    """When this process started; 0 where it is gone."""
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return 0.0


def alive(process: Running) -> bool:
    """Whether this very process still runs."""
    if process.pid is None:
        return False
    try:
        found = psutil.Process(process.pid)
        return abs(found.create_time() - process.started) < 1 and found.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def end(pid: int, *, how: signal.Signals, patience: float) -> None:
    """Send `how`, wait, then kill."""
    try:
        process = psutil.Process(pid)
        process.send_signal(how)
        process.wait(patience)
    except psutil.TimeoutExpired:
        process.kill()
        process.wait(5)
    except psutil.Error:
        return


def end_leftovers(processes: Iterable[Running]) -> list[str]:
    """End what a supervisor that is gone left behind; names of those that still ran."""
    left = [each for each in processes if alive(each)]
    for each in left:
        if each.pid is not None:
            end(each.pid, how=signal.SIGINT if each.name == "postgres" else signal.SIGTERM, patience=10)
    return [each.name for each in left]
