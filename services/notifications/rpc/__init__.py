"""What systems may ask of notifications."""

from notifications.rpc.service import NotificationService

__all__ = ["NotificationService"]
