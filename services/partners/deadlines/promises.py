"""The one list of what partners promises; a file an aggregate adds to it."""

from __future__ import annotations

from chassis.promises import Deadlines

DEADLINES = Deadlines()
