"""Promises of partners with a due time: none in this slice. They come with handoffs and requests (L7, L22, L23)."""

from __future__ import annotations

from chassis.promises import Deadlines

DEADLINES = Deadlines()
