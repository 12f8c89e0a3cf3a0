"""What partners promises, what a due promise leads to, and what it does again and again."""

from partners.deadlines import handoffs, offers, signposts
from partners.deadlines.nodes import PERIODIC
from partners.deadlines.promises import DEADLINES

__all__ = ["DEADLINES", "PERIODIC", "handoffs", "offers", "signposts"]
