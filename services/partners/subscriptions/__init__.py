"""What partners hears: the picture's group, which leads to no command, and the gate's."""

from partners.subscriptions import control, handoffs, offers
from partners.subscriptions.gate import GATE
from partners.subscriptions.picture import PICTURE

__all__ = ["GATE", "PICTURE", "control", "handoffs", "offers"]
