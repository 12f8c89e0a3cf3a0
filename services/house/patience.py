"""Waiting for a house that is being started, or started again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeVar

from house.postgres import AWAY
from house.trouble import Trouble

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")
_NOT_YET: Final = (*AWAY, Trouble)
_PAUSE: Final = 0.3


async def patiently(what: Callable[[], Awaitable[T]], *, seconds: float = 180.0) -> T:
    """Do it again until it succeeds; the last fault is raised when the time is over."""
    until = asyncio.get_running_loop().time() + seconds
    while True:
        try:
            return await what()
        except _NOT_YET:
            if asyncio.get_running_loop().time() > until:
                raise
            await asyncio.sleep(_PAUSE)
