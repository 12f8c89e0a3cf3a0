"""Named places where a fault run may stop, pause or kill this process at an exact line; free unless asked for.

`THROUGHCARE_FAILPOINTS` holds words `name=action` or `name=action@n`: at the n-th passing (the first without one) of
`fail_point(name)` the process is killed (`kill`), stopped (`stop`) or a `FaultPlanted` is raised (`raise`).
"""

from __future__ import annotations

import os
import signal


class FaultPlanted(Exception):  # noqa: N818 - planted by a fault run
    """Raised by a fail point that was told to."""


_PLANTED: dict[str, tuple[str, int]] = {}
_PASSED: dict[str, int] = {}
for _word in os.environ.get("THROUGHCARE_FAILPOINTS", "").split():
    _name, _, _action = _word.partition("=")
    _what, _, _nth = _action.partition("@")
    _PLANTED[_name] = (_what, int(_nth or 1))


def fail_point(name: str) -> None:
    """One place; does nothing where nothing is planted."""
    if not _PLANTED or name not in _PLANTED:
        return
    _PASSED[name] = _PASSED.get(name, 0) + 1
    action, nth = _PLANTED[name]
    if _PASSED[name] != nth:
        return
    if action == "raise":
        raise FaultPlanted(name)
    os.kill(os.getpid(), signal.SIGSTOP if action == "stop" else signal.SIGKILL)
