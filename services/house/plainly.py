"""Codes, days and instants as a person in London reads them."""

from __future__ import annotations

from datetime import date, datetime

from chassis.calendar import LONDON


def words(code: str) -> str:
    """A code in lower-case words."""
    return code.replace("_", " ").lower()


def day(text: str) -> str:
    """A calendar day: 24 November 2026."""
    found = date.fromisoformat(text)
    return f"{found.day} {found:%B %Y}"


def moment(text: str) -> str:
    """An instant as London reads it: 24 November 2026 at 2:00pm."""
    at = datetime.fromisoformat(text).astimezone(LONDON)
    return f"{at.day} {at:%B %Y} at {at.hour % 12 or 12}:{at:%M}{'am' if at.hour < 12 else 'pm'}"
