"""What partners hears: the picture's group, which leads to no command, and the gate's."""

from partners.subscriptions import (
    agreements,
    busy_slots,
    control,
    handoffs,
    offers,
    picture_across,
    picture_guests,
    reach,
)
from partners.subscriptions.gate import GATE
from partners.subscriptions.picture import PICTURE

__all__ = [
    "GATE",
    "PICTURE",
    "agreements",
    "busy_slots",
    "control",
    "handoffs",
    "offers",
    "picture_across",
    "picture_guests",
    "reach",
]
