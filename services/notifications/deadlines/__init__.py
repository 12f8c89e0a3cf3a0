"""What falls due, and what is done outside the house."""

from notifications.deadlines.promises import DEADLINES
from notifications.deadlines.sending import Sender

__all__ = ["DEADLINES", "Sender"]
