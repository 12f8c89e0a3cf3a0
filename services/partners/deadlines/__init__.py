"""What partners promises, what a due promise leads to, and what it does again and again."""

from partners.deadlines import agreements, nodes
from partners.deadlines.promises import DEADLINES

__all__ = ["DEADLINES", "PERIODIC"]

PERIODIC = (*nodes.PERIODIC, *agreements.PERIODIC)
