"""What partners hears: the picture's group, which leads to no command."""

from partners.subscriptions import picture_across
from partners.subscriptions.picture import PICTURE

__all__ = ["PICTURE", "picture_across"]
