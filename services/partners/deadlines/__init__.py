"""What partners promises, what a due promise leads to, and what it does again and again."""

from partners.deadlines import agreements, handoffs, nodes, offers, signposts
from partners.deadlines.promises import DEADLINES

__all__ = ["DEADLINES", "PERIODIC", "handoffs", "offers", "signposts"]

PERIODIC = (*nodes.PERIODIC, *agreements.PERIODIC)
