"""What notifications hears (events.md 6): each fact is remembered as rows, then told to whom it concerns.

The projection of a fact stands before its command, which reads what the projection wrote.
"""

from notifications.subscriptions import casework, handoffs, misses, person, referral
from notifications.subscriptions.group import HEARS

__all__ = ["HEARS", "casework", "handoffs", "misses", "person", "referral"]
